import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LocalServer {
  url: string;
  /** `METHOD PATH` of each request, in order. */
  requests: string[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A real HTTP server of the running test, on the loopback or another address. `count` is 1 for the first request. */
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

/** Sends a file, or `stop` bytes of it before cutting the connection. */
export function sendFile(response: ServerResponse, body: Buffer, stop = body.length): void {
  response.writeHead(200, { 'content-length': body.length });
  if (stop === body.length) response.end(body);
  else response.write(body.subarray(0, stop), () => cut(response));
}

/** Closes a connection silently, after the data has had time to arrive. */
export function cut(response: ServerResponse): void {
  setTimeout(() => response.destroy(), 30);
}
