import type { CheckResult } from '../../manifest/schema.ts';
import { type CheckSelection, EVERY_CHECK, skippedBecause } from '../../plan/check-selection.ts';
import type { Target } from '../../recipe/schema.ts';
import type { PackageFacts } from './facts.ts';

/** What a check found. A message is one sentence that stands alone; figures are what was measured. */
export interface Verdict {
  ok: boolean;
  /** Nothing to judge here; the message says why. */
  skipped?: boolean;
  message: string;
  figures?: Record<string, number | string>;
  /** What a failure comes from, where that is known: one sentence that the summary begins with. */
  cause?: string;
  /** Id of the check whose failure leaves nothing to judge here. */
  blockedBy?: string;
}

/** One named check, as data: what it asserts, why that matters, and a function of the facts. */
export interface Check {
  id: string;
  title: string;
  reason: string;
  reference?: string;
  /** Which targets' packages it is for; all of them without it. */
  applies?: (target: Target) => boolean;
  /** Advisories that a failure with these facts is known by: coturn can't do better, whatever the package does. */
  advisories?: (facts: PackageFacts) => readonly string[];
  judge: (facts: PackageFacts) => Verdict;
}

export const pass = (message: string, figures: Verdict['figures'] = {}): Verdict => ({
  ok: true,
  message,
  figures,
});
/** There is nothing to judge: what this coturn has not got, or what can't be known of a package that was given as a file. */
export const skip = (message: string): Verdict => ({ ok: true, skipped: true, message });
export const fail = (message: string, figures: Verdict['figures'] = {}): Verdict => ({
  ok: false,
  message,
  figures,
});

/** It could not be tried, because another check failed. @param by id of that check @param why a clause that goes on from it */
export const blocked = (by: string, why: string): Verdict => ({
  ok: false,
  blockedBy: by,
  message: `not tried, because ${by} failed: ${why}`,
});

/** Passes if there is nothing to complain of; else all complaints in one message. */
export function complaints(list: readonly string[], good: string, figures: Verdict['figures'] = {}): Verdict {
  return list.length === 0 ? pass(good, figures) : fail(list.join('; '), figures);
}

/** What was gathered under a name; `unknown` if nothing was. */
export const value = (facts: PackageFacts, name: string) => facts.values.get(name) ?? 'unknown';

/** Complaints for each fact that isn't what it must be. */
export function expectValues(facts: PackageFacts, expected: Record<string, string>): string[] {
  return Object.entries(expected)
    .filter(([name, wanted]) => value(facts, name) !== wanted)
    .map(([name, wanted]) => `${name} is "${value(facts, name)}", not "${wanted}"`);
}

/** Judges the chosen checks, all of them by default; one that throws has failed, and says so. */
export function judgeAll(
  checks: readonly Check[],
  facts: PackageFacts,
  selection: CheckSelection = EVERY_CHECK,
): CheckResult[] {
  const applicable = checks.filter(({ applies }) => applies?.(facts.target) ?? true);
  return applicable.map(({ judge, applies: _, advisories = () => [], ...check }) => {
    const skipped = skippedBecause(check.id, selection);
    if (skipped !== undefined) return { ...check, status: 'skipped', message: skipped, figures: {} };
    const { ok, skipped: unknown, message, figures = {}, cause, blockedBy } = judgeOne(judge, facts);
    if (blockedBy !== undefined) return { ...check, status: 'blocked', message, figures, blockedBy };
    if (unknown === true) return { ...check, status: 'skipped', message, figures };
    if (ok) return { ...check, status: 'passed', message, figures };
    const why = cause === undefined ? {} : { cause };
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

function judgeOne(judge: Check['judge'], facts: PackageFacts): Verdict {
  try {
    return judge(facts);
  } catch (error) {
    return fail(`the check itself failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
