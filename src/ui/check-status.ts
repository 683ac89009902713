import type { CheckResult } from '../manifest/schema.ts';

type Status = CheckResult['status'];

/** How each status is shown. `counted` follows a number. */
export const CHECK_STATUS: Readonly<Record<Status, { symbol: string; text: string; counted: string }>> = {
  passed: { symbol: '✓', text: 'pass', counted: 'passed' },
  failed: { symbol: '✗', text: 'fail', counted: 'failed' },
  accepted: { symbol: '!', text: 'accepted', counted: 'failed and accepted' },
  blocked: { symbol: '·', text: 'blocked', counted: 'blocked' },
  'cannot-here': { symbol: '–', text: 'cannot run here', counted: 'unable to run here' },
  'not-applicable': { symbol: '–', text: 'not applicable', counted: 'not applicable' },
  deselected: { symbol: '–', text: 'deselected', counted: 'deselected' },
};

/** Statuses without a verdict. */
export const WITHOUT_VERDICT = ['cannot-here', 'not-applicable', 'deselected'] as const;

/** `2 blocked`, `1 not applicable`: the statuses that occur, with their counts. */
export function countedAs(counts: Readonly<Record<Status, number>>, statuses: readonly Status[]): string[] {
  return statuses
    .filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${CHECK_STATUS[status].counted}`);
}
