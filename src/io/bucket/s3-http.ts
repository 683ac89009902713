import { Readable } from 'node:stream';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { fetch } from '../fetch.ts';
import { isPage, pageError, withHost } from '../network-error.ts';

type Handler = Extract<NonNullable<S3ClientConfig['requestHandler']>, { handle: unknown }>;

/** A request of the SDK. Its type is in a package that is not a dependency. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  method: string;
  headers: Record<string, string>;
  body?: unknown;
}

/** Headers that `fetch` sets itself, or refuses. */
const OWN_HEADERS = ['host', 'expect'];

/** Requests at a time. A plan asks for hundreds of objects at once. */
const MAX_REQUESTS = 32;

/** The codes that the SDK knows for a connection that was cut. */
const CUT = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'];

/**
 * Sends the SDK's requests with turnbuild's `fetch`, because the SDK's own handler knows no proxies.
 * @param stallMs milliseconds without any data after which an attempt fails
 */
export function fetchHandler(stallMs: number): Handler {
  const enter = turnstile(MAX_REQUESTS);
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SdkRequest, { abortSignal }: { abortSignal?: unknown } = {}) {
      const { protocol, hostname, port, path, method, body } = request;
      const query = queryOf(request.query);
      const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${query === '' ? '' : `?${query}`}`;
      const isStream = body instanceof Readable;
      const headers = Object.entries(request.headers).filter(
        ([name]) => !OWN_HEADERS.includes(name.toLowerCase()) && (isStream || name !== 'content-length'),
      );
      const leave = await enter();
      try {
        const response = await fetch(
          url,
          {
            method,
            // A proxy must not compress what has a digest.
            headers: { 'accept-encoding': 'identity', ...Object.fromEntries(headers) },
            redirect: 'manual',
            ...(body === undefined ? {} : { body: body as never, duplex: 'half' }),
            ...(abortSignal == null ? {} : { signal: abortSignal as AbortSignal }),
          },
          { stallMs },
        );
        const isObject = response.ok && request.query?.['list-type'] === undefined;
        // An object may be a page, too, and an overloaded service may answer with one.
        if (!isObject && response.status < 500 && isPage(response)) {
          await response.body?.cancel();
          throw pageError('S3', url, response.status);
        }
        // The SDK does not repeat a call whose answer breaks off in XML. Objects are read by the caller.
        const content =
          isObject || response.body === null ? response.body : [Buffer.from(await response.arrayBuffer())];
        return {
          response: {
            statusCode: response.status,
            reason: response.statusText,
            headers: Object.fromEntries(response.headers),
            body: Array.isArray(content) ? Readable.from(content) : readable(content),
          } as never,
        };
      } catch (error) {
        throw withHost(networkError(error), url);
      } finally {
        leave();
      }
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

/** Lets a number of callers in at a time. @returns a function that resolves, when it is a caller's turn, to the one that ends it */
function turnstile(places: number): () => Promise<() => void> {
  let free = places;
  const waiting: (() => void)[] = [];
  const leave = () => {
    free += 1;
    waiting.shift()?.();
  };
  return async () => {
    while (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    free -= 1;
    return leave;
  };
}

const readable = (body: Response['body']) =>
  body === null ? Readable.from([]) : Readable.fromWeb(body as never);

/** An error of `fetch` -> one that the SDK recognises as temporary, if it is. */
export function networkError(error: unknown): unknown {
  const { name, cause = error } = error as Error;
  if (name === 'AbortError') return error;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (/^UND_ERR_\w+_TIMEOUT$/.test(code))
    return Object.assign(new Error(message, { cause }), { name: 'TimeoutError', code: 'ETIMEDOUT' });
  if (CUT.includes(code) || message === 'terminated')
    return Object.assign(new Error('the connection was closed', { cause }), { code: 'ECONNRESET' });
  return cause;
}

/** As it is signed: the SDK has encoded nothing yet. */
function queryOf(query: NonNullable<SdkRequest['query']> = {}): string {
  const encoded = (word: string) =>
    encodeURIComponent(word).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return Object.keys(query)
    .sort()
    .flatMap((name) => {
      const value = query[name];
      if (value == null) return [encoded(name)];
      return [value].flat().map((each) => `${encoded(name)}=${encoded(each)}`);
    })
    .join('&');
}
