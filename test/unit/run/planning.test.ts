import { expect, it } from 'vitest';
import { createPlan } from '../../../src/plan/index.ts';
import type { Choices, PlannedSource } from '../../../src/plan/types.ts';
import { documentOf } from '../../../src/run/planning.ts';
import { releaseFacts } from '../../support/plan-facts.ts';

const SOURCE: PlannedSource = {
  ...{ provider: 'file', location: 'coturn.tar.gz', sha256: '1'.repeat(64), tree: '2'.repeat(64) },
};

it('documentOf requires a key for each step', async () => {
  const plan = createPlan(releaseFacts);
  const key = { inputs: { recipe: '3'.repeat(64) }, key: '4'.repeat(64) };
  const given = { choices: {} as Choices, source: SOURCE };
  const keys = new Map(plan.steps.map(({ id }) => [id, key]));
  const { steps } = await documentOf(plan, { ...given, keys });
  expect(steps).toEqual(plan.steps.map((step) => ({ ...step, ...key })));
  keys.delete('package:debian-12:arm64');
  await expect(documentOf(plan, { ...given, keys })).rejects.toThrow(
    'step package:debian-12:arm64 has no key',
  );
});
