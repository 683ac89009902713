import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { EXIT, messageOf, TurnbuildError } from '../errors.ts';
import { diskErrors, sha256File } from './files.ts';

export interface DownloadRequest {
  url: string;
  /** Where the finished file goes; `FILE.part` holds what has arrived. */
  file: string;
  sha256?: string;
  onProgress?: (received: number, total: number | undefined) => void;
  signal?: AbortSignal;
  /** Tries after the first one. */
  retries?: number;
  /** Milliseconds without a byte after which a try is given up. */
  stallMs?: number;
  /** Milliseconds of the first pause; each later one may be twice as long. */
  backoffMs?: number;
}

/** Sources are a few MiB; more than this isn't one. */
const MAX_BYTES = 256 * 1024 * 1024;

/** A try that failed in a way that another one may not. `waitMs` is what the server asked for. */
class Retryable extends Error {
  readonly waitMs: number | undefined;
  constructor(message: string, waitMs?: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

/**
 * Downloads a file, resuming what an earlier run has left, and puts it in place only when it is whole and right.
 * @throws DOWNLOAD_FAILED, SOURCE_SHA256_MISMATCH, DISK_FULL, INTERRUPTED (what has arrived is kept)
 */
export async function download(request: DownloadRequest): Promise<void> {
  const { retries = 5, backoffMs = 500 } = request;
  for (let attempt = 0; ; attempt++) {
    try {
      await once(request);
      break;
    } catch (error) {
      if (request.signal?.aborted === true) {
        throw new TurnbuildError('INTERRUPTED', `The download of ${request.url} was interrupted`, {
          exitCode: EXIT.interrupted,
        });
      }
      if (!(error instanceof Retryable)) throw error;
      if (attempt >= retries) {
        throw new TurnbuildError(
          'DOWNLOAD_FAILED',
          `${request.url} could not be downloaded in ${retries + 1} tries: ${error.message}`,
          {
            cause: error,
            hint: 'Check the network and run the same command again: what has arrived is kept.',
          },
        );
      }
      // Full jitter: many machines that lost one server don't come back all at once.
      await pause(error.waitMs ?? Math.random() * backoffMs * 2 ** attempt, request.signal);
    }
  }
  const part = `${request.file}.part`;
  if (request.sha256 !== undefined) {
    const found = await sha256File(part);
    if (found !== request.sha256) {
      await discard(part);
      throw new TurnbuildError(
        'SOURCE_SHA256_MISMATCH',
        `${request.url} has the sha256 ${found}, not ${request.sha256}`,
        {
          hint: 'Nothing of it was kept. If it happens again, the server has another file than the one that was pinned.',
        },
      );
    }
  }
  await rename(part, request.file);
  await rm(`${part}.tag`, { force: true });
}

async function once(request: DownloadRequest): Promise<void> {
  const part = `${request.file}.part`;
  const have = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  const tag = await readFile(`${part}.tag`, 'utf8').catch(() => '');
  const stall = new AbortController();
  const signal =
    request.signal === undefined ? stall.signal : AbortSignal.any([request.signal, stall.signal]);
  // Without the tag nobody knows whether the rest belongs to the same file.
  const resume: Record<string, string> =
    have > 0 && tag !== '' ? { range: `bytes=${have}-`, 'if-range': tag } : {};
  const watch = watchdog(stall, request.stallMs ?? 30_000);
  try {
    const response = await fetch(request.url, {
      headers: { 'accept-encoding': 'identity', ...resume },
      signal,
      redirect: 'follow',
    });
    watch.alive();
    await acceptStatus(request, response, part);
    const start = response.status === 206 ? have : 0;
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : start + Number(length);
    if (total !== undefined && total > MAX_BYTES) throw tooLarge(request.url);
    await writeFile(
      `${part}.tag`,
      response.headers.get('etag') ?? response.headers.get('last-modified') ?? '',
    );
    const received = await store(request, response, { part, start, total, alive: watch.alive });
    if (total !== undefined && received !== total)
      throw new Retryable(`the connection ended after ${received} of ${total} bytes`);
  } catch (error) {
    if (error instanceof Retryable || error instanceof TurnbuildError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    throw new Retryable(
      stall.signal.aborted ? 'no byte arrived for too long' : `${messageOf(error)}${cause}`,
    );
  } finally {
    watch.stop();
  }
}

async function acceptStatus(request: DownloadRequest, response: Response, part: string): Promise<void> {
  if (response.status === 200 || response.status === 206) return;
  if (response.status === 416) {
    // What is there is longer than the file: it can't be resumed.
    await discard(part);
    throw new Retryable('the server refused to resume', 0);
  }
  if (response.status === 429 || response.status >= 500) {
    const after = Number(response.headers.get('retry-after'));
    throw new Retryable(
      `the server answered ${response.status}`,
      Number.isFinite(after) && after > 0 ? Math.min(after, 120) * 1000 : undefined,
    );
  }
  throw new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${request.url} could not be downloaded: the server answered ${response.status} ${response.statusText}`,
    {
      hint: 'Is the address right?',
    },
  );
}

async function store(
  request: DownloadRequest,
  response: Response,
  to: { part: string; start: number; total: number | undefined; alive: () => void },
): Promise<number> {
  const out = createWriteStream(to.part, { flags: to.start > 0 ? 'a' : 'w' });
  let received = to.start;
  const work = async () => {
    for await (const chunk of response.body ?? []) {
      to.alive();
      received += chunk.length;
      if (to.total !== undefined && received > to.total)
        throw new Retryable('the server sent more than it had announced');
      if (received > MAX_BYTES) throw tooLarge(request.url);
      if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', () => resolve(undefined)));
      request.onProgress?.(received, to.total);
    }
  };
  const failed = new Promise<never>((_, reject) => out.once('error', reject));
  try {
    await diskErrors(Promise.race([work(), failed]));
  } finally {
    out.end();
    await finished(out).catch(() => {});
  }
  return received;
}

function tooLarge(url: string): TurnbuildError {
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${url} is larger than ${MAX_BYTES} bytes, so it is no coturn source`,
  );
}

async function discard(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.tag`, { force: true });
}

function watchdog(stall: AbortController, ms: number): { alive: () => void; stop: () => void } {
  let timer = setTimeout(() => stall.abort(), ms);
  return {
    alive: () => {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), ms);
    },
    stop: () => clearTimeout(timer),
  };
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
