import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { scrapeMany, scrapeOnce } from '../../../src/lab/scrape.ts';

const LIMITS = { responseMs: 300, allMs: 60_000, bytes: 1000 };

async function serve(answer: (response: ServerResponse, count: number) => void): Promise<string> {
  let count = 0;
  const server = createServer((_: IncomingMessage, response) => answer(response, ++count));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

/** Sends a byte every 20 ms, endlessly. */
const drip = (response: ServerResponse) => {
  const timer = setInterval(() => response.write('x'), 20);
  response.once('close', () => clearInterval(timer));
};

it('reads a whole page, once or repeatedly', async () => {
  const url = await serve((response) => response.end('the page'));
  expect(await scrapeOnce(url, LIMITS)).toBe('the page');
  expect(await scrapeMany(url, 25, LIMITS)).toBe(25);
});

it.each<[string, (response: ServerResponse) => void, RegExp]>([
  ['stays silent', () => {}, /no answer within 0.3 s/],
  ['stays silent after its headers', (response) => response.flushHeaders(), /no answer within 0.3 s/],
  ['never ends', drip, /no answer within 0.3 s/],
  ['sends too much', (response) => response.end('x'.repeat(1001)), /more than 1000 bytes/],
  [
    'sends less than it announced',
    (response) => response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
    /abort|closed|hang up/,
  ],
  ['answers with an error', (response) => response.writeHead(500).end(), /status 500/],
])('fails promptly with a server that %s', async (_, answer, message) => {
  const begin = Date.now();
  await expect(scrapeOnce(await serve(answer), LIMITS)).rejects.toThrow(message);
  expect(Date.now() - begin).toBeLessThan(5_000);
});

it('scrapeMany stops at the first timeout, but continues after other failures', async () => {
  const silent = await serve((response, count) => count <= 12 && response.end('the page'));
  expect(await scrapeMany(silent, 10_000, LIMITS)).toBe(12);
  const failing = await serve((response, count) =>
    count % 2 === 0 ? response.end('the page') : response.writeHead(500).end(),
  );
  expect(await scrapeMany(failing, 30, LIMITS)).toBe(15);
  const slow = await serve((response) => setTimeout(() => response.end('the page'), 50));
  expect(await scrapeMany(slow, 10_000, { ...LIMITS, allMs: 400 })).toBeLessThan(10);
});
