import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ADDRESSES } from '../../../src/lab/network.ts';
import { type Clients, createClients, Unreachable } from '../../../src/lab/reach.ts';
import type { RunningServer } from '../../../src/lab/subject.ts';
import { NoAnswer } from '../../../src/turn/exchange.ts';
import { METHOD } from '../../../src/turn/message.ts';
import { strangersAnswer, tcpServer, udpServer } from '../../support/turn-server.ts';

const ACCOUNT = { username: 'u', password: 'p' };
/** Unused loopback addresses. Both families are IPv4 here, which clients accept. */
const ip = (last: number) => `127.${(process.pid >> 8) & 0xff || 1}.${process.pid & 0xff}.${last}`;
const [FIRST, SECOND] = [ip(1), ip(2)];
const PORT = 3478;

// Clients wait for seconds while real sockets answer, so fake timers speed up their clock.
const realTimeout = globalThis.setTimeout;
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());
async function quickly<T>(work: Promise<T>): Promise<T> {
  let done = false;
  const end = () => {
    done = true;
  };
  work.then(end, end);
  while (!done) {
    await vi.advanceTimersByTimeAsync(20);
    await new Promise((resolve) => realTimeout(resolve, 2));
  }
  return work;
}

type Answer = (request: Buffer, reply: (bytes: Buffer) => void) => void;
const honest: Answer = (request, reply) => reply(strangersAnswer(request));
const silent: Answer = () => {};

/** A server that answers over UDP as the test chooses, and over TCP on both addresses. Nothing listens for TLS and DTLS. */
async function lab(first: Answer, second: Answer = honest, ttl = 64) {
  const how = { first, second };
  const at = (address: string) => ({ address, port: PORT });
  const udp = [
    await udpServer((request, reply) => how.first(request, reply), at(FIRST)),
    await udpServer((request, reply) => how.second(request, reply), at(SECOND)),
  ] as const;
  const answer = (request: Buffer, socket: { write(bytes: Buffer): void }) =>
    honest(request, (bytes) => socket.write(bytes));
  const tcp = [await tcpServer({ answer }, at(FIRST)), await tcpServer({ answer }, at(SECOND))];
  const asked: string[] = [];
  const server = {
    name: 'relay',
    addresses: { ...ADDRESSES.relay, ipv4: FIRST, ipv6: SECOND },
    end: new Promise<string>(() => {}),
    ended: () => undefined,
    agent: {
      binds: async (transport: string, address: string, port: number) => {
        asked.push(`${transport} ${address === FIRST ? 'ipv4' : 'ipv6'} ${port}`);
        return transport === 'udp';
      },
    },
  } as unknown as RunningServer;
  const clients = await quickly(createClients(server, false, async () => ttl));
  return {
    how,
    udp,
    server,
    clients,
    asked,
    async [Symbol.asyncDispose]() {
      for (const each of [...udp, ...tcp]) await each[Symbol.asyncDispose]();
    },
  };
}

const remote = (clients: Clients) =>
  clients.reach().flatMap((each) => (each.remote ? [`${each.transport}/${each.family}`] : []));
const wayOf = (clients: Clients, way: string) =>
  clients.reach().find(({ transport, family }) => way === `${transport}/${family}`);

describe('the transports of a server', () => {
  it('are reachable if the first requests of a session are answered', async () => {
    await using each = await lab(honest, silent);
    const { clients, asked } = each;
    expect(remote(clients).sort()).toEqual(['tcp/ipv4', 'tcp/ipv6', 'udp/ipv4']);
    expect(clients.reach()).toHaveLength(8);
    expect(wayOf(clients, 'udp/ipv4')).toEqual({ transport: 'udp', family: 'ipv4', remote: true, tries: 1 });
    // The server's own machine is tried only without an answer.
    expect(wayOf(clients, 'udp/ipv6')).toEqual({
      transport: 'udp',
      family: 'ipv6',
      remote: false,
      tries: 2,
      local: true,
      why: 'no answer to 4 requests',
    });
    expect(wayOf(clients, 'tls/ipv4')).toMatchObject({ remote: false, local: false });
    expect(wayOf(clients, 'tls/ipv4')?.why).toMatch(/ECONNREFUSED/);
    expect(asked.sort()).toEqual([
      'dtls ipv4 5349',
      'dtls ipv6 5349',
      'tls ipv4 5349',
      'tls ipv6 5349',
      'udp ipv6 3478',
    ]);
    expect(clients.silentWay(['udp/ipv4', 'tcp/ipv4'])).toBeUndefined();
    expect(clients.silentWay(['udp/ipv4', 'udp/ipv6', 'tls/ipv4'])).toBe('udp/ipv6');
  });

  it('over UDP and DTLS are unreachable if answers leave with TTL 1', async () => {
    await using each = await lab(honest, silent, 1);
    expect(remote(each.clients).sort()).toEqual(['tcp/ipv4', 'tcp/ipv6']);
    for (const way of ['udp/ipv4', 'udp/ipv6', 'dtls/ipv4'])
      expect(wayOf(each.clients, way)).toMatchObject({
        remote: false,
        why: 'answers leave with a TTL of 1',
      });
  });

  it('over UDP are reachable if answers leave with TTL 2', async () => {
    await using each = await lab(honest, silent, 2);
    expect(remote(each.clients)).toContain('udp/ipv4');
  });

  it('are unreachable, with the reason, if answers cannot be parsed', async () => {
    await using each = await lab(honest, (_, reply) => reply(Buffer.alloc(20)));
    expect(wayOf(each.clients, 'udp/ipv6')).toMatchObject({
      remote: false,
      why: 'malformed answer: no magic cookie',
    });
  });
});

describe('a laboratory client', () => {
  it('does not use an unreachable transport', async () => {
    await using each = await lab(honest, silent);
    const { clients, server, udp } = each;
    const before = udp[1].received();
    const error = await clients.connect(server, 'udp', 'ipv6', ACCOUNT).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error).toBeInstanceOf(NoAnswer);
    expect(error).toMatchObject({ way: 'udp/ipv6', message: 'no answer over udp/ipv6' });
    expect(udp[1].received()).toBe(before);
    expect(clients.leftWay('relay')).toBeUndefined();
  });

  it('stops using a transport once the server no longer answers on it', async () => {
    await using each = await lab(honest);
    const { clients, server, how, udp } = each;
    const client = await clients.connect(server, 'udp', 'ipv4', ACCOUNT);
    expect((await quickly(client.request(METHOD.binding, []))).error).toBeUndefined();
    how.first = silent;
    const error = await quickly(client.request(METHOD.binding, []).catch((reason: unknown) => reason));
    expect(error).toMatchObject({
      way: 'udp/ipv4',
      message: 'no answer over udp/ipv4: no answer to 4 requests',
    });
    expect(clients.leftWay('relay')).toBe('udp/ipv4');
    expect(clients.leftWay('limits')).toBeUndefined();
    // It worked before.
    expect(clients.silentWay(['udp/ipv4'])).toBeUndefined();
    const before = udp[0].received();
    await expect(client.request(METHOD.binding, [])).rejects.toBeInstanceOf(Unreachable);
    await expect(clients.connect(server, 'udp', 'ipv4', ACCOUNT)).rejects.toBeInstanceOf(Unreachable);
    expect(udp[0].received()).toBe(before);
    // Other servers and transports are not affected.
    const other = await clients.connect({ ...server, name: 'limits' }, 'udp', 'ipv6', ACCOUNT);
    const tcp = await quickly(clients.connect(server, 'tcp', 'ipv4', ACCOUNT));
    for (const use of [other, tcp]) {
      expect((await quickly(use.request(METHOD.binding, []))).error).toBeUndefined();
      use.close();
    }
    client.close();
  });

  it('continues if other requests are answered, with fewer retries after four timeouts', async () => {
    const deaf: Answer = (request, reply) => {
      if ((request.readUInt16BE(0) & 0xf) !== METHOD.refresh) honest(request, reply);
    };
    await using each = await lab(deaf);
    const { clients, server } = each;
    const client = await clients.connect(server, 'udp', 'ipv4', ACCOUNT);
    const words: string[] = [];
    for (let i = 0; i < 5; i++) {
      const error = await quickly(client.request(METHOD.refresh, []).catch((reason: unknown) => reason));
      expect(error).toBeInstanceOf(NoAnswer);
      expect(error).not.toBeInstanceOf(Unreachable);
      words.push((error as Error).message);
    }
    expect(words).toEqual([...Array(4).fill('no answer to 4 requests'), 'no answer to 1 request']);
    expect(clients.leftWay('relay')).toBeUndefined();
    expect((await quickly(client.request(METHOD.binding, []))).error).toBeUndefined();
    client.close();
  });

  it('records up to 20 malformed messages with their server and transport', async () => {
    await using each = await lab(honest);
    const { clients, server, how } = each;
    how.first = (request, reply) => {
      for (let i = 0; i < 30; i++) reply(Buffer.alloc(200));
      honest(request, reply);
    };
    const client = await clients.connect({ ...server, name: 'limits' }, 'udp', 'ipv4', ACCOUNT);
    await quickly(client.request(METHOD.binding, []));
    client.close();
    expect(clients.unparsed()).toHaveLength(20);
    expect(clients.unparsed()[0]).toEqual({
      server: 'limits',
      transport: 'udp',
      why: 'no magic cookie',
      bytes: '0'.repeat(200),
    });
  });

  it('gives up as soon as its server has exited', async () => {
    await using each = await lab(honest);
    const { clients, server, how } = each;
    how.first = silent;
    let end: (how: string) => void = () => {};
    const ending = new Promise<string>((resolve) => {
      end = resolve;
    });
    const client = await clients.connect({ ...server, end: ending }, 'udp', 'ipv4', ACCOUNT);
    const error = client.request(METHOD.binding, []).catch((reason: unknown) => reason);
    end('SIGSEGV');
    expect(await quickly(error)).toMatchObject({
      message: expect.stringMatching(/the server ended: SIGSEGV/),
    });
    client.close();
  });
});
