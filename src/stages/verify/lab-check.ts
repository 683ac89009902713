import type { LabFacts } from '../../lab/facts.ts';
import { fail, type Verdict } from './check.ts';
import type { PackageFacts } from './facts.ts';

/** A check's judge that reads what was seen in the laboratory. */
export const withLab =
  (judge: (lab: LabFacts) => Verdict) =>
  ({ lab }: PackageFacts): Verdict =>
    lab === undefined ? fail('the laboratory has no results') : explained(judge(lab), lab);

/** A failed verdict with what went wrong meanwhile: it is mostly the reason. */
function explained(verdict: Verdict, { problems }: LabFacts): Verdict {
  const list = Object.entries(problems).map(
    ([name, problem]) => `${name}: ${problem.split('\n').slice(-3).join(' | ')}`,
  );
  if (verdict.ok || list.length === 0) return verdict;
  return { ...verdict, message: `${verdict.message} (${list.join('; ')})` };
}
