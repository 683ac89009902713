import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { messageOf, TurnbuildError } from '../errors.ts';
import { fetch, ProxyError } from './fetch.ts';
import { diskErrors } from './files.ts';
import { shownUrl } from './shown-url.ts';

export const MAX_BYTES = 256 * 1024 * 1024;
/** A server may ask for a longer pause, but a user waits for no longer than this. */
const MAX_WAIT_MS = 120_000;

/** One try of a download. */
export interface Try {
  url: string;
  part: string;
  headers?: Readonly<Record<string, string>>;
  onProgress?: (received: number, total: number | undefined) => void;
  signal?: AbortSignal;
  stallMs: number;
  maxBytes: number;
}

/** A try that failed in a way that another one may not. `waitMs` is what the server asked for. */
export class Retryable extends Error {
  readonly waitMs: number | undefined;
  constructor(message: string, waitMs?: number, cause?: unknown) {
    super(message, { cause });
    this.waitMs = waitMs;
  }
}

/** Removes what has arrived of a file, and the note which file it is. */
export async function discardPart(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(`${part}.tag`, { force: true });
}

/**
 * Fetches what is missing of a file into its part.
 * @throws Retryable, DOWNLOAD_FAILED, PROXY_FAILED, PROXY_INVALID, DISK_FULL
 */
export async function tryOnce(request: Try): Promise<void> {
  const { have, tag } = await leftover(request.part);
  // Ends this try only: when no byte comes, and at last whatever is still open of it.
  const end = new AbortController();
  const signal = request.signal === undefined ? end.signal : AbortSignal.any([request.signal, end.signal]);
  const stall = watchdog(end, request.stallMs);
  try {
    const resume: Record<string, string> = have > 0 ? { range: `bytes=${have}-`, 'if-range': tag } : {};
    const response = await fetch(request.url, {
      headers: { 'accept-encoding': 'identity', ...request.headers, ...resume },
      signal,
    });
    stall.alive();
    if (response.status !== 200 && response.status !== 206) throw await refusal(request, response);
    const { start, total } = await placeOf(request, response, have);
    if (total !== undefined && total > request.maxBytes) throw tooLarge(request);
    if (start === 0) await diskErrors(writeFile(`${request.part}.tag`, validatorOf(response)));
    const received = await store(request, response, { start, total, alive: stall.alive });
    if (total !== undefined && received < total)
      throw new Retryable(`the connection ended after ${received} of ${total} bytes`);
  } catch (error) {
    if (error instanceof ProxyError && error.retryable) throw new Retryable(error.message, undefined, error);
    if (error instanceof Retryable || error instanceof TurnbuildError) throw error;
    if (stall.rang()) throw new Retryable(`no byte came for ${request.stallMs / 1000} s`);
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    throw new Retryable(`${messageOf(error)}${cause}`);
  } finally {
    stall.stop();
    // An answer whose body nobody reads would keep its connection, and the process, open.
    end.abort();
  }
}

/** What an earlier try has left. Without its tag nobody knows whether the rest belongs to the same file. */
async function leftover(part: string): Promise<{ have: number; tag: string }> {
  const tag = await readFile(`${part}.tag`, 'utf8').catch(() => '');
  const size = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  return tag === '' ? { have: 0, tag } : { have: size, tag };
}

/** What If-Range may hold (RFC 9110, 13.1.5): a strong ETag, else a date; weak tags don't promise the same bytes. */
function validatorOf(response: Response): string {
  const etag = response.headers.get('etag');
  return etag !== null && !etag.startsWith('W/') ? etag : (response.headers.get('last-modified') ?? '');
}

/** Where the body goes in the file, and how long the file is; a part that isn't the one asked for is thrown away. */
async function placeOf(
  request: Try,
  response: Response,
  have: number,
): Promise<{ start: number; total: number | undefined }> {
  const header = response.headers.get('content-length');
  const length = header === null ? undefined : Number(header);
  if (response.status === 200) return { start: 0, total: length };
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  const total = range?.[3] === '*' ? undefined : Number(range?.[3]);
  if (have === 0 || range === null || Number(range[1]) !== have) {
    await discardPart(request.part);
    throw new Retryable('the server resumed at another place than the one asked for', 0);
  }
  return { start: have, total: total ?? (length === undefined ? undefined : have + length) };
}

async function refusal(request: Try, response: Response): Promise<Error> {
  const { status, statusText } = response;
  if (status === 416) {
    // What is there is as long as the file, or longer: it can't be resumed.
    await discardPart(request.part);
    return new Retryable('the server refused to resume', 0);
  }
  if ((status === 403 || status === 429) && response.headers.get('x-ratelimit-remaining') === '0')
    return rateLimited(request, response);
  if (status === 408 || status === 429 || status >= 500)
    return new Retryable(`the server answered ${status}`, retryAfter(response.headers.get('retry-after')));
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${shownUrl(request.url)} could not be downloaded: the server answered ${status} ${statusText}`,
    { hint: 'Check the address: another try would get the same answer.' },
  );
}

/** GitHub's way to say that an address, or a token, has asked often enough. */
function rateLimited({ url, headers }: Try, response: Response): TurnbuildError {
  const reset = Number(response.headers.get('x-ratelimit-reset'));
  const until = Number.isFinite(reset) && reset > 0 ? ` until ${new Date(reset * 1000).toISOString()}` : '';
  return new TurnbuildError(
    'GITHUB_RATE_LIMITED',
    `${shownUrl(url)} could not be downloaded: the server gives no more answers${until}`,
    {
      hint:
        headers?.authorization === undefined
          ? 'Set GITHUB_TOKEN: 5,000 requests an hour instead of 60.'
          : 'Wait until then.',
    },
  );
}

/** Seconds, or a date (RFC 9110, 10.2.3) -> milliseconds from now. */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}

async function store(
  request: Try,
  response: Response,
  to: { start: number; total: number | undefined; alive: () => void },
): Promise<number> {
  let received = to.start;
  // Written piece by piece and not through a stream: a stream that is ended by an error drops what it holds, and what has
  // arrived before a cut is what the next try resumes from.
  const out = await diskErrors(open(request.part, to.start > 0 ? 'a' : 'w'));
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      to.alive();
      received += chunk.length;
      if (to.total !== undefined && received > to.total) {
        await discardPart(request.part);
        throw new Retryable('the server sent more than it had announced');
      }
      if (received > request.maxBytes) {
        await discardPart(request.part);
        throw tooLarge(request);
      }
      await diskErrors(out.writeFile(chunk));
      request.onProgress?.(received, to.total);
    }
  } finally {
    await out.close();
  }
  return received;
}

function tooLarge({ url, maxBytes }: Try): TurnbuildError {
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${shownUrl(url)} is larger than ${maxBytes} bytes, so it is no coturn source`,
    { hint: 'Check the address.' },
  );
}

function watchdog(end: AbortController, ms: number): { alive(): void; stop(): void; rang(): boolean } {
  let rang = false;
  const ring = () => {
    rang = true;
    end.abort();
  };
  let timer = setTimeout(ring, ms);
  return {
    alive() {
      clearTimeout(timer);
      timer = setTimeout(ring, ms);
    },
    stop: () => clearTimeout(timer),
    rang: () => rang,
  };
}
