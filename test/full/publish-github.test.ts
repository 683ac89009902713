import '../support/github/fast-clock.mjs';
import { expect, it } from 'vitest';
import { allFaults, surviveFaults } from '../support/github/faults.ts';
import { killAndFinish } from '../support/github/killed.ts';

it('a publication to GitHub ends as an undisturbed one if any request fails once in any way', async () => {
  expect(await surviveFaults(allFaults())).toEqual([]);
});

it('turnbuild publish --to github finishes a run that was killed at any point', async () => {
  await killAndFinish((points) => points);
});
