/** turnbuild's exit codes. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Errors in the user's input. Every other code except INTERRUPTED means that turnbuild or its environment failed. */
export const USAGE_CODES = [
  'ADVISORY_UNKNOWN',
  'ARCH_UNKNOWN',
  'ARGUMENT_INVALID',
  'ARGUMENT_MISSING',
  'ARGUMENT_UNEXPECTED',
  'ARTIFACT_NOT_FOUND',
  'CHECKS_EMPTY',
  'CHECK_UNKNOWN',
  'CLOUD_UNKNOWN',
  'COLLECT_EXISTS',
  'COMMAND_UNKNOWN',
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'CONFIG_NOT_FOUND',
  'DEB_NOT_FOUND',
  'GITHUB_API_INVALID',
  'GITHUB_INSECURE',
  'GITHUB_TOKEN_MALFORMED',
  'GITHUB_TOKEN_MISSING',
  'KEY_NOT_FOUND',
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
  'PLAN_PART_UNKNOWN',
  'PROJECT_EXISTS',
  'PROJECT_INVALID',
  'PROJECT_UNSAFE',
  'PROXY_INVALID',
  'REASON_MISSING',
  'RECIPES_MISSING',
  'RECIPE_INVALID',
  'RELEASE_AMBIGUOUS',
  'RELEASE_UNKNOWN',
  'SIGNER_MISSING',
  'SIGSTORE_URL_INVALID',
  'SOURCE_INVALID',
  'SOURCE_NOT_FOUND',
  'TARGET_UNKNOWN',
  'VERSION_INVALID',
  'VERSION_MISSING',
] as const;

export type UsageCode = (typeof USAGE_CODES)[number];

/** The exit code of an error code. It depends on the code alone, so that scripts can rely on it. */
export function exitCodeOf(code: string): number {
  if (code === 'INTERRUPTED') return EXIT.interrupted;
  return USAGE_CODES.some((usage) => usage === code) ? EXIT.usage : EXIT.failed;
}

/** Details of a failure. */
export interface ErrorDetails {
  /** What to do next, as a sentence or a command. */
  hint?: string;
  /** The underlying error. */
  cause?: unknown;
}

/** The only error that turnbuild throws deliberately. `code` is stable and made for scripts, e.g. `SOURCE_SHA256_MISMATCH`. */
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

/** An error in the user's input: exit code 2. */
export function usageError(code: UsageCode, message: string, hint?: string): TurnbuildError {
  return new TurnbuildError(code, message, hint === undefined ? {} : { hint });
}

/** DISK_FULL for a system error with that meaning; undefined for any other. @param path what was written, if the error does not say it */
export function diskFullError(error: unknown, path = ''): TurnbuildError | undefined {
  const { code, path: named = path } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  return new TurnbuildError(
    'DISK_FULL',
    `No space left on the disk${named === '' ? '' : ` while writing ${named}`}`,
    {
      cause: error,
      hint: 'Free some space (docker buildx prune, old folders in dist/) and run the same command again: finished steps are kept.',
    },
  );
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Minimum length of an abbreviation: `lint` for `lint-config`. */
const LEAST_PREFIX = 3;

/**
 * The candidate closest to a misspelt word, if any: at most one edit (a letter inserted, deleted, replaced or swapped) in words of up to
 * five letters, two in up to nine, three in longer words. Otherwise the only candidate that the word abbreviates. Different digits never
 * match (Debian 11 is not a misspelt Debian 12). Of equally close candidates none is suggested, unless they differ only in case: then the
 * lower-case one is.
 */
export function nearestName(word: string, candidates: readonly string[]): string | undefined {
  const limit = word.length <= 5 ? 1 : word.length <= 9 ? 2 : 3;
  const typed = word.toLowerCase();
  const known = candidates.filter((candidate) => digitsAgree(typed, candidate.toLowerCase()));
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(typed, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  const [best] = near;
  if (best !== undefined) {
    const equal = near.filter(({ distance }) => distance === best.distance).map((each) => each.candidate);
    const lowerCase = best.candidate.toLowerCase();
    const isOne = equal.every((candidate) => candidate.toLowerCase() === lowerCase);
    return equal.length === 1 ? best.candidate : isOne && equal.includes(lowerCase) ? lowerCase : undefined;
  }
  const longer = known.filter(
    (candidate) => typed.length >= LEAST_PREFIX && candidate.startsWith(`${typed}-`),
  );
  return longer.length === 1 ? longer[0] : undefined;
}

/** Whether the digits are the same, swapped, or one too many or too few. */
function digitsAgree(a: string, b: string): boolean {
  const [short = '', long = ''] = [a, b]
    .map((text) => text.replace(/\D/g, ''))
    .sort((x, y) => x.length - y.length);
  if (short.length === long.length) return [...short].sort().join() === [...long].sort().join();
  return [...long].some((_, index) => long.slice(0, index) + long.slice(index + 1) === short);
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]?.push(
        Math.min(
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          at(i - 1, j - 1) + same,
          swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
