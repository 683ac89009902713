import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answered, misbehaviourOf, type ServiceName, spoil } from './behaviour.ts';
import type { CloudRequest, CloudResponse } from './exchange.ts';
import type { LiveCloud } from './live.ts';
import { answerMetadata, awaitMetadata } from './metadata.ts';
import { type RequestLog, recordOf } from './requests.ts';
import { answerServices } from './services.ts';

const MAXIMUM_BODY = 65_536;

/**
 * Handles the requests to one service of a simulated cloud, for `node:http` and, with a certificate of the secrets' hosts, `node:https`.
 */
export function cloudListener(
  cloud: LiveCloud,
  service: ServiceName,
  log: RequestLog,
  now: () => number = Date.now,
): RequestListener {
  return (incoming, outgoing) => {
    const hangup = new AbortController();
    outgoing.once('close', () => hangup.abort());
    void handle(incoming, outgoing, hangup.signal).catch(() => outgoing.destroy());
  };

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal) {
    const at = now();
    const request = await read(incoming);
    const answered = log.add(recordOf(service, request, at));
    const { delayMs, instead } = misbehaviourOf(cloud.state().faults, service, request.path);
    if (delayMs > 0) await pause(delayMs, undefined, { signal });
    if (instead?.do === 'silence') {
      await untilSpeaking(request.path, signal);
      outgoing.destroy();
      return;
    }
    const response = await respond(request, signal, instead);
    if (signal.aborted) return;
    answered(response.status);
    send(outgoing, response);
  }

  /** Resolves when the service is silent no longer. After an outage, the service no longer knows its earlier connections. */
  async function untilSpeaking(path: string, signal: AbortSignal): Promise<void> {
    const isSilent = () => misbehaviourOf(cloud.state().faults, service, path).instead?.do === 'silence';
    while (!signal.aborted && isSilent()) await cloud.changed(undefined, signal);
  }

  async function respond(request: CloudRequest, signal: AbortSignal, instead: Answered | undefined) {
    if (service === 'secrets' && instead === undefined) return answerServices(cloud.state(), request, now());
    // A misbehaving service does not wait for changes either.
    if (instead === undefined) return awaitMetadata(cloud, request, now, signal);
    const answer = service === 'metadata' ? answerMetadata : answerServices;
    return spoil(answer(cloud.state(), request, now()), instead);
  }
}

/**
 * Serves one of a cloud's services over HTTP, or with a certificate over HTTPS. `close` also ends connections that were never answered.
 * @param tls certificate and key in PEM
 */
export async function serve(
  listener: RequestListener,
  { address, port, tls }: { address: string; port: number; tls?: { cert: string; key: string } },
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(incoming: IncomingMessage): Promise<CloudRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAXIMUM_BODY) throw new Error(`a request has more than ${MAXIMUM_BODY} bytes`);
    chunks.push(chunk);
  }
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(incoming.url ?? '') ?? [];
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return {
    method: incoming.method ?? '',
    path,
    query,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString(),
  };
}

function send(outgoing: ServerResponse, { status, headers, body }: CloudResponse): void {
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  outgoing.end(body);
}
