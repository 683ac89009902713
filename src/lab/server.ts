import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate } from './certificate.ts';
import { asUser, type Containment } from './containment.ts';
import type { ServerName, Site } from './facts.ts';
import { accountOf, type InstalledFiles, TARGET } from './installed.ts';
import { ADDRESSES } from './network.ts';
import type { RemoteAgent } from './remote.ts';
import { FILES, FOLDER, METRICS } from './server-configuration.ts';
import type { RunningServer } from './subject.ts';
import { usageOf } from './usage.ts';

/** Milliseconds until a server has to serve: from 4.8 on it shuffles its relay ports first, for a minute under QEMU. */
const READY_MS = { native: 90_000, emulated: 300_000 };
/** Milliseconds that a server may take to answer over UDP on its own machine once it accepts TCP connections. */
const DATAGRAMS_MS = { native: 15_000, emulated: 60_000 };
const STOP_MS = 30_000;
/** Not /tmp: the systemd that is started here empties that. */
const LOGS = '/var/log/turnbuild';
/** Bytes of a server's log that are kept. */
const LOG_BYTES = 8_192;

/** A program to be run as the server, with variables of its environment. */
export interface Program {
  /** Beneath the target's root. */
  path: string;
  env: Record<string, string>;
}

const INSTALLED: Program = { path: '/usr/bin/turnserver', env: {} };

/** Where a server runs, and with what. */
export interface ServerPlace {
  /** Its machine, which is its name as well. */
  name: ServerName;
  /** Process that holds its namespace. */
  namespace: number;
  /** Where the package's programs run. */
  containment: Containment;
  /** An agent on the same machine. */
  agent: RemoteAgent;
  site: Site;
  installed: InstalledFiles;
  emulated: boolean;
  /** Folder of the control group to run in. */
  controlGroup?: string;
}

/** The server did not come up. The message has its last lines. */
export class NotReady extends Error {}

/** Makes what every configuration needs: a certificate, and a folder that the server's user can read. */
export function prepareTarget(): void {
  mkdirSync(LOGS, { recursive: true });
  mkdirSync(FILES, { mode: 0o755 });
  makeCertificate({ certificate: `${FILES}/cert.pem`, key: `${FILES}/key.pem` });
  // No code of the package has run in this root yet. A mount point cannot be moved, and what is read-only not be changed.
  mkdirSync(`${TARGET}${FOLDER}`, { mode: 0o755 });
  execFileSync('mount', ['--bind', FILES, `${TARGET}${FOLDER}`]);
  execFileSync('mount', ['-o', 'remount,bind,ro', `${TARGET}${FOLDER}`]);
  for (const name of ['proc', 'dev']) execFileSync('mount', ['--rbind', `/${name}`, `${TARGET}/${name}`]);
}

/**
 * Puts the turnserver with AddressSanitizer beside the installed one. Its first finding ends it, with a report on standard error;
 * leaks are not looked for, which takes ptrace, and the symbols of the report are in the program.
 */
export function prepareSanitized(): Program {
  copyFileSync('/inputs/turnserver', `${FILES}/turnserver`);
  chmodSync(`${FILES}/turnserver`, 0o755);
  return {
    path: `${FOLDER}/turnserver`,
    env: { ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:disable_coredump=1:print_legend=0' },
  };
}

/**
 * Starts turnserver as its own user with a configuration, and waits until it does what a server does: accept TCP connections, ask
 * for credentials over UDP, and serve its metrics. Asked on its own machine, so that nothing on the way decides.
 * @throws NotReady
 */
export async function startServer(
  place: ServerPlace,
  configuration: string,
  program: Program = INSTALLED,
): Promise<RunningServer> {
  const { name, agent } = place;
  writeFileSync(`${FILES}/${name}.conf`, configuration, { mode: 0o644 });
  const logFile = `${LOGS}/${name}.log`;
  const log = openSync(logFile, 'w');
  const [file = '', ...args] = [
    ...joined(place.controlGroup),
    ...asUser(place.containment, place.namespace, accountOfSite(place)),
    ...[`--shell=${program.path}`, '--', '-c', `${FOLDER}/${name}.conf`, '--pidfile=', '--log-file=stdout'],
  ];
  const env = { ...process.env, ...program.env };
  const child = spawn(file, args, { stdio: ['ignore', log, log], env });
  closeSync(log);
  const end = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code === null ? String(signal) : String(code)));
  });
  const server: RunningServer = {
    name,
    addresses: ADDRESSES[name],
    agent,
    usage: async () => usageOf(child.pid ?? 0),
    answersDatagrams: false,
    stop: () => stop(child, end),
    ended: () => (child.exitCode === null ? (child.signalCode ?? undefined) : String(child.exitCode)),
    end,
    log: () => lastBytes(logFile),
  };
  if (await becomesReady(server, place, configuration)) return server;
  await server.stop();
  appendFileSync(logFile, '\n');
  throw new NotReady(
    `turnserver (${name}) did not get ready:\n${server.log().split('\n').slice(-15).join('\n')}`,
  );
}

/** A server may log more than fits into memory. */
function lastBytes(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const end = Buffer.alloc(LOG_BYTES);
    return end.toString('utf8', 0, readSync(descriptor, end, 0, LOG_BYTES, Math.max(0, size - LOG_BYTES)));
  } finally {
    closeSync(descriptor);
  }
}

/** @throws NotReady if the package has no account to run the server as */
function accountOfSite({ site, installed }: ServerPlace) {
  try {
    return accountOf(site.user, {
      passwd: installed.read('/etc/passwd'),
      group: installed.read('/etc/group'),
    });
  } catch (error) {
    throw new NotReady((error as Error).message);
  }
}

/** Prefix of a command that runs it in a control group. */
function joined(controlGroup: string | undefined): string[] {
  if (controlGroup === undefined) return [];
  return ['sh', '-c', `echo $$ >${controlGroup}/cgroup.procs && exec "$@"`, 'sh'];
}

async function becomesReady(
  server: RunningServer,
  { agent, emulated }: ServerPlace,
  configuration: string,
): Promise<boolean> {
  const mode = emulated ? 'emulated' : 'native';
  const { ipv4 } = server.addresses;
  const running = () => server.ended() === undefined;
  const until = async (ms: number, ask: () => Promise<boolean>) => {
    const last = Date.now() + ms;
    while (running() && Date.now() < last) {
      if (await ask()) return running();
      await pause(100);
    }
    return false;
  };
  if (!(await until(READY_MS[mode], () => agent.accepts(ipv4, 3478)))) return false;
  if (/^prometheus$/m.test(configuration) && !(await until(READY_MS[mode], () => servesMetrics(agent))))
    return false;
  // One that never does is ready all the same: what it does answer is tried, and what it doesn't is a fact.
  server.answersDatagrams = await until(DATAGRAMS_MS[mode], () => agent.asksForCredentials(ipv4, 3478));
  return running();
}

async function servesMetrics(agent: RemoteAgent): Promise<boolean> {
  return agent.scrape(METRICS).then(
    () => true,
    () => false,
  );
}

async function stop(child: ChildProcess, end: Promise<string>): Promise<string> {
  if (child.exitCode !== null) return String(child.exitCode);
  if (child.signalCode !== null) return child.signalCode;
  // nsenter and capsh have become turnserver itself: the child's pid is the server's.
  child.kill('SIGTERM');
  return Promise.race([
    end,
    pause(STOP_MS).then(() => {
      child.kill('SIGKILL');
      return 'killed';
    }),
  ]);
}
