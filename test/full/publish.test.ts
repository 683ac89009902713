import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, killPublication } from '../support/killed-publication.ts';

it('turnbuild publish finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points)).toEqual(BEFORE_AND_AFTER);
});
