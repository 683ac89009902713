// @ts-check
// One run of `npm run bench:relay`, inside a container: starts the installed turnserver, binds channels with our own client, runs the load and
// prints its counts. bench-relay.js bundles it. Its only argument is JSON.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { attribute, UDP } from '../../src/turn/attributes.ts';
import { createClient } from '../../src/turn/client.ts';
import { ATTRIBUTE, attributeOf, METHOD } from '../../src/turn/message.ts';
import { openTransport } from '../../src/turn/transport.ts';
import { decodeXorAddress } from '../../src/turn/values.ts';

/** @typedef {{ program: string, prometheus: boolean, seconds: number }} Told `program`: the turnserver to start */

const HOST = '127.0.0.1';
const METRICS = `http://${HOST}:9641/metrics`;
const LOG = '/tmp/turnserver.log';
const FLOWS = 8;
/** Packets in flight per client, which must fit into the kernel's default socket buffer (208 KiB). */
const WINDOW = 64;
/** Bytes: RTP with 20 ms of G.711, RFC 3551 and RFC 3550. Small packets are the worst case for costs per packet. */
const PAYLOAD = 172;
const WARMUP_SECONDS = 1;

/** The same for all servers, except for the metrics. @param {boolean} prometheus */
function configuration(prometheus) {
  return [
    `listening-ip=${HOST}`,
    `relay-ip=${HOST}`,
    'listening-port=3478',
    'allow-loopback-peers',
    'relay-threads=1',
    'lt-cred-mech',
    'realm=bench',
    'user=bench:bench',
    'no-tls',
    'no-dtls',
    'no-tcp-relay',
    'no-cli',
    'log-file=stdout',
    'simple-log',
    'pidfile=/tmp/turnserver.pid',
    ...(prometheus ? ['prometheus'] : []),
    '',
  ].join('\n');
}

/** The first and the last processor that this container may use: the load's and the server's. */
function processors() {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const all = list.split(/[,-]/);
  const [load, server] = [all.at(0), all.at(-1)];
  if (load === undefined || server === undefined || load === server)
    throw new Error(
      `Two processors are needed, one for the server and one for the load; this container has "${list}"`,
    );
  return { load, server };
}

/** @throws {Error} if there are no metrics: a build without Prometheus support only warns about the option */
async function scrape() {
  const text = await fetch(METRICS).then(
    (response) => response.text(),
    (error) => String(error.cause ?? error),
  );
  if (!/^# TYPE turn_/m.test(text)) throw new Error(`${METRICS} has no metrics of turnserver: ${text}`);
}

/** @returns {Promise<boolean>} */
function accepts() {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port: 3478 });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Returns the process, and the milliseconds until it accepted a connection. @param {Told} told @param {string} processor */
async function startServer({ program, prometheus }, processor) {
  writeFileSync('/tmp/turnserver.conf', configuration(prometheus));
  const log = openSync(LOG, 'w');
  const begin = performance.now();
  // taskset executes turnserver in the same process, so the child's PID is the server's.
  const child = spawn('taskset', ['-c', processor, program, '-c', '/tmp/turnserver.conf'], {
    stdio: ['ignore', log, log],
  });
  while (!(await accepts())) {
    if (child.exitCode !== null || performance.now() - begin > 10_000)
      throw new Error('turnserver did not start');
    await pause(1);
  }
  const startMs = performance.now() - begin;
  // UDP listeners and their threads start right after the TCP listener.
  await pause(500);
  return { server: child, startMs };
}

/** Resident memory of a process in KiB, including shared libraries. @param {number | undefined} pid */
function residentKib(pid) {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** A client's allocation with a channel to its peer; the load takes over the client's port. @param {number} index */
async function bindChannel(index) {
  const peer = { address: HOST, port: 30_000 + index };
  const channel = 0x4000 + index;
  const local = { address: HOST, port: 20_000 + index };
  const transport = await openTransport('udp', { address: HOST, port: 3478 }, { local });
  const client = createClient(transport, { username: 'bench', password: 'bench' });
  const allocated = await client.ask(METHOD.allocate, [attribute.requestedTransport(UDP)]);
  const relayed = attributeOf(allocated.message, ATTRIBUTE.xorRelayedAddress);
  if (relayed === undefined) throw new Error(`no allocation: ${allocated.error?.code}`);
  const bound = await client.ask(METHOD.channelBind, [
    attribute.channelNumber(channel),
    attribute.xorPeerAddress(peer),
  ]);
  if (bound.error !== undefined) throw new Error(`no channel: ${bound.error.code}`);
  client.close();
  const relay = decodeXorAddress(relayed, allocated.message.transactionId);
  return [local.port, peer.port, relay.port, channel].map(String);
}

/** Scrapes once a second, at least as often as a Prometheus in production. Returns a function that stops it and throws its error. */
function keepScraping() {
  /** @type {unknown} */
  let failed;
  let scrapes = 0;
  const timer = setInterval(() => {
    scrape().then(
      () => {
        scrapes += 1;
      },
      (error) => {
        failed ??= error;
      },
    );
  }, 1000);
  return () => {
    clearInterval(timer);
    if (failed !== undefined) throw failed;
    if (scrapes === 0) throw new Error('the metrics were never scraped');
  };
}

/** @param {Told} told */
async function run(told) {
  const processor = processors();
  execFileSync('taskset', ['-a', '-pc', processor.load, String(process.pid)], { stdio: 'ignore' });
  const { server, startMs } = await startServer(told, processor.server);
  try {
    if (told.prometheus) await scrape();
    const flows = [];
    for (let i = 0; i < FLOWS; i++) flows.push(...(await bindChannel(i)));
    const resident = residentKib(server.pid);
    const stop = told.prometheus ? keepScraping() : () => {};
    const numbers = [server.pid ?? 0, WARMUP_SECONDS, told.seconds, PAYLOAD, WINDOW].map(String);
    const { stdout } = await promisify(execFile)('/load', [...numbers, ...flows]);
    stop();
    console.log(JSON.stringify({ ...JSON.parse(stdout), startMs, residentKib: resident }));
  } finally {
    server.kill('SIGKILL');
  }
}

try {
  await run(JSON.parse(process.argv[2] ?? '{}'));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  try {
    console.error(readFileSync(LOG, 'utf8').split('\n').slice(-15).join('\n'));
  } catch {
    // The server has not been started.
  }
  process.exitCode = 1;
}
