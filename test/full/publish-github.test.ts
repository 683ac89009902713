import { afterAll, expect, it } from 'vitest';
import { fastTimers } from '../support/github/fast-timers.mjs';
import { passingFaults, refusals, surviveFaults } from '../support/github/faults.ts';
import { killAndFinish } from '../support/github/killed.ts';
import { runGithubSchedules } from '../support/github/schedules.ts';

afterAll(fastTimers());

it('a publication to GitHub ends as an undisturbed one if any request fails once in any way', async () => {
  expect(await surviveFaults(passingFaults())).toEqual([]);
});

it('a publication to GitHub that is refused ends with one error, and the next run finishes it', async () => {
  const all = refusals();
  const again = await surviveFaults(all);
  expect(again).toHaveLength(all.length);
});

it('changes of GitHub Releases survive 200 schedules of faults', async () => {
  const { schedules, survived, finished, kinds } = await runGithubSchedules(200, 1000, true);
  expect(schedules).toBe(200);
  for (const count of [survived, finished, ...Object.values(kinds)]) expect(count).toBeGreaterThan(0);
});

it.each(['publish', 'promote', 'roll back', 'withdraw'] as const)(
  'a command that was killed at any point is finished by the next one on GitHub: %s',
  async (what) => {
    await killAndFinish((points) => points, what);
  },
);
