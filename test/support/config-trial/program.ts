import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { attribute, UDP } from '../../../src/turn/attributes.ts';
import { createClient, type TurnClient } from '../../../src/turn/client.ts';
import { NoAnswer } from '../../../src/turn/exchange.ts';
import { METHOD } from '../../../src/turn/message.ts';
import { openTransport } from '../../../src/turn/transport.ts';
import { ANONYMOUS, LOG_OPTIONS, type Observation, SERVER, type Trial } from './observation.ts';

// Runs in a container: starts the turnserver of a root with each configuration in its own network namespace, sends client requests, and
// records its behaviour. Reads trials from /trials.json and writes observations to standard output, one per line.

/** Milliseconds for a server to open its sockets. Natively it exits or has them within a second. */
const READY_MS = 8_000;
/** One machine loses no packets: the second request is for a server whose thread had not started yet. */
const PATIENCE = { rtoMs: 300, sentAtMost: 3, lastMs: 700, reliableMs: 2_000 };
const LOG_LINES = 200;

interface Place {
  namespace: number;
  /** Number of the namespace, in file names. */
  number: number;
}

async function tryConfiguration(trial: Trial, place: Place): Promise<Observation> {
  const root = `/roots/${trial.version}`;
  const name = `/tmp/trial-${place.number}.conf`;
  const logFile = `/tmp/trial-${place.number}.log`;
  writeFileSync(`${root}${name}`, trial.text, { mode: 0o644 });
  const log = openSync(logFile, 'w');
  const words = [`--net=/proc/${place.namespace}/ns/net`, '--', 'chroot', '--userspec=turnserver:turnserver'];
  const server = spawn(
    'nsenter',
    // Flush each line: the server is killed in the end and would lose buffered lines.
    [
      ...words,
      root,
      '/usr/bin/stdbuf',
      '-oL',
      '/usr/bin/turnserver',
      '-c',
      name,
      ...usualOptions(trial.text),
    ],
    {
      stdio: ['ignore', log, log],
    },
  );
  closeSync(log);
  const exit = new Promise<string>((resolve) => {
    server.once('exit', (code, signal) => resolve(code === null ? String(signal) : String(code)));
  });
  let over = false;
  const end = exit.then(async (code) => {
    // With `daemon`, another process continues.
    while (code === '0' && daemonOf(place) !== undefined) await pause(50);
    over = true;
    return code;
  });
  const ended = () => over;
  const observation: Observation = {
    id: trial.id,
    log: [],
    sockets: [],
    allocations: {},
    permitted: [],
    tried: [],
  };
  try {
    observation.sockets = await settledSockets(place.namespace, ended);
    if (!ended())
      await askAll(trial, observation, end).catch((error: unknown) => {
        throw new Error(
          `the trial failed with this configuration:\n${trial.text}${readFileSync(logFile, 'utf8').slice(-1500)}`,
          { cause: error },
        );
      });
    if (ended()) observation.ended = await end;
  } finally {
    server.kill('SIGKILL');
    const daemon = daemonOf(place);
    if (daemon !== undefined) process.kill(daemon, 'SIGKILL');
    await end;
    observation.log = readFileSync(logFile, 'utf8').split('\n').slice(0, LOG_LINES);
    rmSync(`${root}${name}`);
  }
  return observation;
}

/** Redirects files and the log, unless the configuration tests these options. */
function usualOptions(text: string): string[] {
  const isSet = (names: RegExp) => text.split('\n').some((line) => names.test(line));
  return [
    ...(isSet(/^pidfile\b/) ? [] : ['--pidfile=']),
    ...(isSet(LOG_OPTIONS) ? [] : ['--log-file=stdout']),
  ];
}

/** A turnserver that has detached from its parent, found by its arguments, because its namespace is not readable. */
function daemonOf({ number }: Place): number | undefined {
  const found = readdirSync('/proc').find(
    (pid) =>
      /^\d+$/.test(pid) &&
      /\(turnserver\) [^Z] 1 /.test(readIfThere(`/proc/${pid}/stat`)) &&
      readIfThere(`/proc/${pid}/cmdline`).includes(`/tmp/trial-${number}.conf\0`),
  );
  return found === undefined ? undefined : Number(found);
}

/** The sockets of a process's namespace, once they stay the same several times in a row. */
async function settledSockets(pid: number, ended: () => boolean): Promise<string[]> {
  const last = Date.now() + READY_MS;
  let [before, same] = ['', 0];
  while (!ended() && Date.now() < last) {
    const now = socketsOf(pid);
    const text = now.join();
    same = text === before ? same + 1 : 0;
    before = text;
    if (same >= 4 && now.length > 0) return now;
    await pause(50);
  }
  return ended() ? [] : socketsOf(pid);
}

const FILES = ['tcp', 'tcp6', 'udp', 'udp6'] as const;
const LISTEN = '0A';
const UNCONNECTED = '07';

/** Listening TCP sockets and unconnected UDP ones of a process's namespace. @see proc_net(5) */
function socketsOf(pid: number): string[] {
  const found = FILES.flatMap((file) => {
    const text = readIfThere(`/proc/${pid}/net/${file}`);
    const kind = file.slice(0, 3);
    return text
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/);
        return state === (kind === 'tcp' ? LISTEN : UNCONNECTED) ? [`${kind} ${endpointOf(local)}`] : [];
      });
  });
  return [...new Set(found)].sort();
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** `0203000A:0D96` -> `10.0.3.2:3478`: words of the address in the host's byte order, which is little-endian. */
function endpointOf(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const bytes = Buffer.from(address, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join('.')}:${number}`;
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16)).join(':');
  return `[${words === '0:0:0:0:0:0:0:0' ? '::' : words}]:${number}`;
}

/** The socket that clients use: UDP on the server's address or on all addresses, preferably on the default port; otherwise TCP. */
function doorOf(sockets: readonly string[]): { transport: 'udp' | 'tcp'; port: number } | undefined {
  const doors = sockets.flatMap((socket) => {
    const [, kind, address, port] = /^(udp|tcp) (.*):(\d+)$/.exec(socket) ?? [];
    const reached = address === SERVER.ipv4 || address === '0.0.0.0';
    return reached ? [{ transport: kind as 'udp' | 'tcp', port: Number(port) }] : [];
  });
  const rank = ({ transport, port }: (typeof doors)[number]) =>
    (transport === 'udp' ? 0 : 100_000) + (port === 3478 ? 0 : port);
  return doors.sort((a, b) => rank(a) - rank(b))[0];
}

async function askAll(trial: Trial, seen: Observation, end: Promise<string>): Promise<void> {
  const door = doorOf(seen.sockets);
  if (door === undefined) return;
  seen.asked = `${door.transport} ${door.port}`;
  const connect = async (credentials = { username: '', password: '' }) =>
    createClient(
      await openTransport(door.transport, { address: SERVER.ipv4, port: door.port }, { connectMs: 1000 }),
      credentials,
      {
        patience: () => PATIENCE,
        ended: end,
      },
    );
  /** @param family the requested address family; the configuration's default if undefined */
  const allocate = async (client: TurnClient, family: 4 | 6 | undefined, known: boolean) => {
    const attributes = [
      attribute.requestedTransport(UDP),
      ...(family === undefined ? [] : [attribute.requestedAddressFamily(family)]),
    ];
    const answer = known
      ? await client.ask(METHOD.allocate, attributes)
      : await client.request(METHOD.allocate, attributes);
    return answer.error === undefined ? 'granted' : String(answer.error.code);
  };
  // No allocation before this one: a released port becomes free only some time later.
  if (trial.fill !== undefined) {
    seen.filled = await fill(trial.fill, () => connect(trial.credentials[0]));
    return;
  }
  let permission: { credentials: { username: string; password: string }; known: boolean } | undefined;
  const credentials = [{ label: ANONYMOUS, username: '', password: '' }, ...trial.credentials];
  for (const { label, ...account } of credentials) {
    const known = label !== ANONYMOUS;
    const client = await connect(account).catch(() => undefined);
    const result = client === undefined ? 'refused' : await allocate(client, undefined, known).catch(silence);
    seen.allocations[label] = result;
    if (client !== undefined) await giveBack(client);
    if (result === 'granted') permission ??= { credentials: account, known };
    // If one request gets no answer, requests with other names get none either.
    if (result === 'silence' || result === 'refused') return;
  }
  if (permission === undefined) return;
  for (const family of [4, 6] as const) {
    const peers = trial.peers.filter((peer) => peer.includes(':') === (family === 6));
    const client = await connect(permission.credentials);
    const got = await allocate(client, family, permission.known).catch(silence);
    if (got === 'granted')
      for (const peer of peers) {
        const asked = [attribute.xorPeerAddress({ address: peer, port: 4444 })];
        const answer = permission.known
          ? await client.ask(METHOD.createPermission, asked)
          : await client.request(METHOD.createPermission, asked);
        seen.tried.push(peer);
        if (answer.error === undefined) seen.permitted.push(peer);
      }
    await giveBack(client);
  }
}

/** Maximum number of allocations when filling a range. */
const MOST_FILLED = 200;

async function fill(how: 'ports' | 'pairs', connect: () => Promise<TurnClient>): Promise<number> {
  const clients: TurnClient[] = [];
  const attributes = [
    attribute.requestedTransport(UDP),
    ...(how === 'pairs' ? [attribute.evenPort(true)] : []),
  ];
  for (;;) {
    const client = await connect();
    clients.push(client);
    const { error } = await client.ask(METHOD.allocate, attributes);
    if (error === undefined && clients.length < MOST_FILLED) continue;
    for (const each of clients) await giveBack(each);
    return clients.length - 1;
  }
}

function silence(error: unknown): string {
  if (error instanceof NoAnswer) return 'silence';
  throw error;
}

async function giveBack(client: TurnClient): Promise<void> {
  await client.ask(METHOD.refresh, [attribute.lifetime(0)]).catch(() => {});
  client.close();
}

/** A namespace with one link to this one. All have the same addresses, because each client has its own namespace, see `main`. */
function createNamespace(): Promise<number> {
  const holder = spawn('unshare', ['--net', '--', 'sleep', 'infinity'], { stdio: 'ignore' });
  return pause(300).then(() => {
    const pid = holder.pid ?? 0;
    holder.unref();
    const inside = (...args: string[]) =>
      execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, '--', 'ip', ...args]);
    execFileSync('ip', [
      'link',
      'add',
      'server',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      String(pid),
    ]);
    execFileSync('ip', ['address', 'add', '20.0.3.1/24', 'dev', 'server']);
    execFileSync('ip', ['address', 'add', '2600:1:0:3::1/64', 'dev', 'server', 'nodad']);
    execFileSync('ip', ['link', 'set', 'server', 'up']);
    inside('address', 'add', `${SERVER.ipv4}/24`, 'dev', 'eth0');
    inside('address', 'add', `${SERVER.ipv6}/64`, 'dev', 'eth0', 'nodad');
    inside('address', 'add', SERVER.own, 'dev', 'lo');
    for (const device of ['lo', 'eth0']) inside('link', 'set', device, 'up');
    inside('route', 'add', 'default', 'via', '20.0.3.1');
    inside('-6', 'route', 'add', 'default', 'via', '2600:1:0:3::1');
    return pid;
  });
}

async function main(): Promise<void> {
  const [, program = '', workers = '', worker] = process.argv;
  if (worker === undefined) {
    // Each worker has its own namespace, so that all servers can have the same addresses.
    const all = Array.from({ length: Number(workers) }, (_, index) => {
      const child = spawn('unshare', ['--net', '--', process.execPath, program, workers, String(index)], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      return new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
    });
    process.exit(Math.max(...(await Promise.all(all))));
  }
  const number = Number(worker);
  const trials = JSON.parse(readFileSync('/trials.json', 'utf8')) as Trial[];
  const place = { namespace: await createNamespace(), number };
  for (const version of new Set(trials.map((trial) => trial.version)))
    mkdirSync(`/roots/${version}/tmp`, { recursive: true });
  for (const [index, trial] of trials.entries())
    if (index % Number(workers) === number)
      process.stdout.write(`${JSON.stringify(await tryConfiguration(trial, place))}\n`);
  process.exit(0);
}

await main();
