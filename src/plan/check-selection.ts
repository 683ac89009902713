import { nearestName, type UsageCode, usageError } from '../errors.ts';

/** Which checks are judged, and which failures are accepted. */
export interface CheckSelection {
  /** Ids of checks or names of their groups, which end at the first dot; empty means all. */
  only: readonly string[];
  skip: readonly string[];
  /** The reason for `skip`. */
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
  return only.length === 0 || names(only, id) ? undefined : `not selected by --only ${only.join(',')}`;
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
    requireName(name, known, 'CHECK_UNKNOWN', 'check or group of checks', 'The report lists every check.');
  for (const name of selection.accept)
    requireName(name, advisories, 'ADVISORY_UNKNOWN', 'advisory', 'See recipes/advisories.yaml.');
  if (selection.skip.length > 0 && (selection.reason ?? '').trim() === '') {
    throw usageError(
      'REASON_MISSING',
      `--skip ${selection.skip.join(',')} requires a --reason`,
      'It is shown in the report. For example --reason "the builder has no IPv6".',
    );
  }
  if (selection.skip.length === 0 && selection.reason !== undefined)
    throw usageError('OPTION_INVALID', '--reason requires --skip');
  if (checks.every((id) => skippedBecause(id, selection) !== undefined))
    throw usageError('CHECKS_EMPTY', 'No checks are left: --skip excludes everything that --only selects.');
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
    `Unknown ${what} "${name}"`,
    near === undefined ? otherwise : `Did you mean ${near}?`,
  );
}
