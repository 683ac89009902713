import { execFileSync } from 'node:child_process';
import type { LiveCloud } from '../cloud/live.ts';
import type { RequestLog } from '../cloud/requests.ts';
import type { RemoteAgent } from '../remote.ts';
import { restCredentials } from '../scenarios/rest-secret.ts';
import { MACHINE } from './addresses.ts';
import type { LoginAttempt, MachineRelay, MachineSettings } from './facts.ts';
import { withPublic } from './identity.ts';
import { natRules } from './router.ts';

/** The surroundings of the booted machine. */
export interface Laboratory {
  settings: MachineSettings;
  cloud: LiveCloud;
  requests: RequestLog;
  /** A client on the internet. */
  client: RemoteAgent;
  /** The host on the internet to which clients send. */
  peer: RemoteAgent;
  /** A host in the machine's own network. */
  neighbour: RemoteAgent;
  /** Use the processor's virtualisation. */
  kvm: boolean;
  /** Certificate of the services that hold secrets, in PEM. */
  certificate: string;
  /** Paths of the clients' SSH keys. */
  sshKeys: Readonly<Record<LoginAttempt['key'], string>>;
}

const HOUR_MS = 3_600_000;
/** Messages of a session. */
export const MESSAGES = 100;

/** Moves the machine to another public address, as the cloud and its router do at the same time, or takes it away. */
export function setPublic(cloud: LiveCloud, public4: string | undefined): void {
  execFileSync('nft', ['-f', '-'], { input: natRules(public4) });
  cloud.change((state) => withPublic(state, public4));
}

/** How a session reaches the machine. */
export interface Way {
  transport: MachineRelay['transport'];
  server: string;
  /** By default, the usual port of the transport. */
  port?: number;
}

/** Relays messages in one session with credentials made from a shared secret. */
export async function relay(
  agent: RemoteAgent,
  { transport, server, port }: Way,
  secret: string,
  more: { messages?: number; gapMs?: number } = {},
): Promise<MachineRelay> {
  const outcome = await agent.relay({
    transport,
    address: server,
    port: port ?? (transport === 'tls' || transport === 'dtls' ? 5349 : 3478),
    credentials: restCredentials(Date.now() + HOUR_MS, secret),
    messages: MESSAGES,
    ...more,
  });
  return { transport, server, ...(port === undefined ? {} : { port }), ...outcome };
}

/** Credentials for trials that open sessions themselves. */
export const credentialsFor = (secret: string, user?: string) =>
  restCredentials(Date.now() + HOUR_MS, secret, user);

/** The addresses at which clients on the internet reach the machine. */
export const outside = (ipv4: string = MACHINE.public4) => ({ ipv4, ipv6: MACHINE.ipv6 });

/** Seconds since a moment, with one decimal. */
export const secondsSince = (begin: number) => Math.round((Date.now() - begin) / 100) / 10;
