import { readFileSync } from 'node:fs';
import type { Check } from '../../src/checks/check.ts';
import type { PackageFacts } from '../../src/checks/facts.ts';
import { judgeAll } from '../../src/checks/judge.ts';
import type { DrainFacts, LabFacts } from '../../src/lab/facts.ts';
import type { CheckResult } from '../../src/manifest/schema.ts';
import { parseLabFacts } from '../../src/stages/verify/lab.ts';
import { packageFacts } from './package-facts.ts';

const text = readFileSync(new URL('../fixtures/verified-4.6.1/lab/lab.json', import.meta.url), 'utf8');

/** Recorded facts of the laboratory for coturn 4.6.1, debian-13 on x86_64. They pass every check. */
export const goodLab = (): LabFacts => parseLabFacts(text);

/** Recorded facts about stopping coturn 4.16.0, which drains. */
export const DRAIN: Readonly<DrainFacts> = {
  deadline: 20,
  session: { newcomer: '403', sent: 2600, received: 2600, seconds: 7.177, result: 'success' },
  vanished: { seconds: 25.269, result: 'success' },
};

/** The facts of 4.6.1 with a change. */
export function plantedLab(change: (lab: LabFacts) => void): LabFacts {
  const lab = goodLab();
  change(lab);
  return lab;
}

/** Checks that did not pass: failed and blocked ones. */
export interface Bad {
  failed: CheckResult[];
  blocked: CheckResult[];
  /** The causes of the failed checks, without duplicates. */
  causes: string[];
}

/** Judges facts of the laboratory. */
export function badOf(
  checks: readonly Check[],
  lab: LabFacts | undefined,
  facts: Partial<PackageFacts> = {},
): Bad {
  const results = judgeAll(checks, packageFacts({ ...facts, lab }));
  const failed = results.filter(({ status }) => status === 'failed');
  const causes = [...new Set(failed.flatMap(({ cause }) => cause ?? []))];
  return { failed, blocked: results.filter(({ status }) => status === 'blocked'), causes };
}

export const ids = (results: readonly CheckResult[]): string[] => results.map(({ id }) => id);

/** IDs of blocked checks by their blocker. */
export function blockedBy(results: readonly CheckResult[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { id, blockedBy: by = 'nothing' } of results) found[by] = [...(found[by] ?? []), id];
  return found;
}
