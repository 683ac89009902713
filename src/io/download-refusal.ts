import { TurnbuildError } from '../errors.ts';
import { shownUrl } from './shown-url.ts';

/** A server may ask for a longer pause, but a user waits for no longer than this. */
const MAX_WAIT_MS = 120_000;
const YEAR_10000 = 253_402_300_800;

/** What ended a try, and may not end another one. */
export class Retryable extends Error {
  /** How long the server has asked to wait, beside the pause that each try waits for. */
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

/** What an answer without the file means: Retryable, DOWNLOAD_FAILED or GITHUB_RATE_LIMITED. */
export function refusal(request: Refused, { status, statusText, headers }: Response): Error {
  if ((status === 403 || status === 429) && headers.get('x-ratelimit-remaining') === '0')
    return rateLimited(request, headers);
  if (status === 408 || status === 429 || status >= 500)
    return new Retryable(`the server answered ${status}`, retryAfter(headers.get('retry-after')));
  // Whatever the type says: undici loses the text of an answer that comes through a proxy.
  const answer = [status, statusText].filter(Boolean).join(' ');
  return new TurnbuildError(
    'DOWNLOAD_FAILED',
    `${shownUrl(request.url)} could not be downloaded: the server answered ${answer}`,
    { hint: 'Check the address: a retry would get the same answer.' },
  );
}

/** GitHub's way to say that an address, or a token, has asked often enough. */
function rateLimited({ url, headers }: Refused, answered: Headers): TurnbuildError {
  const until = untilReset(answered.get('x-ratelimit-reset'));
  return new TurnbuildError(
    'GITHUB_RATE_LIMITED',
    `${shownUrl(url)} could not be downloaded: the rate limit is exhausted${until}`,
    {
      hint:
        headers?.authorization === undefined
          ? 'Set GITHUB_TOKEN, which raises the limit from 60 to 5,000 requests an hour.'
          : 'Wait until then.',
    },
  );
}

/** Unix seconds of a header -> ` until` that time; '' where it has none, or one beyond what dates are for. */
export function untilReset(header: string | null | undefined): string {
  const seconds = Number(header ?? '');
  return seconds > 0 && seconds < YEAR_10000 ? ` until ${new Date(seconds * 1000).toISOString()}` : '';
}

/** Seconds, or a date (RFC 9110, 10.2.3) -> milliseconds from now. */
function retryAfter(header: string | null): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_WAIT_MS);
}
