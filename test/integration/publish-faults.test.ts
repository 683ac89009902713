import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, CLEAN, WITHDRAW } from '../support/kill-scenarios.ts';
import { killPublication } from '../support/killed-publication.ts';

/** Chooses points that are spread over a run. test/full/publish.test.ts tries each. */
const sample = (size: number) => (points: readonly number[]) =>
  Array.from(
    { length: size },
    (_, index) => points[Math.round((index * (points.length - 1)) / (size - 1))] ?? 0,
  );

it('turnbuild publish finishes a run that was killed, and clients never see a broken repository', async () => {
  // Kills before and after clients saw the new version.
  expect(await killPublication(sample(8))).toEqual(BEFORE_AND_AFTER);
});

it('turnbuild gc finishes a run that was killed, and clients never see a broken repository', async () => {
  const newest = BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19'));
  expect(await killPublication(sample(5), CLEAN)).toEqual(newest);
});

it('turnbuild withdraw finishes a run that was killed, and clients never see a broken repository', async () => {
  expect(await killPublication(sample(3), WITHDRAW)).toEqual(BEFORE_AND_AFTER);
});
