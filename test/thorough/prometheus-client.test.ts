import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as prometheus from '../support/prometheus-client.ts';

const { ask, client, family, fixtures, parseMetrics, residentKiB, run, stop, value } = prometheus;
const strict = '-Wall -Wextra -Wpedantic -Wconversion -Werror -std=gnu11 -O2 -D_FORTIFY_SOURCE=2'.split(' ');
const MORE_THREADS_THAN_SHARDS = 100;
const REALMS = 500;

let folder: string;
let program: string;
let legacyProgram: string;
let racingProgram: string;
const servers = new Set<prometheus.Server>();

async function buildWithMake(): Promise<void> {
  const flags = strict.filter((flag) => !flag.startsWith('-std')).join(' ');
  const make = ['-f', path.join(client, 'Makefile'), `CFLAGS=${flags}`, 'CC=gcc', 'AR=ar'];
  await run('make', make, { cwd: folder });
  const stage = path.join(folder, 'stage');
  await run('make', [...make, 'install', `DESTDIR=${stage}`, 'PREFIX=/usr/local', 'LIBDIR=/usr/lib/x'], {
    cwd: folder,
  });
  const link = [`-I${stage}/usr/local/include`, '-pthread'];
  const libraries = [`-L${stage}/usr/lib/x`, '-lprom', '-lpromhttp', '-lmicrohttpd'];
  await run('gcc', [...strict, ...link, '-o', program, path.join(fixtures, 'prom-test.c'), ...libraries]);
  await run('gcc', [...strict, ...link, '-o', legacyProgram, path.join(fixtures, 'legacy.c'), ...libraries]);
}

beforeAll(async () => {
  await prometheus.needsCompiler();
  folder = await mkdtemp(path.join(tmpdir(), 'prometheus-client-'));
  program = path.join(folder, 'prom-test');
  legacyProgram = path.join(folder, 'legacy');
  racingProgram = path.join(folder, 'prom-test-tsan');
  await Promise.all([buildWithMake(), prometheus.buildTogether(racingProgram, '-O1', '-fsanitize=thread')]);
}, 60_000);

afterAll(async () => {
  for (const server of servers) {
    server.process.kill();
  }
  if (folder !== undefined) {
    await rm(folder, { recursive: true, force: true });
  }
});

/** What one thread of `prom-test add` adds */
function expectedTotals(rounds: number) {
  const totals = { packets: 0, bytes: 0, halves: 0, realms: new Map<string, number>() };
  for (let i = 0; i < rounds; i++) {
    if (i % 5 === 0) totals.packets += 1;
    if (i % 5 === 1) totals.bytes += i % 1400;
    if (i % 5 === 3) totals.halves += 0.5;
    if (i % 5 === 2) {
      const realm = `r${Math.floor(i / 5) % REALMS}`;
      totals.realms.set(realm, (totals.realms.get(realm) ?? 0) + (i % 1400));
    }
  }
  return totals;
}

function expectExactTotals(text: string, threads: number, rounds: number): void {
  const expected = expectedTotals(rounds);
  expect(value(text, 'packets')).toBe(String(expected.packets * threads));
  expect(value(text, 'bytes')).toBe(String(expected.bytes * threads));
  expect(value(text, 'halves')).toBe(String(expected.halves * threads));
  const realms = new Map(family(text, 'realm_bytes').metrics.map((m) => [m.labels?.realm, m.value]));
  expect(family(text, 'realm_bytes').metrics).toHaveLength(expected.realms.size);
  expect(realms).toEqual(new Map([...expected.realms].map(([r, total]) => [r, String(total * threads)])));
  expect(value(text, 'allocations')).toBe('0');
  expect(value(text, 'typed_allocations', { type: 'udp' })).toBe('0');
  expect(value(text, 'typed_allocations', { type: 'tcp' })).toBe('0');
}

async function serve(options: Parameters<typeof prometheus.serve>[1] = {}): Promise<prometheus.Server> {
  const server = await prometheus.serve(program, options);
  servers.add(server);
  return server;
}

function otherLocalAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return ['127.0.0.2', ...addresses.filter((a) => a.family === 'IPv4' && !a.internal).map((a) => a.address)];
}

describe('metrics', () => {
  it.each([
    [16, 200_000],
    [MORE_THREADS_THAN_SHARDS, 20_000],
  ])('add up exactly from %i threads while being scraped', async (threads, rounds) => {
    const { stdout } = await run(program, ['add', String(threads), String(rounds)], { maxBuffer: 1 << 24 });
    expectExactTotals(stdout, threads, rounds);
  });

  it.each([16, MORE_THREADS_THAN_SHARDS])('have no data race between %i threads', async (threads) => {
    const command = [racingProgram, 'add', String(threads), '10000'];
    const options = { env: { ...process.env, TSAN_OPTIONS: 'exitcode=66' }, maxBuffer: 1 << 24 };
    const plain = await run(command[0] as string, command.slice(1), options).catch((error: Error) => {
      // With high-entropy address space randomisation, the sanitizer's runtime cannot always be mapped.
      if (/unexpected memory mapping/.test(error.message)) {
        return run('setarch', ['-R', ...command], options);
      }
      throw error;
    });
    expect(plain.stderr).toBe('');
    expectExactTotals(plain.stdout, threads, 10_000);
  });

  it('are written correctly with unusual label values and numbers', async () => {
    const { stdout, stderr } = await run(program, ['text']);
    expect(value(stdout, 'labelled', { realm: 'a\\b"c\nd', user: 'é€😀' })).toBe('1');
    expect(value(stdout, 'labelled', { realm: 'x\\xff\\xc0\\xaf\\xed\\xa0\\x80y', user: '\\xe2\\x82' })).toBe(
      '2',
    );
    expect(value(stdout, 'labelled', { realm: '', user: 'u' })).toBe('3');
    expect(value(stdout, 'labelled', { realm: '', user: '' })).toBe('4');
    expect(value(stdout, 'labelled', { realm: 'ab', user: 'c' })).toBe('5');
    expect(value(stdout, 'labelled', { realm: 'a', user: 'bc' })).toBe('6');
    expect(value(stdout, 'large')).toBe('9007199254740995');
    expect(value(stdout, 'largest')).toBe('18446744073709551615');
    expect(value(stdout, 'gauge')).toBe('-2.5');
    expect(value(stdout, 'tenth')).toBe('0.1');
    expect(value(stdout, 'untouched')).toBe('0');
    expect(stdout).toContain('# HELP labelled Back\\\\slash, "quotes"\\nand a second line\n');
    expect(stdout).toContain('labelled{realm="a\\\\b\\"c\\nd",user="é€😀"} 1\n');
    expect(parseMetrics(stdout).map((f) => `${f.name} ${f.type}`)).toEqual([
      'labelled COUNTER',
      'large COUNTER',
      'largest COUNTER',
      'gauge GAUGE',
      'tenth GAUGE',
      'untouched COUNTER',
    ]);
    expect(stderr.match(/the metric large is left out/g)).toHaveLength(2);
  });

  it('work in programs compiled against libprom', async () => {
    const { stdout } = await run(legacyProgram);
    expect(value(stdout, 'c', { realm: 'example.org' })).toBe('7');
    expect(value(stdout, 'g')).toBe('1');
  });
});

describe('HTTP', () => {
  it('answers only GET and HEAD of /metrics', async () => {
    const server = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const got = await ask(server.port, { agent });
    expect(got.status).toBe(200);
    expect(got.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(got.headers.connection).toBe('close');
    expect(value(got.body, 'packets')).toBe('1');
    expect((await ask(server.port, { path: '/metrics?x=1' })).status).toBe(200);
    const head = await ask(server.port, { method: 'HEAD' });
    expect([head.status, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      String(got.body.length),
    ]);
    expect((await ask(server.port, { path: '/' })).status).toBe(404);
    expect((await ask(server.port, { path: '/metrics/' })).status).toBe(404);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await ask(server.port, { method });
      expect([method, refused.status, refused.headers.allow]).toEqual([method, 405, 'GET, HEAD']);
    }
    expect((await ask(server.port, { method: 'POST', body: 'x'.repeat(1000) })).status).toBe(405);
    agent.destroy();
    expect(await stop(server)).toBe(0);
  });

  it('listens only on 127.0.0.1 unless configured otherwise', async () => {
    for (const address of [undefined, '', '::ffff:127.0.0.1']) {
      const server = await serve(address === undefined ? {} : { address });
      expect((await ask(server.port)).status).toBe(200);
      for (const host of otherLocalAddresses()) {
        await expect(ask(server.port, { host }), host).rejects.toThrow('ECONNREFUSED');
      }
      await stop(server);
    }
  });

  it('listens on TURNSERVER_PROMETHEUS_ADDRESS', async () => {
    const all = await serve({ address: '0.0.0.0' });
    for (const host of ['127.0.0.1', ...otherLocalAddresses()]) {
      expect((await ask(all.port, { host })).status, host).toBe(200);
    }
    await stop(all);
    const second = await serve({ address: '127.0.0.2' });
    expect((await ask(second.port, { host: '127.0.0.2' })).status).toBe(200);
    await expect(ask(second.port)).rejects.toThrow('ECONNREFUSED');
    await stop(second);
  });

  it('listens on IPv4 and IPv6 for ::, or reports why it cannot', async () => {
    const ipv6 = Object.values(networkInterfaces()).some((list) => list?.some((a) => a.address === '::1'));
    if (!ipv6) {
      await expect(serve({ address: '::' })).rejects.toThrow(/exit 3: .*can't listen on :: port 0/);
      return;
    }
    const both = await serve({ address: '::' });
    expect((await ask(both.port, { host: '::1' })).status).toBe(200);
    expect((await ask(both.port)).status).toBe(200);
    await stop(both);
    const one = await serve({ address: '::1' });
    expect((await ask(one.port, { host: '::1' })).status).toBe(200);
    await expect(ask(one.port)).rejects.toThrow('ECONNREFUSED');
    await stop(one);
  });

  it.each(['localhost', '127.0.0.1:9641', '127.1', '256.0.0.1', '[::1]', '*'])(
    'does not start with the invalid address %s',
    async (address) => {
      const message = `TURNSERVER_PROMETHEUS_ADDRESS is not an IPv4 or IPv6 address: ${address}\n`;
      await expect(serve({ address })).rejects.toThrow(
        new Error(`prom-test exited with code 3: prometheus: ${message}`),
      );
    },
  );

  it('does not share a port', async () => {
    const server = await serve();
    const second = serve({ port: server.port });
    await expect(second).rejects.toThrow(
      `can't listen on 127.0.0.1 port ${server.port}: Address already in use`,
    );
    await stop(server);
  });

  it('answers even if the first 1024 file descriptors are taken', async () => {
    const server = await serve({ files: 2000 });
    expect((await ask(server.port)).status).toBe(200);
    await stop(server);
  });

  it('limits the number and the age of connections', async () => {
    const server = await serve();
    const start = Date.now();
    const ages: number[] = [];
    const sockets = Array.from({ length: 80 }, () => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => ages.push(Date.now() - start));
      socket.write('GET '); // The kernel holds back a silent connection for a second.
      return socket.resume();
    });
    await sleep(1000);
    const descriptors = Number((await run('sh', ['-c', `ls /proc/${server.process.pid}/fd | wc -l`])).stdout);
    expect(descriptors).toBeGreaterThan(64);
    expect(descriptors).toBeLessThan(64 + 12);
    while (ages.length < 64 && Date.now() - start < 14_000) {
      await sleep(100);
    }
    const idle = ages.filter((age) => age > 8000);
    expect(idle.length).toBeGreaterThanOrEqual(64 - 16);
    for (const socket of sockets) {
      socket.destroy();
    }
    expect((await ask(server.port)).status).toBe(200);
    await stop(server);
  });

  it('grows by less than 2 MiB in 10,000 scrapes', async () => {
    const server = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const scrape = async (count: number) => {
      for (let done = 0; done < count; done += 50) {
        await Promise.all(Array.from({ length: 50 }, () => ask(server.port, { agent })));
      }
    };
    await scrape(500);
    const before = await residentKiB(server);
    await scrape(10_000);
    const after = await residentKiB(server);
    agent.destroy();
    expect(before).toBeGreaterThan(0);
    expect(after - before).toBeLessThan(2048);
    await stop(server);
  });
});
