import { setTimeout as pause } from 'node:timers/promises';
import { TurnbuildError } from '../../errors.ts';

/** How long calls are repeated. */
export interface Patience {
  /** Attempts of a call, including the first. */
  attempts: number;
  /** Upper bound of the first pause in milliseconds. Each later bound is doubled, up to `maxPauseMs`. */
  backoffMs: number;
  maxPauseMs: number;
  signal?: AbortSignal | undefined;
}

/** A failure that may pass. `error` is what the user sees if it does not. */
export class Temporary extends Error {
  readonly error: TurnbuildError;
  /** The pause that the service asks for, in milliseconds. */
  readonly waitMs: number;
  /** Attempts that are worth it, including the first. */
  readonly attempts: number;
  constructor(error: TurnbuildError, waitMs = 0, attempts = Number.POSITIVE_INFINITY) {
    super(error.message);
    this.error = error;
    this.waitMs = waitMs;
    this.attempts = attempts;
  }
}

/**
 * Repeats an attempt while it fails with Temporary.
 * @throws what the last attempt threw; INTERRUPTED
 */
export async function retrying<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  for (let failed = 1; ; failed++) {
    requireRunning(patience);
    try {
      return await attempt();
    } catch (error) {
      await pauseAfter(error, failed, patience);
    }
  }
}

/** Waits before a repetition. @param failed failures in a row @throws the error itself if it lasts, or was one too many; INTERRUPTED */
export async function pauseAfter(error: unknown, failed: number, patience: Patience): Promise<void> {
  const { attempts, backoffMs, maxPauseMs, signal } = patience;
  requireRunning(patience);
  if (!(error instanceof Temporary)) throw error;
  if (failed >= Math.min(attempts, error.attempts)) throw error.error;
  // Full jitter: a pause that is random from 0 spreads the repetitions of many machines best.
  const backoff = Math.random() * Math.min(maxPauseMs, backoffMs * 2 ** (failed - 1));
  await pause(error.waitMs + backoff, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  requireRunning(patience);
}

function requireRunning({ signal }: Patience): void {
  if (signal?.aborted !== true) return;
  throw new TurnbuildError('INTERRUPTED', 'Interrupted. Run the same command again to finish.');
}
