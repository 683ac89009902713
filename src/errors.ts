/** How a run ends, as the process's exit code. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Errors in what the user typed or wrote. Every other code but INTERRUPTED means that turnbuild or its surroundings failed. */
export const USAGE_CODES = [
  'ADVISORY_UNKNOWN',
  'ARCH_UNKNOWN',
  'ARGUMENT_INVALID',
  'ARGUMENT_MISSING',
  'ARGUMENT_UNEXPECTED',
  'CHECKS_EMPTY',
  'CHECK_UNKNOWN',
  'COMMAND_UNKNOWN',
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'CONFIG_NOT_FOUND',
  'DEB_NOT_FOUND',
  'GITHUB_INSECURE',
  'MANIFEST_MISSING',
  'MIRROR_UNKNOWN',
  'OPTION_CONFLICT',
  'OPTION_INVALID',
  'OPTION_UNKNOWN',
  'PACKAGE_ARCH_UNKNOWN',
  'PACKAGE_FOREIGN',
  'PACKAGE_FORMAT_UNKNOWN',
  'PACKAGE_NAME_INVALID',
  'PACKAGE_NOT_COTURN',
  'PACKAGE_TARGET_UNKNOWN',
  'PLAN_EMPTY',
  'REASON_MISSING',
  'RECIPES_MISSING',
  'RECIPE_INVALID',
  'SOURCE_INVALID',
  'SOURCE_NOT_FOUND',
  'TARGET_UNKNOWN',
  'VERSION_INVALID',
  'VERSION_MISSING',
] as const;

export type UsageCode = (typeof USAGE_CODES)[number];

/** The exit code of an error code: one for each, whatever has thrown it, so that scripts can rely on it. */
export function exitCodeOf(code: string): number {
  if (code === 'INTERRUPTED') return EXIT.interrupted;
  return USAGE_CODES.some((usage) => usage === code) ? EXIT.usage : EXIT.failed;
}

/** What a user must know of a failure: what happened, and what to do next. */
export interface ErrorDetails {
  /** The next thing to do, as a sentence or a command. */
  hint?: string;
  /** The error below this one. */
  cause?: unknown;
}

/** The only error that turnbuild throws on purpose. `code` is stable and made for scripts, e.g. `SOURCE_SHA256_MISMATCH`. */
export class TurnbuildError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TurnbuildError';
    this.code = code;
    this.hint = details.hint;
  }

  get exitCode(): number {
    return exitCodeOf(this.code);
  }
}

/** An error in what the user typed or wrote: exit code 2. */
export function usageError(code: UsageCode, message: string, hint?: string): TurnbuildError {
  return new TurnbuildError(code, message, hint === undefined ? {} : { hint });
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
