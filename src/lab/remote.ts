import { type ChildProcess, spawn } from 'node:child_process';
import type { TransportName } from '../turn/transport.ts';
import type { AgentRequest, RelayOutcome } from './agent.ts';
import type { Login } from './login.ts';
import { enter, UNPRIVILEGED } from './network.ts';
import type { ForbiddenTrial } from './scenarios/forbidden.ts';
import type { Allocated, Burst } from './sessions.ts';

/** The parent's interface to an agent in another namespace. */
export interface RemoteAgent {
  echo(address: string, port: number): Promise<void>;
  /** Whether the agent can open a TCP connection. */
  accepts(address: string, port: number): Promise<boolean>;
  /** Whether a server answers an unknown client's Allocate over UDP. */
  asksForCredentials(address: string, port: number): Promise<boolean>;
  /** Whether a server answers a Binding request over a transport. */
  binds(transport: TransportName, address: string, port: number): Promise<boolean>;
  /** Relays messages to the echo peer and back, in one session over the family of the server's address. */
  relay(session: Omit<Extract<AgentRequest, { do: 'relay' }>, 'do'>): Promise<RelayOutcome>;
  /** Allocates over UDP, all at the same time, without asking for an address family. */
  allocate(wanted: Omit<Extract<AgentRequest, { do: 'allocate' }>, 'do'>): Promise<Allocated[]>;
  /** Sends messages to the echo peer without waiting for answers, in one session over UDP and IPv4. */
  burst(burst: Omit<Extract<AgentRequest, { do: 'burst' }>, 'do'>): Promise<Burst>;
  /** Logs in over SSH. Returns what the command printed, or why there was no session. */
  logIn(login: Login): Promise<string>;
  /** Tries to reach forbidden peers through a server, and a public one. */
  forbidden(trial: Omit<Extract<AgentRequest, { do: 'forbidden' }>, 'do'>): Promise<ForbiddenTrial>;
  /** Tries TCP connections through a relay, at the same time. Returns one word for each peer. */
  connects(trial: Omit<Extract<AgentRequest, { do: 'connects' }>, 'do'>): Promise<string[]>;
  /** Which of these ports no firewall closes, whether or not a program listens on them. */
  reachable(protocol: 'tcp' | 'udp', address: string, ports: readonly number[]): Promise<number[]>;
  /** SHA-256 fingerprint of a server's certificate. */
  certificate(address: string, port: number): Promise<string>;
  /** The listening sockets of the agent's machine, in the kernel's notation. */
  listening(): Promise<string[]>;
  scrape(url: string): Promise<string>;
  /** Scrapes `times` times and returns how many responses had status 200. */
  scrapeOften(url: string, times: number): Promise<number>;
  stop(): void;
}

/** The command of an agent in the network namespace of a process. */
export function agentCommand(pid: number): string[] {
  return [...enter(pid), ...UNPRIVILEGED, process.execPath, process.argv[1] ?? '', 'agent'];
}

/** Starts an agent in the network namespace of a process. */
export function startAgent(pid: number): RemoteAgent {
  const [file = '', ...args] = agentCommand(pid);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ask = createAsk(child);
  return {
    echo: async (address, port) => void (await ask({ do: 'echo', address, port })),
    accepts: async (address, port) => (await ask({ do: 'accepts', address, port })) as boolean,
    asksForCredentials: async (address, port) =>
      (await ask({ do: 'asksForCredentials', address, port })) as boolean,
    binds: async (transport, address, port) =>
      (await ask({ do: 'binds', transport, address, port })) as boolean,
    relay: async (session) => (await ask({ do: 'relay', ...session })) as RelayOutcome,
    allocate: async (wanted) => (await ask({ do: 'allocate', ...wanted })) as Allocated[],
    burst: async (burst) => (await ask({ do: 'burst', ...burst })) as Burst,
    logIn: async (login) => (await ask({ do: 'login', ...login })) as string,
    forbidden: async (trial) => (await ask({ do: 'forbidden', ...trial })) as ForbiddenTrial,
    connects: async (trial) => (await ask({ do: 'connects', ...trial })) as string[],
    reachable: async (protocol, address, ports) =>
      (await ask({ do: 'reachable', protocol, address, ports })) as number[],
    certificate: async (address, port) => (await ask({ do: 'certificate', address, port })) as string,
    listening: async () => (await ask({ do: 'listening' })) as string[],
    scrape: async (url) => (await ask({ do: 'scrape', url })) as string,
    scrapeOften: async (url, times) => (await ask({ do: 'scrapeOften', url, times })) as number,
    stop: () => child.kill('SIGKILL'),
  };
}

/** Sends requests to an agent and waits for its answers. */
export function createAsk(child: ChildProcess): (request: AgentRequest) => Promise<unknown> {
  let last = 0;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  child.on('message', (message: { id: number; value?: unknown; error?: string }) => {
    const { resolve, reject } = waiting.get(message.id) ?? {};
    waiting.delete(message.id);
    if (message.error === undefined) resolve?.(message.value);
    else reject?.(new Error(message.error));
  });
  let ended: Error | undefined;
  child.on('exit', (code, signal) => {
    ended = new Error(`an agent exited with ${code ?? signal}`);
    for (const { reject } of waiting.values()) reject(ended);
  });
  return (request) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended);
      last += 1;
      waiting.set(last, { resolve, reject });
      // Without a callback, an agent that is about to exit would end this process. Its exit rejects the request.
      child.send({ id: last, request }, () => {});
    });
}
