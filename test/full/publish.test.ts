import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, CLEAN, killPublication } from '../support/killed-publication.ts';

it('turnbuild publish finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points)).toEqual(BEFORE_AND_AFTER);
});

it('turnbuild gc finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points, CLEAN)).toEqual(
    BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19')),
  );
});
