import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, killPublication } from '../support/killed-publication.ts';

/** Number of points, spread over the run. test/full/publish.test.ts tries each. */
const SAMPLE = 10;

it('turnbuild publish finishes a run that was killed, and clients never see a broken repository', async () => {
  const seen = await killPublication((points) =>
    Array.from(
      { length: SAMPLE },
      (_, index) => points[Math.round((index * (points.length - 1)) / (SAMPLE - 1))] ?? 0,
    ),
  );
  // Kills before and after clients saw the new version.
  expect(seen).toEqual(BEFORE_AND_AFTER);
}, 120_000);
