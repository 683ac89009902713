import { afterAll, expect, it } from 'vitest';
import { fastTimers } from '../support/github/fast-timers.mjs';
import { runGithubSchedules } from '../support/github/schedules.ts';

afterAll(fastTimers());

it('changes of GitHub Releases survive faults that pass, and are finished after refusals and kills', async () => {
  const { schedules, survived, finished, kinds } = await runGithubSchedules(12, 1);
  expect(schedules).toBe(12);
  for (const count of [survived, finished, ...Object.values(kinds)]) expect(count).toBeGreaterThan(0);
});
