import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as prometheus from '../support/prometheus-client.ts';

const { ask, client, family, fixtures, parseMetrics, residentKiB, run, stop, value } = prometheus;
const SANITIZE = ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const MAX_CONNECTIONS = 64;
const MAX_SERIES = 10_000;
const MAX_SERIES_BYTES = 2 * 1024 * 1024;
/** Number of metrics by user of `prom-test serve`. */
const METRICS = 8;
const DEADLINE_MS = 10_000;
const HALF_A_REQUEST = 'GET /metrics HTTP/1.1\r\nX: ';
const REQUEST = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const FULL =
  /^prometheus: the metric turn_\w+ has as many series as it may have: updates with other label values are dropped, and counted in turn_metrics_dropped_updates_total\n/gm;

let folder: string;
let program: string;
let sanitized: string;
let table: string;
const servers = new Set<prometheus.Server>();
const sockets = new Set<Socket>();

async function buildTableTest(): Promise<void> {
  const flags = ['-std=gnu11', '-g', '-pthread', `-I${client}`, ...SANITIZE];
  await run('gcc', [...flags, '-o', table, path.join(fixtures, 'table-test.c')]);
}

beforeAll(async () => {
  await prometheus.needsCompiler();
  folder = await mkdtemp(path.join(tmpdir(), 'prometheus-attacks-'));
  program = path.join(folder, 'prom-test');
  sanitized = path.join(folder, 'prom-test-asan');
  table = path.join(folder, 'table-test');
  await Promise.all([
    prometheus.buildTogether(program, '-O2'),
    prometheus.buildTogether(sanitized, ...SANITIZE),
    buildTableTest(),
  ]);
}, 60_000);

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

afterAll(async () => {
  for (const server of servers) server.process.kill();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function serve(from: string, users = 0): Promise<prometheus.Server> {
  const server = await prometheus.serve(from, { users });
  servers.add(server);
  return server;
}

/** Stops it. If AddressSanitizer, which also detects leaks, finds an error, it changes the exit code and prints a report. */
async function expectClean(server: prometheus.Server): Promise<void> {
  expect([await stop(server), server.errors().replace(FULL, '')]).toEqual([0, '']);
}

async function open(server: prometheus.Server, text: string, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  sockets.add(socket);
  await Promise.race([new Promise((resolve) => socket.on('connect', resolve)), closed(socket)]);
  socket.write(text);
  return socket;
}

/** Resolves on any end of the connection. */
const closed = (socket: Socket): Promise<void> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.on('close', () => resolve()));

const openMany = (count: number, server: prometheus.Server, text: string): Promise<Socket[]> =>
  Promise.all(Array.from({ length: count }, () => open(server, text)));

/** Opens twice as many connections as allowed. The last answer shows that the server accepted all of them. */
async function flood(server: prometheus.Server, text: string): Promise<void> {
  for (const socket of await openMany(2 * MAX_CONNECTIONS, server, text)) socket.pause();
  expect((await ask(server.port, { method: 'HEAD' })).status).toBe(200);
}

/** The received and the expected size of its body; reads until the connection ends. */
async function answerOn(socket: Socket): Promise<{ bytes: number; announced: number }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
  } catch {
    // The response was cut off.
  }
  const answer = Buffer.concat(chunks).toString('latin1');
  const announced = Number(/^HTTP\/1\.1 200 [\s\S]*?\r\nContent-Length: (\d+)\r\n/i.exec(answer)?.[1]);
  return { bytes: answer.length - answer.indexOf('\r\n\r\n') - 4, announced };
}

/** Adds 1 to `packets`. */
async function increment(server: prometheus.Server): Promise<void> {
  server.process.stdin?.write('x');
  await sleep(200);
}

async function secondsOf(action: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action;
  return (performance.now() - start) / 1000;
}

describe('connections that occupy the endpoint', () => {
  it('do not lock out a scraper, and end at the deadline even if they keep sending', async () => {
    const server = await serve(sanitized);
    const start = performance.now();
    const ages: number[] = [];
    const trickling = await openMany(MAX_CONNECTIONS, server, HALF_A_REQUEST);
    for (const socket of trickling) {
      socket.resume();
      const timer = setInterval(() => socket.write('x'), 1000);
      socket.on('close', () => {
        clearInterval(timer);
        ages.push(performance.now() - start);
      });
    }
    await sleep(500);
    expect(await secondsOf(ask(server.port))).toBeLessThan(3);
    while (ages.length < MAX_CONNECTIONS && performance.now() - start < DEADLINE_MS + 10_000)
      await sleep(100);
    expect(ages).toHaveLength(MAX_CONNECTIONS);
    // One connection was closed to make room for the scraper.
    const [first = 0, second = 0] = ages.toSorted((a, b) => a - b);
    expect(first).toBeLessThan(DEADLINE_MS - 2000);
    expect(second).toBeGreaterThan(DEADLINE_MS - 2000);
    expect((await ask(server.port)).status).toBe(200);
    await expectClean(server);
  });

  it('do not lock out a scraper even if each is reopened at once', async () => {
    const server = await serve(sanitized);
    let opened = 0;
    let over = false;
    const hold = async () => {
      while (!over) {
        const socket = await open(server, 'GET /metrics HTTP/1.1\r\n');
        opened += 1;
        socket.resume();
        await closed(socket);
        sockets.delete(socket);
        await sleep(50);
      }
    };
    const holders = Array.from({ length: 2 * MAX_CONNECTIONS }, hold);
    await sleep(1000);
    for (let i = 0; i < 5; i++) {
      expect(await secondsOf(ask(server.port))).toBeLessThan(3);
      await sleep(200);
    }
    expect(opened).toBeGreaterThan(3 * MAX_CONNECTIONS);
    over = true;
    for (const socket of sockets) socket.destroy();
    await Promise.all(holders);
    await expectClean(server);
  });

  it('do not cut off a scraper that is reading', async () => {
    const server = await serve(sanitized, MAX_SERIES);
    const scraper = await open(server, REQUEST);
    await once(scraper, 'readable');
    await flood(server, HALF_A_REQUEST);
    const { bytes, announced } = await answerOn(scraper);
    expect(announced).toBeGreaterThan(METRICS * MAX_SERIES_BYTES);
    expect(bytes).toBe(announced);
    await expectClean(server);
  });

  it('do not cut off every scraper whose request is still on its way', async () => {
    const server = await serve(sanitized);
    let answered = 0;
    for (let i = 0; i < 5; i++) {
      const scraper = await open(server, '');
      await flood(server, HALF_A_REQUEST);
      scraper.write(REQUEST);
      const { bytes, announced } = await answerOn(scraper);
      if (bytes === announced) answered += 1;
    }
    // All are open, unless the flood takes longer than the second that the kernel waits for a request.
    expect(answered).toBeGreaterThanOrEqual(2);
    await expectClean(server);
  });

  it('do not cut off a scraper at another address, even with complete requests', async () => {
    const server = await serve(sanitized, MAX_SERIES);
    const reading = await open(server, REQUEST, '127.0.0.2');
    await once(reading, 'readable');
    const slow = await open(server, HALF_A_REQUEST, '127.0.0.2');
    await flood(server, REQUEST);
    slow.write('\r\n\r\n');
    for (const scraper of [reading, slow]) {
      const { bytes, announced } = await answerOn(scraper);
      expect(announced).toBeGreaterThan(METRICS * MAX_SERIES_BYTES);
      expect(bytes).toBe(announced);
    }
    await expectClean(server);
  });

  it('get at most 32 KiB for a request', async () => {
    const server = await serve(sanitized);
    expect((await ask(server.port, { headers: { cookie: 'x'.repeat(8 * 1024) } })).status).toBe(200);
    const before = await residentKiB(server);
    const large = await openMany(
      MAX_CONNECTIONS - 1,
      server,
      `GET /metrics HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`,
    );
    await sleep(500);
    expect((await residentKiB(server)) - before).toBeLessThan(MAX_CONNECTIONS * 64);
    const answers = large.map((socket) => once(socket, 'data'));
    for (const socket of large) socket.write('x'.repeat(20_000));
    for (const [answer] of await Promise.all(answers)) expect(String(answer)).toMatch(/^HTTP\/1.1 431 /);
    await expectClean(server);
  });
});

describe('clients', () => {
  const READERS = MAX_CONNECTIONS - 1;
  const GROUPS = 7;
  /** Including the existing one, as in promhttp.c. */
  const MOST_TEXTS = 2;

  it('that do not read share a few texts, and delay new values for a scraper no longer than the deadline', async () => {
    const server = await serve(program, MAX_SERIES);
    const whole = (await ask(server.port)).body;
    const textKiB = whole.length / 1024;
    expect(textKiB).toBeGreaterThan((METRICS * MAX_SERIES_BYTES) / 1024);
    const before = await residentKiB(server);
    // Each group could have its own text.
    for (let group = 0; group < GROUPS; group++) {
      const stuck = await openMany(READERS / GROUPS, server, REQUEST);
      for (const socket of stuck) socket.pause();
      await sleep(500);
      await increment(server);
    }
    const grown = (await residentKiB(server)) - before;
    expect(grown).toBeLessThan(MOST_TEXTS * textKiB);
    expect(before + grown).toBeLessThan(100 * 1024);
    expect((await ask(server.port)).body).toHaveLength(whole.length);
    const seconds = await secondsOf(
      (async () => {
        while (value((await ask(server.port)).body, 'packets') !== String(GROUPS + 1)) await sleep(200);
      })(),
    );
    expect(seconds).toBeLessThan(DEADLINE_MS / 1000 + 3);
    await expectClean(server);
  });

  it('that do not read are cut off at the deadline without leaks', async () => {
    const server = await serve(sanitized, MAX_SERIES);
    const stuck = await openMany(READERS, server, REQUEST);
    for (const socket of stuck) socket.pause();
    await sleep(DEADLINE_MS + 3000);
    const received = await Promise.all(
      stuck.map(async (socket) => {
        let bytes = 0;
        socket.on('data', (data) => {
          bytes += data.length;
        });
        socket.resume();
        await closed(socket);
        return bytes;
      }),
    );
    for (const bytes of received) expect(bytes).toBeLessThan(METRICS * MAX_SERIES_BYTES);
    await increment(server);
    expect(value((await ask(server.port)).body, 'packets')).toBe('2');
    await expectClean(server);
  });

  it('that read get the current values', async () => {
    const server = await serve(sanitized, 100);
    for (let packets = 1; packets < 5; packets++) {
      expect(value((await ask(server.port)).body, 'packets')).toBe(String(packets));
      await increment(server);
    }
    await expectClean(server);
  });
});

describe('label values', () => {
  it('that collide under a known hash are looked up as quickly as others', async () => {
    const { stdout } = await run(table);
    const [ordinary = Number.NaN, colliding = Number.NaN] = stdout.split(' ').map(Number);
    expect(ordinary).toBeLessThan(1.5);
    expect(colliding).toBeLessThan(1.5);
  });

  it('are hashed with a different key in each process', async () => {
    const hashes = await Promise.all([1, 2, 3].map(async () => (await run(table, ['key'])).stdout));
    expect(new Set(hashes).size).toBe(3);
  });

  it('are hashed with SipHash-2-4 and match its published test vectors', async () => {
    const hashes = (await run(table, ['siphash'])).stdout.split('\n');
    expect([hashes[0], hashes[1], hashes[15]]).toEqual([
      '726fdb47dd0e0e31',
      '74f839c593dc67fd',
      'a129ca6149be45e5',
    ]);
  });

  it('create at most 10,000 series per metric, and dropped updates are counted', async () => {
    const used = MAX_SERIES + 500;
    const { stdout, stderr } = await run(sanitized, ['labels', String(used), '2'], { maxBuffer: 1 << 24 });
    const series = family(stdout, 'realm_bytes').metrics;
    expect(series).toHaveLength(MAX_SERIES);
    // Two threads, two rounds: an existing series continues to count.
    const counted = series.reduce((sum, metric) => sum + Number(metric.value), 0);
    const dropped = value(stdout, 'turn_metrics_dropped_updates_total', { metric: 'realm_bytes' });
    expect(counted).toBe(4 * MAX_SERIES);
    expect(dropped).toBe(String(4 * 500));
    expect(family(stdout, 'turn_metrics_dropped_updates_total').metrics).toHaveLength(1);
    expect(value(stdout, 'packets')).toBe(String(4 * used));
    expect(value(stdout, 'typed_allocations', { type: 'udp' })).toBe('1');
    expect(stderr).toBe(
      'prometheus: the metric realm_bytes has as many series as it may have: updates with other label values are dropped, and counted in turn_metrics_dropped_updates_total\n',
    );
  });

  it('are limited to 2 MiB of text per metric, independently of other metrics', async () => {
    const server = await serve(sanitized, MAX_SERIES);
    const text = (await ask(server.port)).body;
    const dropped = [...text.matchAll(/^turn_metrics_dropped_updates_total{metric="(\w+)"} (\d+)$/gm)];
    expect(dropped).toHaveLength(METRICS);
    for (const [, metric, count] of dropped) {
      const lines = text.match(new RegExp(`^${metric}{.*} `, 'gm')) ?? [];
      const bytes = lines.join('').length;
      expect(bytes).toBeGreaterThanOrEqual(MAX_SERIES_BYTES);
      expect(bytes - (lines[0]?.length ?? 0)).toBeLessThan(MAX_SERIES_BYTES);
      expect(Number(count)).toBe(MAX_SERIES - lines.length);
    }
    expect(text).toContain('\ntyped_allocations{type="udp"} 1\n');
    expect(server.errors().match(FULL)).toHaveLength(METRICS);
    await expectClean(server);
  });

  it('of 10,000 users with ordinary names all appear in each metric', async () => {
    const { stdout, stderr } = await run(sanitized, ['users', String(MAX_SERIES)], { maxBuffer: 1 << 24 });
    const series = stdout.match(/^turn_traffic_\w+{realm="example.org",user="u{25}\d{5}"} \d{20}$/gm);
    expect(new Set(series).size).toBe(METRICS * MAX_SERIES);
    expect(stdout).not.toContain('turn_metrics_dropped_updates_total');
    expect(stderr).toBe('');
  });

  it('add no metric of dropped updates while none is dropped', async () => {
    const { stdout, stderr } = await run(sanitized, ['labels', String(MAX_SERIES), '1'], {
      maxBuffer: 1 << 24,
    });
    expect(family(stdout, 'realm_bytes').metrics).toHaveLength(MAX_SERIES);
    expect(parseMetrics(stdout).map(({ name }) => name)).not.toContain('turn_metrics_dropped_updates_total');
    expect(stderr).toBe('');
  });

  it('that differ in any byte are different series in the text', async () => {
    const { stdout } = await run(sanitized, ['bytes'], { maxBuffer: 1 << 24 });
    const series = family(stdout, 'strings').metrics.map((metric) => ({
      written: metric.labels?.s ?? '',
      bytes: stringOf(metric.value),
    }));
    expect(series).toHaveLength((6 ** 6 - 1) / 5);
    expect(new Set(series.map(({ written }) => written)).size).toBe(series.length);
    for (const { written, bytes } of series) {
      expect(written.replace(/\\x([0-9a-f]{2})/g, (_, hex) => latin1(Number.parseInt(hex, 16)))).toBe(bytes);
      if (!/\xff|\\x[0-9a-f]{2}/.test(bytes)) expect(written).toBe(bytes);
    }
  });
});

const latin1 = (code: number) => String.fromCharCode(code);

/** The string for which `prom-test bytes` returned the number. */
function stringOf(number: string): string {
  const digits = number === '0' ? [] : [...number].toReversed();
  return digits.map((digit) => '\\x5cf\xff'[Number(digit) - 1]).join('');
}
