import { afterAll, expect, it } from 'vitest';
import { fastTimers } from '../support/github/fast-timers.mjs';
import { allFaults, surviveFaults } from '../support/github/faults.ts';
import { killAndFinish } from '../support/github/killed.ts';

afterAll(fastTimers());

it('a publication to GitHub ends as an undisturbed one if any request fails once in any way', async () => {
  expect(await surviveFaults(allFaults())).toEqual([]);
});

it('turnbuild publish --to github finishes a run that was killed at any point', async () => {
  await killAndFinish((points) => points);
});
