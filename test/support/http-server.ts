import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LocalServer {
  url: string;
  /** `METHOD PATH` of each request, in order. */
  requests: string[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A real HTTP server of the running test's own, on the loopback or another address. `count` is 1 for the first request. */
export async function serve(handler: Handler, host = '127.0.0.1'): Promise<LocalServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://${host}:${(server.address() as AddressInfo).port}`, requests };
}

/** Answers as a static file server does: Range with If-Range, an ETag. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  etag = '"1"',
  stop?: number,
): void {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const start = match !== null && request.headers['if-range'] === etag ? Number(match[1]) : 0;
  if (start >= body.length && start > 0) {
    response.writeHead(416).end();
    return;
  }
  const range = start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { etag, 'content-length': body.length - start, ...range });
  if (stop === undefined) {
    response.end(body.subarray(start));
    return;
  }
  // A network that is cut: some of the body, then nothing but a closed connection.
  response.write(body.subarray(start, start + stop), () => cut(response));
}

/** Ends a connection without a word, when what was sent has had time to arrive. */
export function cut(response: ServerResponse): void {
  setTimeout(() => response.destroy(), 30);
}
