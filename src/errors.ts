/** How a run ends, as the process's exit code. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What a user must know of a failure: what happened, and what to do next. */
export interface ErrorDetails {
  /** The next thing to do, as a sentence or a command. */
  hint?: string;
  /** The error below this one. */
  cause?: unknown;
  /** 1 failed (default), 2 usage, 130 interrupted. */
  exitCode?: number;
}

/** The only error that turnbuild throws on purpose. `code` is stable and made for scripts, e.g. `SOURCE_SHA256_MISMATCH`. */
export class TurnbuildError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TurnbuildError';
    this.code = code;
    this.hint = details.hint;
    this.exitCode = details.exitCode ?? EXIT.failed;
  }
}

/** An error in what the user typed or wrote: exit code 2. */
export function usageError(code: string, message: string, hint?: string): TurnbuildError {
  return new TurnbuildError(code, message, { exitCode: EXIT.usage, ...(hint === undefined ? {} : { hint }) });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The candidate nearest to a misspelt word (Levenshtein distance of at most 3, or half of the word), if there is one. */
export function nearestName(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.min(3, Math.ceil(word.length / 2));
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
