import { nearestName, type UsageCode, usageError } from '../errors.ts';

/** Which checks are judged, and which failures are known and accepted. */
export interface CheckSelection {
  /** Ids of checks or names of their groups, which end at the first dot; empty means all. */
  only: readonly string[];
  skip: readonly string[];
  /** Why `skip` skips. */
  reason: string | undefined;
  /** Advisories whose failed checks don't fail the package. */
  accept: readonly string[];
}

export const EVERY_CHECK: CheckSelection = { only: [], skip: [], reason: undefined, accept: [] };

const groupOf = (id: string) => id.split('.')[0] ?? id;
const names = (list: readonly string[], id: string) => list.includes(id) || list.includes(groupOf(id));

/** Why a check isn't judged; undefined if it is. */
export function skippedBecause(id: string, { only, skip, reason }: CheckSelection): string | undefined {
  if (names(skip, id)) return reason ?? '';
  return only.length === 0 || names(only, id) ? undefined : `not among --only ${only.join(',')}`;
}

/**
 * @param checks ids of all checks
 * @param advisories ids of all known advisories
 * @throws CHECK_UNKNOWN and ADVISORY_UNKNOWN with the nearest name, REASON_MISSING, OPTION_INVALID, CHECKS_EMPTY
 */
export function requireValid(
  selection: CheckSelection,
  checks: readonly string[],
  advisories: readonly string[],
): void {
  const known = [...new Set([...checks, ...checks.map(groupOf)])];
  for (const name of [...selection.only, ...selection.skip])
    requireName(name, known, 'CHECK_UNKNOWN', 'check, or group of checks,', 'The report lists every check.');
  for (const name of selection.accept)
    requireName(name, advisories, 'ADVISORY_UNKNOWN', 'advisory', 'See recipes/advisories.yaml.');
  if (selection.skip.length > 0 && (selection.reason ?? '').trim() === '') {
    throw usageError(
      'REASON_MISSING',
      `--skip ${selection.skip.join(',')} without a --reason`,
      'Say why, for those who read the report: --reason "the builder has no IPv6".',
    );
  }
  if (selection.skip.length === 0 && selection.reason !== undefined)
    throw usageError('OPTION_INVALID', '--reason is for --skip, which is missing');
  if (checks.every((id) => skippedBecause(id, selection) !== undefined))
    throw usageError('CHECKS_EMPTY', 'No check is left: --skip takes away all that --only names.');
}

function requireName(
  name: string,
  known: readonly string[],
  code: UsageCode,
  what: string,
  otherwise: string,
): void {
  if (known.includes(name)) return;
  const near = nearestName(name, known);
  throw usageError(
    code,
    `There is no ${what} "${name}"`,
    near === undefined ? otherwise : `Did you mean ${near}?`,
  );
}
