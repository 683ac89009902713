import type { Target } from '../recipe/schema.ts';
import type { PackageFacts } from './facts.ts';
import type { Needs } from './needs.ts';

/** What a check found. A message is one sentence that stands alone; figures are what was measured. */
export interface Verdict {
  ok: boolean;
  /** Why there is no verdict; the message says more. */
  without?: 'not-applicable' | 'cannot-here';
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
  /** What has to be run for it. Without it, the package's files are looked at, and nothing is run. */
  needs?: Needs;
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
/** There is nothing to judge: this coturn, or this package, has not got it. */
export const notApplicable = (message: string): Verdict => ({ ok: true, without: 'not-applicable', message });
/** It can't be tried with this machine or these files; elsewhere it could be. */
export const cannotHere = (message: string): Verdict => ({ ok: true, without: 'cannot-here', message });
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
