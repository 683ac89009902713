import { expect, it } from 'vitest';
import { FAULTS } from '../support/faulty-store.ts';
import { runSchedules } from '../support/publication-schedules.ts';

it('changes of a repository survive failures of its store, or are finished by the next run', async () => {
  const { schedules, survived, finished, kinds } = await runSchedules(12, 1);
  expect({ schedules, all: survived + finished }).toEqual({ schedules: 12, all: 12 });
  const injected = new Set(Object.keys(kinds).map((kind) => kind.split(' ')[0]));
  expect([...injected].sort()).toEqual([...FAULTS].sort());
}, 120_000);
