import { rename, rm } from 'node:fs/promises';
import { TurnbuildError } from '../errors.ts';
import { discardPart, MAX_BYTES, Retryable, tryOnce } from './download-try.ts';
import { ProxyError } from './fetch.ts';
import { sha256File } from './files.ts';
import { shownUrl } from './shown-url.ts';

export interface DownloadRequest {
  url: string;
  /** Where the finished file goes; `FILE.part` holds what has arrived, `FILE.part.tag` which file that is. */
  file: string;
  /** Lower-case hex. */
  sha256?: string;
  /** Sent to the address, and not to where it may redirect to. */
  headers?: Readonly<Record<string, string>>;
  /** Bytes so far, those of earlier runs included, and of the whole file if the server says so. */
  onProgress?: (received: number, total: number | undefined) => void;
  signal?: AbortSignal;
  /** Tries after the first one. */
  retries?: number;
  /** Milliseconds without a byte after which a try is given up. */
  stallMs?: number;
  /** Milliseconds of the first pause at most; each later one may be twice as long. */
  backoffMs?: number;
  /** Sources are a few MiB; more than this isn't one. */
  maxBytes?: number;
}

/**
 * Downloads a file, resuming what an earlier run has left, and puts it in place only when it is whole and right.
 * @throws DOWNLOAD_FAILED, PROXY_FAILED, PROXY_INVALID, SOURCE_SHA256_MISMATCH, DISK_FULL, INTERRUPTED (what has arrived is
 *   kept)
 */
export async function download(request: DownloadRequest): Promise<void> {
  const { retries = 5, backoffMs = 500, signal } = request;
  const part = `${request.file}.part`;
  for (let attempt = 0; ; attempt++) {
    try {
      await tryOnce({
        ...request,
        part,
        stallMs: request.stallMs ?? 30_000,
        maxBytes: request.maxBytes ?? MAX_BYTES,
      });
      break;
    } catch (error) {
      if (signal?.aborted === true) {
        throw new TurnbuildError('INTERRUPTED', `The download of ${shownUrl(request.url)} was interrupted`, {
          hint: 'Run the same command again: it goes on where it stopped.',
        });
      }
      if (!(error instanceof Retryable)) throw error;
      if (attempt >= retries) {
        if (error.cause instanceof ProxyError) throw error.cause;
        throw new TurnbuildError(
          'DOWNLOAD_FAILED',
          `${shownUrl(request.url)} could not be downloaded in ${retries + 1} tries: ${error.message}`,
          {
            cause: error,
            hint: 'Check the network and run the same command again: what has arrived is kept.',
          },
        );
      }
      // Full jitter: many machines that lost one server don't come back all at once.
      await pause(error.waitMs ?? Math.random() * backoffMs * 2 ** attempt, signal);
    }
  }
  if (request.sha256 !== undefined) await checkDigest(request, part, request.sha256);
  await rename(part, request.file);
  await rm(`${part}.tag`, { force: true });
}

async function checkDigest(request: DownloadRequest, part: string, sha256: string): Promise<void> {
  const found = await sha256File(part);
  if (found === sha256) return;
  await discardPart(part);
  throw new TurnbuildError(
    'SOURCE_SHA256_MISMATCH',
    `${shownUrl(request.url)} has the sha256 ${found}, not ${sha256}`,
    {
      hint: 'Nothing of it was kept. If it happens again, the server has another file than the one that was pinned.',
    },
  );
}

/** Waits, or returns at once when the signal is aborted: the next try then ends the download. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
