import { drawn } from '../random.ts';
import type { Case } from './cases.ts';
import { DEATHS, type Failure } from './failure.ts';
import type { Schedule } from './run.ts';

/** One to three failures of any calls of any operation, process deaths among them. What a run does not reach hits those that finish it. */
export function drawSchedule<S>(
  seed: number,
  cases: readonly Case<S>[],
  failures: readonly Failure[],
): Schedule<S> {
  const random = drawn(seed);
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T;
  const chosen = pick(cases);
  const count = 1 + Math.floor(random() * 3);
  const scheduled = Array.from({ length: count }, () => {
    const call = pick(chosen.calls);
    // Every third one is a death.
    const possible = failures.filter((each) => each.calls.test(call));
    return [call, random() < 1 / 3 || possible.length === 0 ? pick(DEATHS) : pick(possible)] as const;
  });
  return { name: `seed ${seed}`, chosen, failures: new Map(scheduled) };
}
