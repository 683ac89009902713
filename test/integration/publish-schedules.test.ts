import { expect, it } from 'vitest';
import { runSchedules } from '../support/publication-schedules.ts';

it('changes of a repository survive failures of its store, or are finished by the next run', async () => {
  const { schedules, injected, survived, finished } = await runSchedules(12, 1);
  expect({ schedules, all: survived + finished }).toEqual({ schedules: 12, all: 12 });
  expect(injected).toBeGreaterThanOrEqual(12);
}, 120_000);
