import { TurnbuildError } from '../errors.ts';
import { shownUrl } from './shown-url.ts';

/** Maximum pause, even if the server requests a longer one. */
const MAX_WAIT_MS = 120_000;
const YEAR_10000 = 253_402_300_800;

/** A failed attempt that is worth retrying. */
export class Retryable extends Error {
  /** The pause requested by the server, in addition to the backoff. */
  readonly waitMs: number;
  constructor(message: string, waitMs = 0, cause?: unknown) {
    super(message, { cause });
    this.waitMs = waitMs;
  }
}

interface Refused {
  url: string;
  headers?: Readonly<Record<string, string>>;
}

/** Converts an unsuccessful response into an error: Retryable, DOWNLOAD_FAILED or GITHUB_RATE_LIMITED. */
export function refusal(request: Refused, { status, statusText, headers }: Response): Error {
  if ((status === 403 || status === 429) && headers.get('x-ratelimit-remaining') === '0')
    return rateLimited(request, headers);
  if (status === 408 || status === 429 || status >= 500)
    return new Retryable(`the server answered ${status}`, retryAfter(headers.get('retry-after')));
  // Despite its type, statusText may be missing: undici drops it for responses through a proxy.
  const answer = [status, statusText].filter(Boolean).join(' ');
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${shownUrl(request.url)} could not be downloaded: the server answered ${answer}`,
    { hint: 'Check the URL: a retry would get the same answer.' },
  );
}

/** GitHub's rate limit, per IP address or token, is exhausted. */
function rateLimited({ url, headers }: Refused, answered: Headers): TurnbuildError {
  const until = untilReset(answered.get('x-ratelimit-reset'));
  return new TurnbuildError(
    'GITHUB_RATE_LIMITED',
    `${shownUrl(url)} could not be downloaded: the rate limit is exhausted${until}`,
    {
      hint:
        headers?.authorization === undefined
          ? 'Set GITHUB_TOKEN, which raises the limit from 60 to 5,000 requests an hour.'
          : 'Wait until the limit resets.',
    },
  );
}

/** Formats a header's Unix time as ` until TIME`; '' if it is missing or out of range. */
export function untilReset(header: string | null | undefined): string {
  const seconds = Number(header ?? '');
  return seconds > 0 && seconds < YEAR_10000 ? ` until ${new Date(seconds * 1000).toISOString()}` : '';
}

/** Converts Retry-After (seconds or a date, RFC 9110, 10.2.3) to milliseconds from now. */
function retryAfter(header: string | null): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}
