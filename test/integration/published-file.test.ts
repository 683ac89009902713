import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { readPublished } from '../../src/io/published-file.ts';
import { serve } from '../support/http-server.ts';
import { errorOf } from '../support/sandbox.ts';

const signal = new AbortController().signal;
/** Reads from a server that gives these answers, one after the other. */
async function read(...answers: ((response: ServerResponse) => void)[]) {
  let requests = 0;
  const { url } = await serve((_, response) => answers[Math.min(requests++, answers.length - 1)]?.(response));
  const limits = { maxBytes: 100, signal, retries: 2, backoffMs: 1 };
  return { reading: readPublished(`${url}/releases/testing.json`, limits), requests: () => requests };
}
const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end('x');
const text = (content: string) => (response: ServerResponse) => void response.end(content);
const reset = (response: ServerResponse) => {
  response.writeHead(200, { 'content-length': '50' });
  response.write('half');
  setTimeout(() => response.destroy(), 5);
};

describe('readPublished', () => {
  it('reads a file', async () => expect(String(await (await read(text('{}'))).reading)).toBe('{}'));
  it.each([403, 404])('knows that there is none by a status of %d', async (code) =>
    expect(await (await read(status(code))).reading).toBeUndefined(),
  );
  it.each([
    ['a status of 503', status(503)],
    ['a connection that breaks', reset],
  ])('tries again after %s', async (_, failing) => {
    const { reading, requests } = await read(failing, failing, text('{}'));
    expect(String(await reading)).toBe('{}');
    expect(requests()).toBe(3);
  });
  it.each([
    ['a lasting status of 500', status(500), 3],
    ['a status of 401', status(401), 1],
    ['a file that is too large', text('x'.repeat(101)), 1],
  ])('fails for %s, instead of finding nothing', async (_, answer, count) => {
    const { reading, requests } = await read(answer);
    expect(await errorOf(reading)).toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(requests()).toBe(count);
  });
});
