import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/turn/client.ts';
import { ATTRIBUTE, METHOD } from '../../../src/turn/message.ts';
import { openTransport } from '../../../src/turn/transport.ts';
import { answerTo, errorTo, udpServer } from '../../support/turn-server.ts';

const STRANGER = { username: '', password: '' };
const patience = () => ({ rtoMs: 20, sentAtMost: 2, lastMs: 60, reliableMs: 100 });

/** A client's result for an answer: `success`, an error code, or the reason why there is none. */
async function wordFor(reply: (request: Buffer) => Buffer): Promise<unknown> {
  await using server = await udpServer((request, send) => send(reply(request)));
  const client = createClient(await openTransport('udp', server.at), STRANGER, { patience });
  return await client
    .request(METHOD.binding, [])
    .then(({ error }) => error?.code ?? 'success', String)
    .finally(() => client.close());
}

describe('a client', () => {
  it('takes its own request, sent back, for no answer', async () =>
    expect(await wordFor((request) => request)).toMatch(/no answer/));

  it('takes an error without a code for no success', async () =>
    expect(await wordFor((request) => answerTo(request, { class: 'error', attributes: [] }))).toMatch(
      /no answer/,
    ));

  it.each<[string, string, boolean]>([
    ['none', '', true],
    ['text', Buffer.from('Unauthorized').toString('hex'), true],
    ['text in UTF-8', Buffer.from('Zugriff verweigert für Пётр').toString('hex'), true],
    ['text with zeros at its end', `${Buffer.from('Stale nonce').toString('hex')}00`, true],
    ['bytes that are no UTF-8', '5ce0a1fe7f', false],
    ['an address of the stack', 'd0ffff7f', false],
    ['control characters', '01026162', false],
    ['a zero in the middle', '610062', false],
    ['a delete character', '617f62', false],
    ['more than a decoder has to take', '61'.repeat(764), false],
  ])('takes an error answer, and tells of its words: %s', async (_, words, good) => {
    await using server = await udpServer((request, send) => {
      const value = Buffer.concat([Buffer.from([0, 0, 4, 1]), Buffer.from(words, 'hex')]);
      send(answerTo(request, { class: 'error', attributes: [{ type: ATTRIBUTE.errorCode, value }] }));
    });
    const told: string[] = [];
    const client = createClient(await openTransport('udp', server.at), STRANGER, {
      patience,
      onUnparsed: (_bytes, why) => told.push(why),
    });
    const { error } = await client.request(METHOD.binding, []);
    client.close();
    expect(error?.code).toBe(401);
    expect(told).toEqual(good ? [] : ['the reason phrase of an error response is not valid text']);
  });

  it.each<[string, number[], string, number]>([
    ['repeats a request with each new nonce', [401, 438, 438, 0], 'success', 4],
    ['takes no for an answer where every nonce is stale', [401, 438, 438, 438, 438, 438, 0], '438', 5],
    ['does not repeat credentials that are refused', [401, 401, 0], '401', 2],
    ['does not repeat what is refused otherwise', [401, 486, 0], '486', 2],
  ])('%s', async (_, codes, word, requests) => {
    await using server = await udpServer((request, send) => {
      const code = codes.shift() ?? 0;
      const challenge = [
        { type: ATTRIBUTE.realm, value: Buffer.from('test') },
        { type: ATTRIBUTE.nonce, value: Buffer.from(`nonce ${codes.length}`) },
      ];
      send(code === 0 ? answerTo(request) : errorTo(request, code, challenge));
    });
    const client = createClient(await openTransport('udp', server.at), STRANGER, { patience });
    const { error } = await client.ask(METHOD.allocate, []);
    client.close();
    expect(String(error?.code ?? 'success')).toBe(word);
    expect(server.received()).toBe(requests);
  });

  it('reads an answer that arrived while its process stood still', async () => {
    await using server = await udpServer((request, send) => {
      setTimeout(() => {
        send(answerTo(request));
        const end = Date.now() + 600;
        while (Date.now() < end);
      }, 100);
    });
    const client = createClient(await openTransport('udp', server.at), STRANGER, {
      patience: () => ({ rtoMs: 200, sentAtMost: 1, lastMs: 200, reliableMs: 200 }),
    });
    const found = await client.request(METHOD.binding, []).then(() => 'success', String);
    client.close();
    expect(found).toBe('success');
  });
});
