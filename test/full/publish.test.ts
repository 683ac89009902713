import { expect, it } from 'vitest';
import { BEFORE_AND_AFTER, CLEAN, killPublication } from '../support/killed-publication.ts';
import { runSchedules } from '../support/publication-schedules.ts';

it('turnbuild publish finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points)).toEqual(BEFORE_AND_AFTER);
});

const SCHEDULES = 1000;

it(`${SCHEDULES} seeded schedules of failures of the store end in the state of an undisturbed run`, async () => {
  const { schedules, injected, survived, finished, kinds } = await runSchedules(SCHEDULES, 1);
  console.log(
    `${schedules} schedules, ${injected} faults injected: ${survived} runs survived, ${finished} were finished by the next run`,
  );
  console.log(
    Object.entries(kinds)
      .sort()
      .map(([kind, number]) => `${kind}: ${number}`)
      .join(', '),
  );
  expect(survived + finished).toBe(SCHEDULES);
});

it('turnbuild gc finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points, CLEAN)).toEqual(
    BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19')),
  );
});
