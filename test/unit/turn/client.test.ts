import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type TurnClient } from '../../../src/turn/client.ts';
import { NoAnswer, type Patience } from '../../../src/turn/exchange.ts';
import { ATTRIBUTE, encodeMessage, METHOD, newTransactionId } from '../../../src/turn/message.ts';
import { openTransport, type Transport, type TransportName } from '../../../src/turn/transport.ts';
import { answerTo, errorTo, type FakeServer, idOf, tcpServer, udpServer } from '../../support/turn-server.ts';

/** Timeouts of a client that gets no answer, and of one that gets an answer, possibly late on a busy machine. */
const SHORT: Patience = { rtoMs: 20, sentAtMost: 3, lastMs: 60, reliableMs: 150 };
const LONG: Patience = { rtoMs: 300, sentAtMost: 4, lastMs: 2_000, reliableMs: 4_000 };
/** Time limit of a request in milliseconds, on a busy machine. */
const AT_THE_LATEST_MS = 5_000;
const ACCOUNT = { username: 'u', password: 'p' };

/** Uncaught errors, which would end the laboratory. */
const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);
beforeEach(() => {
  uncaught.length = 0;
  process.on('uncaughtExceptionMonitor', note);
});
afterEach(() => {
  process.off('uncaughtExceptionMonitor', note);
  expect(uncaught).toEqual([]);
});

/** The result of a request: `success`, an error code, or the reason for no answer. */
interface Ended {
  word: string;
  unparsed: string[];
}

/** Runs work with a client of a server, then closes the client. */
async function withClient<T>(
  server: FakeServer,
  name: TransportName,
  work: (client: TurnClient) => Promise<T>,
  patience = LONG,
): Promise<{ result: T; unparsed: string[]; transport: Transport }> {
  const unparsed: string[] = [];
  const transport = await openTransport(name, server.at, { connectMs: 2_000 });
  const client = createClient(transport, ACCOUNT, {
    patience: () => patience,
    onUnparsed: (bytes, why) => unparsed.push(`${bytes.length} bytes: ${why}`),
  });
  try {
    return { result: await work(client), unparsed, transport };
  } finally {
    client.close();
  }
}

async function wordOf(request: Promise<{ error: { code: number } | undefined }>): Promise<string> {
  const begin = Date.now();
  try {
    const { error } = await request;
    return error === undefined ? 'success' : String(error.code);
  } catch (error) {
    expect(error).toBeInstanceOf(NoAnswer);
    return (error as Error).message;
  } finally {
    expect(Date.now() - begin).toBeLessThan(AT_THE_LATEST_MS);
  }
}

async function bind(server: FakeServer, name: TransportName, patience = LONG): Promise<Ended> {
  const work = (client: TurnClient) => wordOf(client.request(METHOD.binding, []));
  const { result, unparsed } = await withClient(server, name, work, patience);
  return { word: result, unparsed };
}

/** A message with this arbitrary body after its header. */
function withBody(request: Buffer, body: Buffer, length = body.length): Buffer {
  const head = answerTo(request).subarray(0, 20);
  const bytes = Buffer.concat([head, body]);
  bytes.writeUInt16BE(length, 2);
  return bytes;
}
const withoutCookie = (request: Buffer) => {
  const bytes = answerTo(request);
  bytes.writeUInt32BE(0, 4);
  return bytes;
};
const refusal = (request: Buffer, value: Buffer) =>
  answerTo(request, { class: 'error', attributes: [{ type: ATTRIBUTE.errorCode, value }] });
const dataFrom = (peer: Buffer) =>
  encodeMessage({
    method: METHOD.data,
    class: 'indication',
    transactionId: newTransactionId(),
    attributes: [
      { type: ATTRIBUTE.xorPeerAddress, value: peer },
      { type: ATTRIBUTE.data, value: Buffer.from('x') },
    ],
  });

const NOTHING = 'no answer to 3 requests';
/** Responses that a client cannot parse, and the reason it reports for each. */
const UNPARSABLE: [string, (request: Buffer) => Buffer, string][] = [
  ['an empty datagram', () => Buffer.alloc(0), '0 bytes: 0 bytes are too short for a header'],
  ['two bytes', () => Buffer.from('ff00', 'hex'), '2 bytes: 2 bytes are too short for a header'],
  ['a message without the magic cookie', withoutCookie, '32 bytes: no magic cookie'],
  [
    'a message of another protocol',
    () => Buffer.alloc(40, 0xff),
    '40 bytes: the first two bits are not zero',
  ],
  [
    'a message shorter than its length',
    (request) => answerTo(request).subarray(0, 28),
    '28 bytes: length 12, but 8 bytes after the header',
  ],
  [
    'a message longer than its length',
    (request) => Buffer.concat([answerTo(request), Buffer.alloc(4)]),
    '36 bytes: length 12, but 16 bytes after the header',
  ],
  ['the largest datagram, all zeros', () => Buffer.alloc(65_507), '65507 bytes: no magic cookie'],
  [
    'an attribute longer than the message',
    (request) => withBody(request, Buffer.from('0020ffff00000000', 'hex')),
    '28 bytes: an attribute is longer than the message',
  ],
  [
    'a truncated attribute',
    (request) => withBody(request, Buffer.from('0020', 'hex')),
    '22 bytes: an attribute is truncated',
  ],
  ['truncated ChannelData', () => Buffer.from('4001ffff00', 'hex'), '5 bytes: ChannelData is truncated'],
  ['ChannelData without a length', () => Buffer.from('4001', 'hex'), '2 bytes: ChannelData is truncated'],
  [
    'an error code of 2 bytes',
    (request) => refusal(request, Buffer.from('0004', 'hex')),
    '28 bytes: ERROR-CODE is too short',
  ],
  [
    'an empty error code',
    (request) => refusal(request, Buffer.alloc(0)),
    '24 bytes: ERROR-CODE is too short',
  ],
  ['data from a peer without an address', () => dataFrom(Buffer.alloc(0)), '32 bytes: invalid address'],
  [
    'data from a peer without an address family',
    () => dataFrom(Buffer.alloc(8)),
    '40 bytes: invalid address',
  ],
  [
    'data from a truncated peer address',
    () => dataFrom(Buffer.from('0002112233445566', 'hex')),
    '40 bytes: invalid address',
  ],
];

describe('a client over UDP', () => {
  it.each(UNPARSABLE)('reports %s, and gives up in time', async (_, bytes, why) => {
    await using server = await udpServer((request, reply) => reply(bytes(request)));
    const { word, unparsed } = await bind(server, 'udp', SHORT);
    expect(word).toBe(NOTHING);
    expect(new Set(unparsed)).toEqual(new Set([why]));
    expect(server.received()).toBe(3);
  });

  it.each(UNPARSABLE)('accepts its answer after %s', async (_, bytes, why) => {
    await using server = await udpServer((request, reply) => {
      reply(bytes(request));
      reply(answerTo(request));
    });
    const { word, unparsed } = await bind(server, 'udp');
    expect(word).toBe('success');
    // On a busy machine the client may have repeated the request.
    expect(new Set(unparsed)).toEqual(new Set([why]));
  });

  it.each<[string, (request: Buffer) => Buffer[]]>([
    [
      'an answer to another transaction',
      (request) => [answerTo(request, { transactionId: newTransactionId() })],
    ],
    [
      'an answer whose transaction id differs in the last byte',
      (request) => {
        const transactionId = Buffer.from(idOf(request));
        transactionId.writeUInt8(transactionId.readUInt8(11) ^ 1, 11);
        return [answerTo(request, { transactionId })];
      },
    ],
    ['an indication', (request) => [answerTo(request, { class: 'indication' })]],
  ])('silently ignores %s', async (_, bytes) => {
    await using server = await udpServer((request, reply) => bytes(request).forEach(reply));
    expect(await bind(server, 'udp', SHORT)).toEqual({ word: NOTHING, unparsed: [] });
  });

  it('accepts the first of several answers, and does not match the others to the next request', async () => {
    await using server = await udpServer((request, reply) => {
      reply(errorTo(request, 437));
      for (let i = 0; i < 5; i++) reply(answerTo(request));
    });
    const { result, unparsed } = await withClient(server, 'udp', async (client) => [
      await wordOf(client.request(METHOD.binding, [])),
      await wordOf(client.request(METHOD.binding, [])),
    ]);
    expect(result).toEqual(['437', '437']);
    expect(unparsed).toEqual([]);
  });

  it('does not match a late answer to the next request', async () => {
    const late: Buffer[] = [];
    await using server = await udpServer((request, reply) => {
      if (late.length >= 3) for (const each of late) reply(each);
      else late.push(answerTo(request));
    });
    const twice = async (client: TurnClient) => [
      await wordOf(client.request(METHOD.binding, [])),
      await wordOf(client.request(METHOD.binding, [])),
    ];
    const { result, unparsed } = await withClient(server, 'udp', twice, SHORT);
    expect(result).toEqual([NOTHING, NOTHING]);
    expect(unparsed).toEqual([]);
  });

  it('accepts an answer as large as a datagram can be', async () => {
    const software = { type: ATTRIBUTE.software, value: Buffer.alloc(65_480, 0x41) };
    await using server = await udpServer((request, reply) =>
      reply(answerTo(request, { attributes: [software] })),
    );
    expect(await bind(server, 'udp')).toEqual({ word: 'success', unparsed: [] });
  });

  it('gives up in time if nothing listens', async () => {
    const server = await udpServer(() => {});
    await server[Symbol.asyncDispose]();
    expect(await bind(server, 'udp', SHORT)).toEqual({ word: NOTHING, unparsed: [] });
  });

  it('gives up at once when the server has ended, or when the client is closed', async () => {
    await using server = await udpServer(() => {});
    const patience = () => ({ rtoMs: 60_000, sentAtMost: 1, lastMs: 60_000, reliableMs: 60_000 });
    const ended = new Promise<string>((resolve) => setTimeout(() => resolve('SIGSEGV'), 20));
    const client = createClient(await openTransport('udp', server.at), ACCOUNT, { patience, ended });
    expect(await wordOf(client.request(METHOD.binding, []))).toBe('the server ended: SIGSEGV');
    const other = createClient(await openTransport('udp', server.at), ACCOUNT, { patience });
    const word = wordOf(other.request(METHOD.binding, []));
    other.close();
    expect(await word).toBe('the connection was closed: closed by this side');
    expect(await wordOf(other.request(METHOD.binding, []))).toMatch(/closed by this side/);
    client.close();
    client.close();
  });

  it('sends at most two requests, however often it is challenged', async () => {
    const challenge = (request: Buffer) =>
      errorTo(request, 401, [
        { type: ATTRIBUTE.realm, value: Buffer.from('test') },
        { type: ATTRIBUTE.nonce, value: newTransactionId() },
      ]);
    await using server = await udpServer((request, reply) => reply(challenge(request)));
    const { result } = await withClient(server, 'udp', (client) => wordOf(client.ask(METHOD.allocate, [])));
    expect([result, server.received()]).toEqual(['401', 2]);
    await using without = await udpServer((request, reply) => reply(errorTo(request, 401)));
    const { result: bare } = await withClient(without, 'udp', (client) =>
      wordOf(client.ask(METHOD.allocate, [])),
    );
    expect([bare, without.received()]).toEqual(['401', 1]);
  });
});

describe('a client over TCP', () => {
  const NONE = 'no answer to 1 request';
  const answering = (answer: (request: Buffer, socket: Socket) => void) => tcpServer({ answer });

  it.each<[string, (request: Buffer) => Buffer, Ended]>([
    [
      'reports zeros',
      () => Buffer.alloc(40),
      { word: NONE, unparsed: ['20 bytes: no magic cookie', '20 bytes: no magic cookie'] },
    ],
    [
      'reports an attribute longer than the message',
      (request) => withBody(request, Buffer.from('0020ffff00000000', 'hex')),
      { word: NONE, unparsed: ['28 bytes: an attribute is longer than the message'] },
    ],
    [
      'reports an error code of 2 bytes',
      (request) => refusal(request, Buffer.from('0004', 'hex')),
      { word: NONE, unparsed: ['28 bytes: ERROR-CODE is too short'] },
    ],
    // Both look like the beginning of a long message whose rest never arrives.
    [
      'gives up waiting for the rest of HTTP',
      () => Buffer.from('HTTP/1.1 400\r\n\r\n'),
      { word: NONE, unparsed: [] },
    ],
    ['gives up waiting for the rest of 0xff', () => Buffer.alloc(100, 0xff), { word: NONE, unparsed: [] }],
    [
      'gives up waiting for the rest of its answer',
      (request) => answerTo(request).subarray(0, 31),
      { word: NONE, unparsed: [] },
    ],
    [
      'accepts its answer after zeros in the same packet',
      (request) => Buffer.concat([Buffer.alloc(20), answerTo(request)]),
      { word: 'success', unparsed: ['20 bytes: no magic cookie'] },
    ],
    [
      'accepts its answer between two for another transaction',
      (request) => {
        const other = answerTo(request, { transactionId: newTransactionId() });
        return Buffer.concat([other, errorTo(request, 437), other]);
      },
      { word: '437', unparsed: [] },
    ],
  ])('%s', async (_, bytes, expected) => {
    await using server = await answering((request, socket) => socket.write(bytes(request)));
    expect(await bind(server, 'tcp', expected.word === NONE ? SHORT : LONG)).toEqual(expected);
    expect(server.received()).toBe(1);
  });

  it('reassembles an answer that arrives byte by byte', async () => {
    await using server = await answering(async (request, socket) => {
      socket.setNoDelay(true);
      for (const byte of answerTo(request)) {
        socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(await bind(server, 'tcp')).toEqual({ word: 'success', unparsed: [] });
  });

  it.each<[string, (request: Buffer, socket: Socket) => void, RegExp]>([
    ['reset', (_, socket) => socket.resetAndDestroy(), /^the connection was closed: .*ECONNRESET/],
    ['closed', (_, socket) => socket.end(), /^the connection was closed: ended by the server$/],
    [
      'closed in the middle of the answer',
      (request, socket) => socket.end(answerTo(request).subarray(0, 25)),
      /^the connection was closed: ended by the server$/,
    ],
  ])('reports a connection that is %s during a request, also for the next request', async (_, end, why) => {
    await using server = await answering(end);
    const { result, unparsed } = await withClient(server, 'tcp', async (client) => [
      await wordOf(client.request(METHOD.binding, [])),
      await wordOf(client.request(METHOD.binding, [])),
    ]);
    expect(result[0]).toMatch(why);
    expect(result[1]).toMatch(/^the connection was closed: /);
    expect(unparsed).toEqual([]);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['closes it at once', (socket) => socket.end()],
    ['resets it at once', (socket) => socket.resetAndDestroy()],
  ])('gets no answer from a server that accepts a connection and %s', async (_, connected) => {
    await using server = await tcpServer({ connected });
    const word = await bind(server, 'tcp').then(
      (ended) => ended.word,
      // The server may be gone before the client learns of the connection.
      (error: unknown) => `the connection was closed: ${error}`,
    );
    expect(word).toMatch(/^the connection was closed: /);
  });

  it('cannot connect if nothing listens', async () => {
    const server = await tcpServer({});
    await server[Symbol.asyncDispose]();
    await expect(openTransport('tcp', server.at)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('a client over TLS or DTLS', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['speaks another protocol', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['closes at once', (socket) => socket.end()],
    ['resets at once', (socket) => socket.resetAndDestroy()],
  ])('cannot connect to a server that %s', async (_, connected) => {
    await using server = await tcpServer({ connected });
    await expect(openTransport('tls', server.at, { connectMs: 2_000 })).rejects.toThrow(Error);
  });

  it('gives up on an unanswered handshake', async () => {
    await using server = await tcpServer({});
    await expect(openTransport('tls', server.at, { connectMs: 100 })).rejects.toThrow(
      'no connection within 0.1 s',
    );
    await using silent = await udpServer(() => {});
    await expect(openTransport('dtls', silent.at, { connectMs: 200 })).rejects.toThrow(
      'no DTLS handshake within 0.2 s',
    );
  });
});

describe('arbitrary input', () => {
  /** A client of a fake transport, and a function that delivers a message to it. */
  function inMemory() {
    const requests: Buffer[] = [];
    let arrive: (bytes: Buffer) => void = () => {};
    const transport: Transport = {
      name: 'udp',
      lossy: true,
      padding: false,
      local: undefined,
      send: (bytes) => void requests.push(bytes),
      onMessage: (listener) => {
        arrive = listener;
      },
      closed: new Promise(() => {}),
      close: () => {},
    };
    const unparsed: string[] = [];
    const client = createClient(transport, ACCOUNT, {
      patience: () => ({ rtoMs: 1, sentAtMost: 1, lastMs: 1, reliableMs: 1 }),
      onUnparsed: (_, why) => unparsed.push(why),
    });
    return { client, requests, unparsed, arrive: (bytes: Buffer) => arrive(bytes) };
  }

  it('never throws', () => {
    const { arrive, unparsed } = inMemory();
    let arrived = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        arrived += 1;
        arrive(Buffer.from(bytes));
      }),
      { numRuns: 2_000 },
    );
    // Random bytes are almost never a message.
    expect(unparsed.length).toBeGreaterThan(arrived / 2);
  });

  it('that damages an answer ends the request with a result or no answer', async () => {
    const { client, requests, arrive } = inMemory();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        fc.boolean(),
        async (place, byte, cut, refused) => {
          const ended = wordOf(client.request(METHOD.allocate, []));
          const request = requests.at(-1) ?? Buffer.alloc(0);
          const bytes = Buffer.from(refused ? errorTo(request, 437) : answerTo(request));
          const at = place % bytes.length;
          bytes.writeUInt8(byte, at);
          arrive(cut ? bytes.subarray(0, at) : bytes);
          expect(await ended).toMatch(/^(success|\d+|no answer to 1 request)$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
