import { createHash } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import pRetry from 'p-retry';
import { messageOf, TurnbuildError } from '../errors.ts';
import { Retryable, refusal } from './download-refusal.ts';
import { fetch, ProxyError } from './fetch.ts';
import { diskErrors, naming, remove } from './files.ts';
import { shownUrl } from './shown-url.ts';

const MAX_BYTES = 256 * 1024 * 1024;
const STALL_MS = 30_000;

export interface DownloadRequest {
  url: string;
  /** Path of the finished file. Partial data is in `FILE.part`. */
  file: string;
  /** Lower-case hex. */
  sha256?: string;
  /** Sent to `url`, but not to redirect targets. */
  headers?: Readonly<Record<string, string>>;
  /** Bytes received in this attempt, and the file's size if the server sends it. */
  onProgress?: (received: number, total: number | undefined) => void;
  signal?: AbortSignal;
  /** Maximum retries. */
  retries?: number;
  /** Milliseconds without data after which an attempt fails. */
  stallMs?: number;
  /** First pause in milliseconds, randomly up to twice as long. Each later pause is doubled. */
  backoffMs?: number;
  /** Maximum file size. coturn's sources have a few MiB. */
  maxBytes?: number;
}

/**
 * Downloads a file. Replaces an existing file only when the download is complete and its hash is correct.
 * @throws DOWNLOAD_FAILED, GITHUB_RATE_LIMITED, PROXY_FAILED, PROXY_INVALID, SOURCE_SHA256_MISMATCH, DISK_FULL, INTERRUPTED
 */
export async function download(request: DownloadRequest): Promise<void> {
  const { file, signal, retries = 5, backoffMs = 500 } = request;
  const part = `${file}.part`;
  const cancel = signal === undefined ? {} : { signal };
  try {
    const found = await pRetry(() => tryOnce(request, part), {
      retries,
      minTimeout: backoffMs,
      // Otherwise many machines would return to a failed server at the same time.
      randomize: true,
      ...cancel,
      shouldRetry: async ({ error }) => {
        if (!(error instanceof Retryable)) return false;
        await pause(error.waitMs, undefined, cancel);
        return true;
      },
    });
    if (request.sha256 !== undefined && found !== request.sha256) throw mismatch(request, found);
    await diskErrors(rename(part, file));
  } catch (error) {
    // If that fails, too, report the first error.
    await remove(part).catch(() => {});
    throw failureOf(error, request, retries + 1);
  }
}

/** Downloads the file into `part`. Returns its SHA-256. @throws Retryable, and the errors of `download` */
async function tryOnce(request: DownloadRequest, part: string): Promise<string> {
  const { url, headers, signal, stallMs = STALL_MS, maxBytes = MAX_BYTES } = request;
  // An unread response body would keep its connection, and the process, alive.
  const end = new AbortController();
  try {
    const response = await network(
      fetch(
        url,
        {
          headers: { 'accept-encoding': 'identity', ...headers },
          signal: signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]),
        },
        { stallMs },
      ),
      request,
    );
    if (response.status !== 200) throw refusal(request, response);
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : Number(length);
    if (total !== undefined && total > maxBytes) throw tooLarge(url, maxBytes);
    const hash = createHash('sha256');
    const disk = <T>(work: Promise<T>) => diskErrors(naming(part, work));
    // Never continue an existing file or follow a link that someone else has created.
    await disk(remove(part));
    const out = await disk(open(part, 'wx'));
    try {
      let received = 0;
      for await (const chunk of bodyOf(response, request)) {
        received += chunk.length;
        if (received > maxBytes) throw tooLarge(url, maxBytes);
        hash.update(chunk);
        await disk(out.writeFile(chunk));
        request.onProgress?.(received, total);
      }
    } catch (error) {
      await out.close().catch(() => {});
      throw error;
    }
    await disk(out.close());
    return hash.digest('hex');
  } finally {
    end.abort();
  }
}

async function* bodyOf({ body }: Response, request: DownloadRequest): AsyncGenerator<Uint8Array> {
  const chunks = ((body ?? []) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (;;) {
    const next = await network(chunks.next(), request);
    if (next.done === true) return;
    yield next.value;
  }
}

/** Marks errors of network operations that are worth retrying. */
async function network<T>(work: Promise<T>, request: DownloadRequest): Promise<T> {
  return work.catch((error: unknown) => Promise.reject(retryable(error, request)));
}

/** Converts an error into Retryable if a retry may succeed. */
function retryable(error: unknown, { url, stallMs = STALL_MS }: DownloadRequest): unknown {
  if (error instanceof ProxyError && error.retryable) return new Retryable(error.message, 0, error);
  if (error instanceof TurnbuildError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const message = `${messageOf(error)}${cause === undefined ? '' : `: ${messageOf(cause)}`}`;
  if (/^UND_ERR_(BODY|HEADERS)_TIMEOUT$/.test(String(code)))
    return new Retryable(`no data arrived for ${stallMs / 1000} s`);
  if (typeof code === 'string') return new Retryable(message);
  // Refused by fetch itself, e.g. a redirect to a non-HTTP URL: a retry would fail in the same way.
  return new TurnbuildError('DOWNLOAD_FAILED', `${shownUrl(url)} could not be downloaded: ${message}`, {
    cause: error,
    hint: 'Check the URL: a retry would fail in the same way.',
  });
}

/** The final error for the user. */
function failureOf(error: unknown, { url, signal }: DownloadRequest, tries: number): unknown {
  if (signal?.aborted === true)
    return new TurnbuildError('INTERRUPTED', `The download of ${shownUrl(url)} was interrupted`, {
      hint: 'Run the same command again.',
    });
  if (!(error instanceof Retryable)) return error;
  if (error.cause instanceof ProxyError) return error.cause;
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${shownUrl(url)} could not be downloaded in ${tries} ${tries === 1 ? 'try' : 'tries'}: ${error.message}`,
    { cause: error, hint: 'Check the network and run the same command again.' },
  );
}

function mismatch({ url, sha256 }: DownloadRequest, found: string): TurnbuildError {
  return new TurnbuildError(
    'SOURCE_SHA256_MISMATCH',
    `${shownUrl(url)} has the sha256 ${found} (expected ${sha256})`,
    {
      hint: 'The download was discarded. If this happens again, the file on the server differs from the pinned one.',
    },
  );
}

function tooLarge(url: string, maxBytes: number): TurnbuildError {
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${shownUrl(url)} is larger than ${maxBytes} bytes, so it is not a coturn source`,
    { hint: 'Check the URL.' },
  );
}
