import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type DownloadRequest, download } from '../../src/io/download.ts';
import { type Handler, sendFile, serve } from '../support/http-server.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const BODY = randomBytes(300_000);
const sha256 = createHash('sha256').update(BODY).digest('hex');

async function prepare(handler: Handler) {
  const server = await serve(handler);
  const file = join(temporaryFolder(), 'source.tar.gz');
  const get = (more: Partial<DownloadRequest> = {}) =>
    download({ url: server.url, file, sha256, backoffMs: 1, ...more });
  const left = () => readdirSync(join(file, '..')).sort();
  return { server, file, get, left };
}

test('stores a complete download, reports progress and leaves no other file', async () => {
  const { file, get, left } = await prepare((_, response) => sendFile(response, BODY));
  const progress: [number, number | undefined][] = [];
  await get({ onProgress: (received, total) => progress.push([received, total]) });
  expect(readFileSync(file).equals(BODY)).toBe(true);
  expect(left()).toEqual(['source.tar.gz']);
  expect(progress.at(-1)).toEqual([BODY.length, BODY.length]);
  expect(progress.map(([received]) => received)).toEqual(
    progress.map(([received]) => received).sort((a, b) => a - b),
  );
});

test('retries from the start after a dropped connection', async () => {
  const { server, file, get } = await prepare((_, response, count) =>
    count < 3 ? sendFile(response, Buffer.alloc(BODY.length, 'o'), 100_000) : sendFile(response, BODY),
  );
  await get();
  expect(readFileSync(file).equals(BODY)).toBe(true);
  expect(server.requests.length).toBe(3);
});

test('reads the whole body from a server that closes each connection', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`);
      socket.end(BODY);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  // Whether undici's parser is paused when the connection ends depends on timing.
  for (let count = 0; count < 20; count++) {
    const file = join(temporaryFolder(), 'source.tar.gz');
    await download({ url, file, sha256, retries: 0 });
    expect(readFileSync(file).equals(BODY)).toBe(true);
  }
});

test('refuses a truncated body even if its digest matches', async () => {
  const { get, left } = await prepare((_, response) => sendFile(response, BODY, 100_000));
  const short = createHash('sha256').update(BODY.subarray(0, 100_000)).digest('hex');
  const error = await errorOf(get({ retries: 1, sha256: short }));
  expect(error.code).toBe('DOWNLOAD_FAILED');
  expect(left()).toEqual([]);
});

test('ignores the partial file of a killed process', async () => {
  const { file, get, left } = await prepare((_, response) => sendFile(response, BODY));
  writeFileSync(`${file}.part`, Buffer.alloc(2 * BODY.length, 'o'));
  await get();
  expect(readFileSync(file).equals(BODY)).toBe(true);
  expect(left()).toEqual(['source.tar.gz']);
});

describe('a failing server', () => {
  test.each([500, 502, 503, 429, 408])('is retried after %i', async (status) => {
    const { get, server, file } = await prepare((_, response, count) =>
      count < 3 ? response.writeHead(status).end('later') : sendFile(response, BODY),
    );
    await get();
    expect(server.requests.length).toBe(3);
    expect(existsSync(file)).toBe(true);
  });

  test.each([404, 403, 410])('is not retried after %i', async (status) => {
    const { get, server, left } = await prepare((_, response) => response.writeHead(status).end());
    const error = await errorOf(get());
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toContain(String(status));
    expect(server.requests.length).toBe(1);
    expect(left()).toEqual([]);
  });

  test('is given up after all retries, with the last reason', async () => {
    const { get, server } = await prepare((_, response) => response.writeHead(503).end());
    const error = await errorOf(get({ retries: 2 }));
    expect(server.requests.length).toBe(3);
    expect(error.message).toContain('in 3 tries: the server answered 503');
    expect(error.hint).toContain('run the same command again');
  });

  test.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('is not retried before Retry-After in %s', async (_, value) => {
    const { get } = await prepare((_, response, count) =>
      count === 1 ? response.writeHead(429, { 'retry-after': value() }).end() : sendFile(response, BODY),
    );
    const start = performance.now();
    await get();
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test('is reported if it refuses connections', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const file = join(temporaryFolder(), 'x');
    const error = await errorOf(
      download({ url: `http://127.0.0.1:${port}/`, file, retries: 1, backoffMs: 1 }),
    );
    expect(error.message).toContain('ECONNREFUSED');
  });
});

describe('an unexpected body', () => {
  test('with another sha256 is removed, and both hashes are named', async () => {
    const { get, left } = await prepare((_, response) => sendFile(response, Buffer.from('evil')));
    const error = await errorOf(get());
    expect(error.code).toBe('SOURCE_SHA256_MISMATCH');
    expect(error.message).toContain(sha256);
    expect(error.message).toContain(createHash('sha256').update('evil').digest('hex'));
    expect(left()).toEqual([]);
  });

  test('does not replace an earlier complete file', async () => {
    const { get, file } = await prepare((_, response) => sendFile(response, Buffer.from('evil')));
    writeFileSync(file, 'before');
    await errorOf(get());
    expect(readFileSync(file, 'utf8')).toBe('before');
  });

  test('longer than announced is refused', async () => {
    // A raw socket, because Node's own server refuses to send more than it announced.
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n${'x'.repeat(5_000)}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const file = join(temporaryFolder(), 'x');
    const { port } = server.address() as { port: number };
    const long = createHash('sha256').update('x'.repeat(5_000)).digest('hex');
    const error = await errorOf(
      download({ url: `http://127.0.0.1:${port}/`, file, sha256: long, retries: 1, backoffMs: 1 }),
    );
    expect(['DOWNLOAD_FAILED', 'SOURCE_SHA256_MISMATCH']).toContain(error.code);
    expect(existsSync(file)).toBe(false);
  });

  test.each([
    ['announced', { 'content-length': 1_000_000 }],
    ['not announced', {}],
  ])('above the size limit is refused, with a length that is %s', async (_, headers) => {
    const { get, file } = await prepare((_request, response) => {
      response.writeHead(200, headers);
      response.end(Buffer.alloc(1_000_000));
    });
    const error = await errorOf(get({ maxBytes: 500_000 }));
    expect(error.message).toContain('is larger than 500000 bytes');
    expect(existsSync(file)).toBe(false);
  });
});

test('retries after a stalled connection', async () => {
  const { get, server, file } = await prepare((_, response, count) => {
    if (count > 1) return sendFile(response, BODY);
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.subarray(0, 1_000));
  });
  await get({ stallMs: 200 });
  expect(server.requests.length).toBe(2);
  expect(readFileSync(file).equals(BODY)).toBe(true);
});

test('stops on cancellation in the middle of a body, and downloads all of it the next time', async () => {
  const { get, left, server, file } = await prepare((_, response, count) => {
    if (count > 1) return sendFile(response, BODY);
    response.writeHead(200, { 'content-length': BODY.length });
    response.write(BODY.subarray(0, 100_000));
  });
  const cancel = new AbortController();
  const error = await errorOf(
    get({ signal: cancel.signal, onProgress: (got) => got === 100_000 && cancel.abort() }),
  );
  expect([error.code, error.exitCode]).toEqual(['INTERRUPTED', 130]);
  expect(left()).toEqual([]);
  expect(server.requests.length).toBe(1);
  await get();
  expect(readFileSync(file).equals(BODY)).toBe(true);
});

test('stops at once on cancellation while waiting to retry', async () => {
  const cancel = new AbortController();
  const { get } = await prepare((_, response) => {
    response.writeHead(429, { 'retry-after': '60' }).end();
    setTimeout(() => cancel.abort(), 50);
  });
  const start = performance.now();
  expect((await errorOf(get({ signal: cancel.signal }))).code).toBe('INTERRUPTED');
  expect(performance.now() - start).toBeLessThan(5_000);
});

/** Makes the next write to a file fail, like on a faulty disk. */
async function failWrite(code: string): Promise<void> {
  const handle = await open(join(temporaryFolder(), 'any'), 'w');
  await handle.close();
  const spy = vi.spyOn(Object.getPrototypeOf(handle), 'writeFile');
  onTestFinished(() => spy.mockRestore());
  spy.mockRejectedValueOnce(Object.assign(new Error(`${code}: write`), { code, syscall: 'write' }));
}

test('reports a full disk without a retry', async () => {
  const { get, server, left } = await prepare((_, response) => sendFile(response, BODY));
  await failWrite('ENOSPC');
  const error = await errorOf(get());
  expect(error.code).toBe('DISK_FULL');
  expect(error.message).toContain('source.tar.gz.part');
  expect(server.requests.length).toBe(1);
  expect(left()).toEqual([]);
});

test('reports another disk error with the file, without a retry', async () => {
  const { get, server, file, left } = await prepare((_, response) => sendFile(response, BODY));
  await failWrite('EROFS');
  await expect(get()).rejects.toMatchObject({ code: 'EROFS', path: `${file}.part` });
  expect(server.requests.length).toBe(1);
  expect(left()).toEqual([]);
});

test('reports a missing folder with the file, without a retry', async () => {
  const { server } = await prepare((_, response) => sendFile(response, BODY));
  const file = join(temporaryFolder(), 'none/x');
  await expect(download({ url: server.url, file })).rejects.toMatchObject({
    code: 'ENOENT',
    path: `${file}.part`,
  });
  expect(server.requests.length).toBe(1);
});

test('replaces a link at the path of the partial file instead of following it', async () => {
  const { get, file, left } = await prepare((_, response) => sendFile(response, BODY));
  const victim = join(temporaryFolder(), 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, `${file}.part`);
  await get();
  expect(readFileSync(victim, 'utf8')).toBe('precious');
  expect(lstatSync(file).isFile()).toBe(true);
  expect(left()).toEqual(['source.tar.gz']);
});

test.each([
  ['a data URL', 'data:text/plain,x'],
  ['a file URL', 'file:///etc/passwd'],
  ['a blocked port', 'http://127.0.0.1:1/'],
])('does not retry a redirect to %s', async (_, location) => {
  const { get, server } = await prepare((_request, response) => response.writeHead(302, { location }).end());
  const error = await errorOf(get());
  expect(error.code).toBe('DOWNLOAD_FAILED');
  expect(error.hint).toContain('a retry would fail in the same way');
  expect(server.requests.length).toBe(1);
});

test.each(['1e20', '-1', 'soon', ''])('omits the reset time of a rate limit if it is %j', async (reset) => {
  const { get, server } = await prepare((_, response) =>
    response.writeHead(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }).end(),
  );
  const error = await errorOf(get());
  expect(error.code).toBe('GITHUB_RATE_LIMITED');
  expect(error.message).toMatch(/the rate limit is exhausted$/);
  expect(server.requests.length).toBe(1);
});
