import type { CheckResult } from '../manifest/schema.ts';
import { type CheckSelection, EVERY_CHECK, skippedBecause } from '../plan/check-selection.ts';
import { type Check, fail, type Verdict } from './check.ts';
import type { PackageFacts } from './facts.ts';
import { withoutInstallation } from './installation.ts';

/** Maximum characters of a message. The package controls how many files it leaves behind, and the length of their names. */
const MOST = 10_000;

/** A message, truncated to a length that fits a report. */
export function shortened(message: string): string {
  const more = message.length - MOST;
  return more <= 0
    ? message
    : `${message.slice(0, MOST).replace(/[\ud800-\udbff]$/, '')}… (${more} more characters)`;
}

/** Judges the chosen checks, by default all. A check that throws counts as failed. */
export function judgeAll(
  checks: readonly Check[],
  facts: PackageFacts,
  selection: CheckSelection = EVERY_CHECK,
): CheckResult[] {
  const applicable = checks.filter(({ applies }) => applies?.(facts.target) ?? true);
  return applicable.map(({ judge, applies: _, needs, advisories = () => [], ...check }) => {
    const skipped = skippedBecause(check.id, selection);
    if (skipped !== undefined) return { ...check, status: 'deselected', message: skipped, figures: {} };
    const verdict = withoutInstallation(needs, facts) ?? judgeOne(() => judge(facts));
    const { ok, without, figures = {}, cause, blockedBy } = verdict;
    const message = shortened(verdict.message);
    if (blockedBy !== undefined) return { ...check, status: 'blocked', message, figures, blockedBy };
    if (without !== undefined) return { ...check, status: without, message, figures };
    if (ok) return { ...check, status: 'passed', message, figures };
    const why = cause === undefined ? {} : { cause: shortened(cause) };
    const causes = advisories(facts);
    const known = facts.advisories.filter(({ id }) => causes.includes(id));
    if (known.length === 0) return { ...check, status: 'failed', message, figures, ...why };
    const accepted = known.every(({ id }) => selection.accept.includes(id));
    const list = known.map(({ id, fixed }) => `${id}, fixed in ${fixed}`).join('; ');
    return {
      ...check,
      status: accepted ? 'accepted' : 'failed',
      message: `${message} (${list})`,
      figures,
      ...why,
      advisories: known.map(({ id }) => id),
    };
  });
}

/** A check's verdict. A check that throws counts as failed. */
export function judgeOne(judge: () => Verdict): Verdict {
  try {
    return judge();
  } catch (error) {
    return fail(`the check itself failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
