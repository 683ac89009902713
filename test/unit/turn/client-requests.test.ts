import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attribute } from '../../../src/turn/attributes.ts';
import { createClient, type PeerData } from '../../../src/turn/client.ts';
import { NoAnswer, RFC_PATIENCE } from '../../../src/turn/exchange.ts';
import {
  ATTRIBUTE,
  attributeOf,
  decodeMessage,
  encodeMessage,
  hasIntegrity,
  longTermKey,
  METHOD,
  newTransactionId,
  type StunMessage,
} from '../../../src/turn/message.ts';
import { decodeXorAddress, encodeXorAddress } from '../../../src/turn/values.ts';
import { scriptedTransport } from '../../support/scripted-transport.ts';
import { answerTo, errorTo, idOf } from '../../support/turn-server.ts';

const ACCOUNT = { username: 'alice', password: 'secret' };
const AUTHENTICATION = { ...ACCOUNT, realm: 'example.org', nonce: 'n1' };
const KEY = longTermKey('alice', 'example.org', 'secret');
const PEER = { address: '192.0.2.7', port: 5000 };

/** Error response that requires authentication. */
const challenge = (request: Buffer, code: number, { realm, nonce }: { realm?: string; nonce?: string }) =>
  errorTo(request, code, [
    ...(realm === undefined ? [] : [{ type: ATTRIBUTE.realm, value: Buffer.from(realm) }]),
    ...(nonce === undefined ? [] : [{ type: ATTRIBUTE.nonce, value: Buffer.from(nonce) }]),
  ]);
const textOf = (request: Buffer | undefined, type: number) =>
  request && attributeOf(decodeMessage(request), type)?.toString();
/** Success response whose integrity uses this key. */
const sealed = (request: Buffer, key: Buffer) =>
  encodeMessage(
    { method: METHOD.allocate, class: 'success', transactionId: idOf(request), attributes: [] },
    { key },
  );

describe('a request', () => {
  it('encodes attributes with its own transaction id', async () => {
    const { transport, sent } = scriptedTransport({ answer: (request) => [answerTo(request)] });
    const client = createClient(transport, ACCOUNT);
    await client.request(METHOD.createPermission, [attribute.xorPeerAddress(PEER), attribute.lifetime(60)]);
    const message = decodeMessage(sent[0] as Buffer);
    expect(message.attributes.map(({ type }) => type)).toEqual([
      ATTRIBUTE.xorPeerAddress,
      ATTRIBUTE.lifetime,
    ]);
    const peer = attributeOf(message, ATTRIBUTE.xorPeerAddress) as Buffer;
    expect(decodeXorAddress(peer, message.transactionId)).toEqual(PEER);
  });

  it('has an integrity with the key of its credentials, and none without credentials', async () => {
    const { transport, sent } = scriptedTransport({ answer: (request) => [answerTo(request)] });
    const client = createClient(transport, ACCOUNT);
    await client.request(METHOD.allocate, [], AUTHENTICATION);
    await client.request(METHOD.allocate, []);
    const [authenticated, anonymous] = sent as [Buffer, Buffer];
    expect(hasIntegrity(authenticated, KEY)).toBe(true);
    expect(textOf(authenticated, ATTRIBUTE.username)).toBe('alice');
    expect(textOf(authenticated, ATTRIBUTE.realm)).toBe('example.org');
    expect(textOf(authenticated, ATTRIBUTE.nonce)).toBe('n1');
    expect(decodeMessage(anonymous).attributes).toEqual([]);
  });

  it.each<[string, typeof AUTHENTICATION | undefined, (request: Buffer) => Buffer, boolean]>([
    ['integrity with its key', AUTHENTICATION, (request) => sealed(request, KEY), true],
    ['integrity with another key', AUTHENTICATION, (request) => sealed(request, Buffer.from('other')), false],
    ['no integrity', AUTHENTICATION, (request) => answerTo(request), false],
    ['integrity although the request had none', undefined, (request) => sealed(request, KEY), false],
  ])('reports whether its answer is authentic: %s', async (_, authentication, answer, authentic) => {
    const { transport } = scriptedTransport({ answer: (request) => [answer(request)] });
    const client = createClient(transport, ACCOUNT);
    expect(await client.request(METHOD.allocate, [], authentication)).toMatchObject({ authentic });
  });
});

describe('a challenge', () => {
  it('is answered with its realm and nonce, which are reused for the next request', async () => {
    const answers = [
      (request: Buffer) => challenge(request, 401, { realm: 'first', nonce: 'n1' }),
      (request: Buffer) => challenge(request, 438, { realm: 'second', nonce: 'n2' }),
    ];
    const { transport, sent } = scriptedTransport({
      answer: (request) => [(answers.shift() ?? answerTo)(request)],
    });
    const client = createClient(transport, ACCOUNT);
    expect((await client.ask(METHOD.allocate, [])).error).toBeUndefined();
    await client.ask(METHOD.refresh, []);
    expect(sent.map((each) => [textOf(each, ATTRIBUTE.realm), textOf(each, ATTRIBUTE.nonce)])).toEqual([
      [undefined, undefined],
      ['first', 'n1'],
      ['second', 'n2'],
      ['second', 'n2'],
    ]);
    expect(hasIntegrity(sent[1] as Buffer, longTermKey('alice', 'first', 'secret'))).toBe(true);
    expect(hasIntegrity(sent[2] as Buffer, longTermKey('alice', 'second', 'secret'))).toBe(true);
    expect(client.challenge).toEqual({ realm: 'second', nonce: 'n2' });
  });

  it.each([
    ['without a nonce', { realm: 'example.org' }],
    ['without a realm', { nonce: 'n1' }],
    ['without either', {}],
  ])('%s is returned as an error', async (_, parts) => {
    const { transport, sent } = scriptedTransport({
      answer: (request) => [challenge(request, 401, parts)],
    });
    const client = createClient(transport, ACCOUNT);
    expect((await client.ask(METHOD.allocate, [])).error?.code).toBe(401);
    expect(sent).toHaveLength(1);
    expect(client.challenge).toBeUndefined();
  });
});

describe('a request without an answer', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] });
    // vitest's fake setImmediate advances the fake clock by a millisecond.
    vi.stubGlobal('setImmediate', queueMicrotask);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  /** Milliseconds from the first request to each one, and until the client gives up. */
  async function scheduleOf(lossy: boolean, patience = RFC_PATIENCE) {
    const begin = Date.now();
    const sentAt: number[] = [];
    const { transport, sent } = scriptedTransport({
      lossy,
      answer: () => {
        sentAt.push(Date.now() - begin);
        return [];
      },
    });
    const client = createClient(transport, ACCOUNT, { patience: () => patience });
    const ended = client.request(METHOD.binding, []).then(
      () => 'an answer',
      (error: unknown) => {
        expect(error).toBeInstanceOf(NoAnswer);
        return `${(error as Error).message} after ${Date.now() - begin}`;
      },
    );
    await vi.runAllTimersAsync();
    return { sentAt, ended: await ended, different: new Set(sent.map((each) => each.toString('hex'))).size };
  }

  it('is repeated unchanged at the intervals of RFC 8489, 6.2.1', async () =>
    expect(await scheduleOf(true)).toEqual({
      sentAt: [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500],
      ended: 'no answer to 7 requests after 39500',
      different: 1,
    }));

  it('is repeated at the given intervals', async () =>
    expect(await scheduleOf(true, { rtoMs: 100, sentAtMost: 3, lastMs: 70, reliableMs: 1 })).toEqual({
      sentAt: [0, 100, 300],
      ended: 'no answer to 3 requests after 370',
      different: 1,
    }));

  it('is sent once over a reliable transport', async () =>
    expect(await scheduleOf(false)).toEqual({
      sentAt: [0],
      ended: 'no answer to 1 request after 39500',
      different: 1,
    }));

  it('is not repeated after its answer has arrived', async () => {
    const { transport, sent, arrive } = scriptedTransport();
    const client = createClient(transport, ACCOUNT);
    const answer = client.request(METHOD.binding, []);
    await vi.advanceTimersByTimeAsync(600);
    expect(sent).toHaveLength(2);
    arrive(answerTo(sent[0] as Buffer));
    await answer;
    await vi.runAllTimersAsync();
    expect(sent).toHaveLength(2);
  });

  it('is not repeated if the answer arrives while it is being sent', async () => {
    const { transport, sent } = scriptedTransport({ answer: (request) => [answerTo(request)] });
    await createClient(transport, ACCOUNT).request(METHOD.binding, []);
    await vi.runAllTimersAsync();
    expect(sent).toHaveLength(1);
  });

  it('is not repeated after the server has ended the connection', async () => {
    const { transport, sent, end } = scriptedTransport();
    const word = createClient(transport, ACCOUNT).request(METHOD.binding, []).catch(String);
    end('reset');
    expect(await word).toMatch(/the connection was closed: reset$/);
    await vi.runAllTimersAsync();
    expect(sent).toHaveLength(1);
  });
});

describe('peer data', () => {
  const indication = (parts: Partial<StunMessage>) =>
    encodeMessage({
      method: METHOD.data,
      class: 'indication',
      transactionId: newTransactionId(),
      attributes: [],
      ...parts,
    });
  /** An indication of this method with a peer's address, data, or both. */
  const from = (method: number, has: { peer: boolean; data: boolean }) => {
    const transactionId = newTransactionId();
    const peer = { type: ATTRIBUTE.xorPeerAddress, value: encodeXorAddress(PEER, transactionId) };
    const data = { type: ATTRIBUTE.data, value: Buffer.from('hello') };
    return indication({
      method,
      transactionId,
      attributes: [...(has.peer ? [peer] : []), ...(has.data ? [data] : [])],
    });
  };
  function listening() {
    const { transport, sent, arrive } = scriptedTransport();
    const heard: PeerData[] = [];
    const unparsed: string[] = [];
    const client = createClient(transport, ACCOUNT, { onUnparsed: (_, why) => unparsed.push(why) });
    client.onData((data) => heard.push(data));
    return { client, sent, arrive, heard, unparsed };
  }

  it('is delivered from a Data indication', () => {
    const { arrive, heard } = listening();
    arrive(from(METHOD.data, { peer: true, data: true }));
    expect(heard).toEqual([{ peer: PEER, channel: undefined, data: Buffer.from('hello') }]);
  });

  it('is delivered from a channel', () => {
    const { arrive, heard } = listening();
    arrive(Buffer.from('4001000268690000', 'hex'));
    expect(heard).toEqual([{ peer: undefined, channel: 0x4001, data: Buffer.from('hi') }]);
  });

  it.each([
    ['has no data', from(METHOD.data, { peer: true, data: false })],
    ['names no peer', from(METHOD.data, { peer: false, data: true })],
    ['is empty', indication({})],
    ['has another method', from(METHOD.send, { peer: true, data: true })],
    ['has another method and no data', from(METHOD.binding, { peer: true, data: false })],
    ['has another method and names no peer', from(METHOD.binding, { peer: false, data: true })],
  ])('is not delivered from an indication that %s', (_, bytes) => {
    const { arrive, heard, unparsed } = listening();
    arrive(bytes);
    expect(heard).toEqual([]);
    expect(unparsed).toEqual([]);
  });

  it('passes exceptions of its listener to the caller', () => {
    const { client, arrive, unparsed } = listening();
    client.onData(() => {
      throw new TypeError('a mistake of the listener');
    });
    expect(() => arrive(from(METHOD.data, { peer: true, data: true }))).toThrow('a mistake of the listener');
    expect(unparsed).toEqual([]);
  });

  it('is sent in a Send indication', () => {
    const { client, sent } = listening();
    client.send(PEER, Buffer.from('hello'));
    const message = decodeMessage(sent[0] as Buffer);
    expect(message).toMatchObject({ method: METHOD.send, class: 'indication' });
    expect(textOf(sent[0], ATTRIBUTE.data)).toBe('hello');
    const peer = attributeOf(message, ATTRIBUTE.xorPeerAddress) as Buffer;
    expect(decodeXorAddress(peer, message.transactionId)).toEqual(PEER);
  });
});
