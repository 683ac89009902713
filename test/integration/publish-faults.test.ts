import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, CLEAN, PROMOTE, REFRESH, WITHDRAW } from '../support/kill-scenarios.ts';
import { killPublication } from '../support/killed-publication.ts';

/** Chooses points that are spread over a run. test/full/publish.test.ts tries each. */
const sample = (size: number) => (points: readonly number[]) =>
  Array.from(
    { length: size },
    (_, index) => points[Math.round((index * (points.length - 1)) / (size - 1))] ?? 0,
  );

it('turnbuild publish finishes a run that was killed, and clients never see a broken repository', async () => {
  // Kills before and after clients saw the new version.
  expect(await killPublication(sample(10))).toEqual(BEFORE_AND_AFTER);
});

it('turnbuild gc finishes a run that was killed, and clients never see a broken repository', async () => {
  const newest = BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19'));
  expect(await killPublication(sample(6), CLEAN)).toEqual(newest);
});

it.each([
  ['promote', PROMOTE, BEFORE_AND_AFTER],
  ['withdraw', WITHDRAW, BEFORE_AND_AFTER],
  ['refresh', REFRESH, BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19'))],
])(
  'turnbuild %s finishes a run that was killed, and clients never see a broken repository',
  async (_, scenario, seen) => {
    expect(await killPublication(sample(3), scenario)).toEqual(seen);
  },
);
