import type { CheckResult } from '../../manifest/schema.ts';
import type { PackageFacts } from './facts.ts';

/** What a check found. A message is one sentence that stands alone; figures are what was measured. */
export interface Verdict {
  ok: boolean;
  message: string;
  figures?: Record<string, number | string>;
}

/** One named check, as data: what it asserts, why that matters, and a function of the facts. */
export interface Check {
  id: string;
  title: string;
  reason: string;
  reference?: string;
  judge: (facts: PackageFacts) => Verdict;
}

export const pass = (message: string, figures: Verdict['figures'] = {}): Verdict => ({
  ok: true,
  message,
  figures,
});
export const fail = (message: string, figures: Verdict['figures'] = {}): Verdict => ({
  ok: false,
  message,
  figures,
});

/** Passes if there is nothing to complain of; else all complaints in one message. */
export function complaints(list: readonly string[], good: string, figures: Verdict['figures'] = {}): Verdict {
  return list.length === 0 ? pass(good, figures) : fail(list.join('; '), figures);
}

/** Judges every check; one that throws has failed, and says so. */
export function judgeAll(checks: readonly Check[], facts: PackageFacts): CheckResult[] {
  return checks.map(({ judge, ...check }) => {
    const verdict = judgeOne(judge, facts);
    return {
      ...check,
      status: verdict.ok ? 'passed' : 'failed',
      message: verdict.message,
      figures: verdict.figures ?? {},
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
