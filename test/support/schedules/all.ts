import { expect, vi } from 'vitest';
import { gcsFaultyPlace } from '../gcs/faulty-place.ts';
import { s3FaultyPlace } from '../s3/faulty-place.ts';
import { type Case, casesFor, type Material } from './cases.ts';
import { drawSchedule } from './draw.ts';
import { DEATHS } from './failure.ts';
import { memoryPlace } from './memory-place.ts';
import type { FaultyPlace } from './place.ts';
import { disturbed, removeLeftovers, type Schedule } from './run.ts';
import { repeatedFailures, singleFailures } from './systematic.ts';

const PLACES = {
  memory: async () => memoryPlace(),
  s3: async () => {
    const place = await s3FaultyPlace();
    for (const [name, value] of Object.entries(place.env)) vi.stubEnv(name, value);
    return place;
  },
  gcs: gcsFaultyPlace,
};

const KINDS = { apt: [['apt']], both: [['apt', 'dnf']], all: [['apt'], ['dnf'], ['apt', 'dnf']] } as const;

/** Which schedules to run. */
export interface Choice {
  /** Destinations: `all`: random schedules also have apt and dnf alone. */
  kinds: keyof typeof KINDS;
  /** Random schedules, with the seeds from 1 on. */
  random: number;
  /** Every n-th of the systematic ones. */
  every: number;
}

/**
 * Disturbs all operations of a place, and prints what happened. The clients' pauses are skipped.
 * @returns the names of the failures that were injected
 */
export async function runSchedules(
  name: keyof typeof PLACES,
  { kinds, random, every }: Choice,
  material: Material,
): Promise<Set<string>> {
  removeLeftovers();
  const jitter = vi.spyOn(Math, 'random').mockReturnValue(0);
  try {
    const place: FaultyPlace = await PLACES[name]();
    const empty = place.save();
    const groups: Case[][] = [];
    for (const destinations of KINDS[kinds]) {
      place.restore(empty);
      groups.push(await casesFor(place, destinations, material));
    }
    const sampled = <T>(all: readonly T[]) => all.filter((_, index) => index % every === 0);
    const largest = groups.at(-1) ?? [];
    const repeated = sampled(largest.flatMap((each) => repeatedFailures(each, place.failures)));
    const single = sampled(singleFailures(largest, [...place.failures, ...DEATHS]));
    const drawn = Array.from({ length: random }, (_, index) =>
      drawSchedule(index + 1, groups.flat(), place.failures),
    );
    const totals = { schedules: 0, injected: 0, survived: 0, finished: 0 };
    const names = new Set<string>();
    const run = async (schedule: Schedule) => {
      const { injected, failed } = await disturbed(place, schedule, material);
      totals.schedules += 1;
      totals.injected += injected.length;
      totals[failed === 0 ? 'survived' : 'finished'] += 1;
      for (const { failure } of injected) names.add(failure.name);
      return { injected, failed };
    };
    for (const each of [...repeated, ...single]) {
      const { injected, failed } = await run(each);
      expect(injected.length, each.name).toBeGreaterThan(0);
      // A failure that changed nothing is not repeated. The next call of the same kind then passes for its repetition.
      const whatOf = (call: string) => call.replace(/ #\d+$/, '');
      const reached = new Set(injected.map(({ call }) => whatOf(call)));
      const missing = [...each.failures.keys()].filter((call) => !reached.has(whatOf(call)));
      const isSurvived = injected.every(({ failure }) => failure.ends === undefined);
      expect({ failed, missing }, `${place.name}, ${each.name}, ${each.chosen.name}`).toEqual({
        ...{ failed: isSurvived ? 0 : 1, missing: [] },
      });
    }
    for (const each of drawn) await run(each);
    const { schedules, injected, survived, finished } = totals;
    console.log(
      `${place.name}: ${schedules} schedules (${random} random), ${injected} failures injected: ${survived} runs survived, ${finished} were finished by the next run`,
    );
    // A sample of a few may have only one kind.
    if (schedules >= 20) for (const count of [survived, finished]) expect(count).toBeGreaterThan(0);
    return names;
  } finally {
    jitter.mockRestore();
    vi.unstubAllEnvs();
  }
}
