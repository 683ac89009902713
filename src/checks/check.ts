import type { Target } from '../recipe/schema.ts';
import type { PackageFacts } from './facts.ts';
import type { Needs } from './needs.ts';

/** A check's result. The message is one self-contained sentence; figures are measured values. */
export interface Verdict {
  ok: boolean;
  /** Why there is no verdict; the message has details. */
  without?: 'not-applicable' | 'cannot-here';
  message: string;
  figures?: Record<string, number | string>;
  /** The known cause of a failure: one sentence, shown first in the summary. */
  cause?: string;
  /** Id of the check whose failure prevents this one from running. */
  blockedBy?: string;
}

/** One named check, as data: what it asserts, why that matters, and a function that judges the facts. */
export interface Check {
  id: string;
  title: string;
  reason: string;
  reference?: string;
  /** What must run before this check. If undefined, the check only inspects the package's files. */
  needs?: Needs;
  /** Whether it applies to packages of a target. Default: all targets. */
  applies?: (target: Target) => boolean;
  /** Known advisories that explain a failure with these facts: the fault is coturn's, not the package's. */
  advisories?: (facts: PackageFacts) => readonly string[];
  judge: (facts: PackageFacts) => Verdict;
}

export const pass = (message: string, figures: Verdict['figures'] = {}): Verdict => ({
  ok: true,
  message,
  figures,
});
/** There is nothing to judge: this coturn or this package lacks the feature. */
export const notApplicable = (message: string): Verdict => ({ ok: true, without: 'not-applicable', message });
/** This machine or these files don't allow the test; others would. */
export const cannotHere = (message: string): Verdict => ({ ok: true, without: 'cannot-here', message });
export const fail = (message: string, figures: Verdict['figures'] = {}): Verdict => ({
  ok: false,
  message,
  figures,
});

/** The check could not run because another one failed. @param by id of that check @param why a clause that continues the message */
export const blocked = (by: string, why: string): Verdict => ({
  ok: false,
  blockedBy: by,
  message: `not run because ${by} failed: ${why}`,
});

/** Passes if the list is empty; otherwise fails with all complaints in one message. */
export function complaints(list: readonly string[], good: string, figures: Verdict['figures'] = {}): Verdict {
  return list.length === 0 ? pass(good, figures) : fail(list.join('; '), figures);
}

/** The fact of that name; `unknown` if it was not gathered. */
export const value = (facts: PackageFacts, name: string) => facts.values.get(name) ?? 'unknown';

/** A complaint for each fact that differs from the expected value. */
export function expectValues(facts: PackageFacts, expected: Record<string, string>): string[] {
  return Object.entries(expected)
    .filter(([name, wanted]) => value(facts, name) !== wanted)
    .map(([name, wanted]) => `${name} is "${value(facts, name)}" (expected "${wanted}")`);
}
