import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import { type Case, type Material, perform, SHORT_TIMES, TIMES } from './cases.ts';
import { callPlan, type Failure } from './failure.ts';
import type { FaultyPlace } from './place.ts';

/** A folder in memory, if there is one: the journal waits for the disk after each record. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Removes folders that killed runs have left in memory: no run takes a day. */
export function removeLeftovers(): void {
  if (MEMORY !== '/dev/shm') return;
  for (const name of readdirSync(MEMORY).filter((each) => each.startsWith('turnbuild-test-'))) {
    const dir = join(MEMORY, name);
    const changed = statSync(dir, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - changed > 24 * 60 * 60 * 1000) rmSync(dir, { recursive: true, force: true });
  }
}

/** What goes wrong with the calls of an operation, and of the runs that finish it. */
export interface Schedule<S = unknown> {
  /** For messages, e.g. `seed 3`. */
  name: string;
  chosen: Case<S>;
  /** Number of a call -> what goes wrong with it. */
  failures: ReadonlyMap<string, Failure>;
}

/** What happened. */
export interface Disturbed {
  injected: { call: string; failure: Failure }[];
  /** Runs that did not succeed. */
  failed: number;
}

/**
 * Performs an operation until it succeeds, while calls fail as scheduled. Expects that clients always find everything, that a run ends in
 * success or in one error that its failures explain, and that the last state is that of an undisturbed run.
 */
export async function disturbed<S>(
  place: FaultyPlace<unknown, S>,
  { name, chosen, failures }: Schedule<S>,
  material: Material,
): Promise<Disturbed> {
  const scheduled = [...failures].map(([call, each]) => `${each.name} at ${call}`);
  const where = `${place.name}, ${name}, ${chosen.name}: ${scheduled.join('; ')}`;
  const left = new Map(failures);
  const injected: Disturbed['injected'] = [];
  const dir = mkdtempSync(join(MEMORY, 'turnbuild-test-'));
  place.restore(chosen.before, { keepsOld: chosen.keepsOld });
  try {
    for (let failed = 0; ; failed += 1) {
      expect(failed, `runs that failed: ${where}`).toBeLessThanOrEqual(failures.size);
      const plan = callPlan(left);
      const times = place.isLocked() ? SHORT_TIMES : TIMES;
      const result = await perform(chosen, { place, plan, times, dir }, material).catch(
        (error: unknown) => error,
      );
      injected.push(...plan.injected);
      expect(place.broken(), `a client would find a broken repository: ${where}`).toEqual([]);
      if (plan.isDead()) continue;
      const codes = plan.injected.flatMap(({ failure }) => failure.ends ?? []);
      if (!Array.isArray(result)) {
        if (!(result instanceof TurnbuildError)) throw result;
        expect(codes, `${result.message}: ${where}`).toContain(result.code);
        continue;
      }
      if (!place.isLocked()) {
        expect(place.content(), `the last state: ${where}`).toEqual(chosen.after);
        return { injected, failed };
      }
      expect(result.join('\n'), where).toMatch(/^The lock of .* could not be removed/m);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}
