import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from './facts.ts';
import { ADDRESSES, enter } from './network.ts';
import type { RemoteAgent } from './remote.ts';

/** The root file system in which the package is installed. */
export const TARGET = '/target';
/** Folder of the laboratory's own files, as the server sees it. */
const FOLDER = '/tmp/turnbuild';
/** Milliseconds until the server serves: under emulation it takes several seconds. */
const READY_MS = 90_000;
const STOP_MS = 30_000;
/** Bytes of a server's log that are kept. */
const LOG_BYTES = 8_192;

/** A program to be run as the server, with variables of its environment. */
export interface Program {
  /** Beneath the target's root. */
  path: string;
  env: Record<string, string>;
}

const INSTALLED: Program = { path: '/usr/bin/turnserver', env: {} };

export const METRICS = 'http://127.0.0.1:9641/metrics';

/** A turnserver that runs in the server's namespace. */
export interface RunningServer {
  name: string;
  pid: number;
  /** Ends it by SIGTERM, by SIGKILL if that takes longer than 30 s. Returns how it ended: a number, or `killed`. */
  stop(): Promise<string>;
  /** How it has ended by itself; undefined while it runs. */
  ended(): string | undefined;
  /** Last part of its log. */
  log(): string;
}

/** The server did not come up. The message has its last lines. */
export class NotReady extends Error {}

/** Makes what every configuration needs: a certificate, and a folder that the server's user can read. */
export function prepareTarget(): void {
  mkdirSync(`${TARGET}${FOLDER}`, { recursive: true, mode: 0o755 });
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=turn.example.org'],
      ...['-keyout', `${TARGET}${FOLDER}/key.pem`, '-out', `${TARGET}${FOLDER}/cert.pem`],
    ],
    { stdio: 'ignore' },
  );
  execFileSync('chmod', ['-R', 'a+rX', `${TARGET}${FOLDER}`]);
  for (const name of ['proc', 'dev']) execFileSync('mount', ['--rbind', `/${name}`, `${TARGET}/${name}`]);
}

/**
 * Puts the turnserver with AddressSanitizer beside the installed one. Its first finding ends it, with a report on standard error;
 * leaks are not looked for, which takes ptrace, and the symbols of the report are in the program.
 */
export function prepareSanitized(): Program {
  const path = `${FOLDER}/turnserver`;
  copyFileSync('/inputs/turnserver', `${TARGET}${path}`);
  chmodSync(`${TARGET}${path}`, 0o755);
  return { path, env: { ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:disable_coredump=1:print_legend=0' } };
}

/** The configuration that the package ships, as it is. */
export function shippedConfiguration({ configuration }: Site): string {
  return readFileSync(`${TARGET}${configuration}`, 'utf8');
}

/**
 * The shipped configuration with what a test needs: an account, and a certificate.
 * @param more further lines
 */
export function testConfiguration(
  site: Site,
  options: ReadonlySet<string>,
  more: readonly string[] = [],
): string {
  const lines = [
    'realm=turnbuild.test',
    `cert=${FOLDER}/cert.pem`,
    `pkey=${FOLDER}/key.pem`,
    // Some versions leave DTLS off until it is asked for.
    ...(options.has('dtls') ? ['dtls'] : []),
    ...more,
  ];
  return `${shippedConfiguration(site)}\n${lines.join('\n')}\n`;
}

/** Starts turnserver as its own user with a configuration, and waits until clients and metrics are served. @throws NotReady */
export async function startServer(
  name: string,
  configuration: string,
  { namespace, agent, site }: { namespace: number; agent: RemoteAgent; site: Site },
  program: Program = INSTALLED,
): Promise<RunningServer> {
  const path = `${FOLDER}/${name}.conf`;
  writeFileSync(`${TARGET}${path}`, configuration, { mode: 0o644 });
  const logFile = `/tmp/${name}.log`;
  const log = openSync(logFile, 'w');
  const [file = '', ...args] = [
    ...enter(namespace),
    ...['chroot', `--userspec=${site.user}:${site.user}`, TARGET],
    ...[program.path, '-c', path, '--pidfile='],
  ];
  const env = { ...process.env, ...program.env };
  const child = spawn(file, args, { stdio: ['ignore', log, log], env });
  closeSync(log);
  const server: RunningServer = {
    name,
    pid: child.pid ?? 0,
    stop: () => stop(child),
    ended: () => (child.exitCode === null ? (child.signalCode ?? undefined) : String(child.exitCode)),
    log: () => readFileSync(logFile, 'utf8').slice(-LOG_BYTES),
  };
  const end = Date.now() + READY_MS;
  const metrics = /^prometheus$/m.test(configuration);
  while (!((await accepts(3478)) && (!metrics || (await answers(agent))))) {
    if (child.exitCode === null && Date.now() < end) {
      await pause(100);
      continue;
    }
    await stop(child);
    appendFileSync(logFile, '\n');
    throw new NotReady(
      `turnserver (${name}) did not get ready:\n${server.log().split('\n').slice(-15).join('\n')}`,
    );
  }
  // UDP listeners and authentication threads come right after.
  await pause(1000);
  return server;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ADDRESSES.server.ipv4, port });
    const done = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.setTimeout(1000, () => done(false));
  });
}

async function answers(agent: RemoteAgent): Promise<boolean> {
  return agent.scrape(METRICS).then(
    () => true,
    () => false,
  );
}

async function stop(child: ChildProcess): Promise<string> {
  if (child.exitCode !== null) return String(child.exitCode);
  if (child.signalCode !== null) return child.signalCode;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code === null ? String(signal) : String(code)));
  });
  // nsenter and chroot have become turnserver itself: the child's pid is the server's.
  child.kill('SIGTERM');
  return Promise.race([
    ended,
    pause(STOP_MS).then(() => {
      child.kill('SIGKILL');
      return 'killed';
    }),
  ]);
}
