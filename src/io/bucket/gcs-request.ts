import { fetch } from '../fetch.ts';
import { isPage, pageError } from '../network-error.ts';
import { tooLarge } from '../regular-file.ts';
import type { Authorize } from './gcs-auth.ts';
import { type GcsCall, refusedError, unansweredError } from './gcs-errors.ts';
import type { Patience } from './retry.ts';

/** How the service is reached. */
export interface GcsConnection extends Patience {
  /** E.g. `gs://packages/coturn`, for messages. */
  address: string;
  /** Without a path, e.g. `https://storage.googleapis.com`. */
  endpoint: string;
  authorize: Authorize;
  /** Milliseconds without data after which an attempt fails. The time to send a body is added. */
  stallMs: number;
}

export interface GcsRequest extends Omit<GcsCall, 'address'> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  /** Whether to send a token. A session URI permits its upload by itself. */
  isAuthorized: boolean;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Of a successful response. */
  maxBytes?: number;
  /** What the response is, for the error if it has more. */
  name?: string;
}

export interface GcsResponse {
  status: number;
  headers: Headers;
  body: Buffer;
}

/** Maximum bytes of a response in JSON. A page of a list has less. */
const MAX_JSON = 16 * 1024 ** 2;
/** Bytes per millisecond that every connection should reach. */
const SLOWEST = 64;

/**
 * Sends a request once.
 * @param accepted statuses that are not errors
 * @throws Temporary if a repetition may succeed, FILE_ERROR if the response is too large, and the errors of `refusedError`
 */
export async function sendOnce(
  connection: GcsConnection,
  request: GcsRequest,
  accepted: readonly number[],
): Promise<GcsResponse> {
  const { address, authorize, signal, stallMs } = connection;
  const { method, url, isAuthorized, headers, body: sent } = request;
  const call = { address, what: request.what, permission: request.permission };
  const authorization = isAuthorized ? await authorize() : {};
  // An unread response body would keep its connection, and the process, alive.
  const end = new AbortController();
  try {
    const response = await fetch(
      url,
      {
        method,
        // Otherwise the service might send the content compressed.
        headers: { 'accept-encoding': 'identity', ...headers, ...authorization },
        body: (sent ?? null) as NonNullable<RequestInit['body']> | null,
        // A resumable upload answers 308 without meaning a redirect.
        redirect: 'manual',
        signal: signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]),
      },
      { stallMs: stallMs + (sent?.length ?? 0) / SLOWEST },
    );
    const found = { status: response.status, headers: response.headers };
    // Objects may be pages, and some refusals of the service are.
    if (response.status < 400 && isPage(response) && !new URL(url).searchParams.has('alt'))
      throw pageError('Cloud Storage', url, response.status);
    const body = await bodyOf(response, request);
    if (accepted.includes(response.status)) return { ...found, body };
    if (response.status === 401) authorize.reject?.(authorization);
    throw refusedError(call, response.status, body, response.headers.get('retry-after'));
  } catch (error) {
    throw unansweredError(`Cannot ${call.what} in ${address}`, error);
  } finally {
    end.abort();
  }
}

/** @throws FILE_ERROR if the body has more than `maxBytes`, and the errors of a connection */
async function bodyOf(response: Response, request: GcsRequest): Promise<Buffer> {
  const { name = 'The response' } = request;
  const maxBytes = response.status === 200 ? (request.maxBytes ?? MAX_JSON) : MAX_JSON;
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    received += chunk.length;
    if (received > maxBytes) throw tooLarge(name, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
