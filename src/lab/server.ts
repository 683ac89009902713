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

/** Startup timeout in milliseconds. From 4.8 on, turnserver first shuffles its relay ports, which takes a minute under QEMU. */
const READY_MS = { native: 90_000, emulated: 300_000 };
/** Timeout in milliseconds for answers over UDP on the server's machine, once it accepts TCP connections. */
const DATAGRAMS_MS = { native: 15_000, emulated: 60_000 };
const STOP_MS = 30_000;
/** Not /tmp: the laboratory's systemd empties that. */
const LOGS = '/var/log/turnbuild';
/** Maximum bytes kept of a server's log. */
const LOG_BYTES = 8_192;

/** The server program and its environment variables. */
export interface Program {
  /** Path within the target's root. */
  path: string;
  env: Record<string, string>;
}

const INSTALLED: Program = { path: '/usr/bin/turnserver', env: {} };

/** Where and how a server runs. */
export interface ServerPlace {
  /** Name of the server and of its machine. */
  name: ServerName;
  /** Process that holds its network namespace. */
  namespace: number;
  /** The user namespace for the package's programs. */
  containment: Containment;
  /** An agent on the same machine. */
  agent: RemoteAgent;
  site: Site;
  installed: InstalledFiles;
  emulated: boolean;
  /** Folder of the control group to run in. */
  controlGroup?: string;
}

/** The server did not become ready. The message has its last log lines. */
export class NotReady extends Error {}

/** Creates the files that every configuration needs: a certificate, in a folder that the server's user can read. */
export function prepareTarget(): void {
  mkdirSync(LOGS, { recursive: true });
  mkdirSync(FILES, { mode: 0o755 });
  makeCertificate({ certificate: `${FILES}/cert.pem`, key: `${FILES}/key.pem` });
  // No code of the package has run in this root yet. The package cannot move a mount point or change a read-only one.
  mkdirSync(`${TARGET}${FOLDER}`, { mode: 0o755 });
  execFileSync('mount', ['--bind', FILES, `${TARGET}${FOLDER}`]);
  execFileSync('mount', ['-o', 'remount,bind,ro', `${TARGET}${FOLDER}`]);
  for (const name of ['proc', 'dev']) execFileSync('mount', ['--rbind', `/${name}`, `${TARGET}/${name}`]);
}

/**
 * Copies the turnserver built with AddressSanitizer. It aborts at the first finding and writes a report to standard error. Leak detection
 * is off because it needs ptrace. The program contains the symbols for the report.
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
 * Starts turnserver as its service user and waits until it accepts TCP connections, answers over UDP and serves its metrics. An
 * agent on the same machine checks this, so that the network has no influence.
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
    `turnserver (${name}) did not become ready:\n${server.log().split('\n').slice(-15).join('\n')}`,
  );
}

/** Reads only the end, because a log may be larger than memory. */
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

/** @throws NotReady if the package has no account for the server */
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
  // A server that never answers over UDP is still ready: the other transports are tested, and checks report the silence.
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
  // nsenter and capsh have exec'ed turnserver, so the child's pid is the server's.
  child.kill('SIGTERM');
  return Promise.race([
    end,
    pause(STOP_MS).then(() => {
      child.kill('SIGKILL');
      return 'killed';
    }),
  ]);
}
