import type { MachineFacts } from '../../lab/machine/facts.ts';
import type { CheckResult } from '../../manifest/schema.ts';
import type { Deviation } from '../../recipe/deviations.ts';
import type { Cloud, MachineContents } from '../../recipe/machine.ts';
import type { Verdict } from '../check.ts';
import { judgeOne, shortened } from '../judge.ts';

/** Everything that the checks of a booted image judge. */
export interface ImageFacts {
  machine: MachineFacts;
  contents: Pick<MachineContents, 'maxUsedMiB'>;
  cloud: Cloud;
  /** Machines can be reached by SSH. */
  ssh: boolean;
  /** This version of coturn can let sessions end before it stops. */
  drains: boolean;
  /** How its metrics are known to deviate. */
  deviations: readonly Deviation[];
}

/** One check of an image, as data. */
export interface MachineCheck<Facts = ImageFacts> {
  id: string;
  title: string;
  reason: string;
  reference?: string;
  /** The clouds whose images it is for; by default all. */
  clouds?: readonly Cloud[];
  judge: (facts: Facts) => Verdict;
}

/** Judges an image. A check that throws counts as failed. */
export function judgeImage<Facts>(checks: readonly MachineCheck<Facts>[], facts: Facts): CheckResult[] {
  return checks.map(({ judge, clouds: _, ...check }) => {
    const { ok, without, message, figures = {}, blockedBy } = judgeOne(() => judge(facts));
    const result = { ...check, message: shortened(message), figures };
    if (blockedBy !== undefined) return { ...result, status: 'blocked', blockedBy };
    if (without !== undefined) return { ...result, status: without };
    return { ...result, status: ok ? 'passed' : 'failed' };
  });
}
