import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/turn/client.ts';
import { ATTRIBUTE, METHOD } from '../../../src/turn/message.ts';
import { openTransport } from '../../../src/turn/transport.ts';
import { answerTo, errorTo, udpServer } from '../../support/turn-server.ts';

const STRANGER = { username: '', password: '' };
const patience = () => ({ rtoMs: 20, sentAtMost: 2, lastMs: 60, reliableMs: 100 });

/** A client's result for an answer: `success`, an error code, or the reason for no answer. */
async function wordFor(reply: (request: Buffer) => Buffer): Promise<unknown> {
  await using server = await udpServer((request, send) => send(reply(request)));
  const client = createClient(await openTransport('udp', server.at), STRANGER, { patience });
  return await client
    .request(METHOD.binding, [])
    .then(({ error }) => error?.code ?? 'success', String)
    .finally(() => client.close());
}

describe('a client', () => {
  it('does not accept its own echoed request as an answer', async () =>
    expect(await wordFor((request) => request)).toMatch(/no answer/));

  it('ignores an error response without a code', async () =>
    expect(await wordFor((request) => answerTo(request, { class: 'error', attributes: [] }))).toMatch(
      /no answer/,
    ));

  it.each<[string, string, boolean]>([
    ['empty', '', true],
    ['text', Buffer.from('Unauthorized').toString('hex'), true],
    ['text in UTF-8', Buffer.from('Zugriff verweigert für Пётр').toString('hex'), true],
    ['text with trailing zeros', `${Buffer.from('Stale nonce').toString('hex')}00`, true],
    ['invalid UTF-8', '5ce0a1fe7f', false],
    ['a stack address', 'd0ffff7f', false],
    ['control characters', '01026162', false],
    ['an embedded zero', '610062', false],
    ['a delete character', '617f62', false],
    ['more bytes than a decoder has to accept', '61'.repeat(764), false],
  ])('accepts an error response, and reports an invalid reason phrase: %s', async (_, words, good) => {
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
    ['gives up if every nonce is stale', [401, 438, 438, 438, 438, 438, 0], '438', 5],
    ['does not repeat refused credentials', [401, 401, 0], '401', 2],
    ['does not repeat a request that is refused for another reason', [401, 486, 0], '486', 2],
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

  it('reads an answer that arrived while its process was blocked', async () => {
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
