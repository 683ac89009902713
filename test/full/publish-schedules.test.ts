import { expect, it } from 'vitest';
import { GCS_FAILURES } from '../support/gcs/failures.ts';
import { S3_FAILURES } from '../support/s3/failures.ts';
import { runSchedules } from '../support/schedules/all.ts';
import { withMaterial } from '../support/schedules/cases.ts';

/** Random schedules: 1,000. */
const RANDOM = { memory: 400, s3: 200, gcs: 400 };

const namesOf = (failures: readonly { name: string }[]) =>
  [...new Set(failures.map(({ name }) => name))].sort();

it('a repository in memory is changed although calls fail and processes die', async () => {
  await withMaterial((material) =>
    runSchedules('memory', { kinds: 'all', random: RANDOM.memory, every: 1 }, material),
  );
});

it('a bucket of S3 is changed although requests fail in every documented way and processes die', async () => {
  const seen = await withMaterial((material) =>
    runSchedules('s3', { kinds: 'all', random: RANDOM.s3, every: 1 }, material),
  );
  expect([...seen].sort()).toEqual(namesOf([...S3_FAILURES, { name: 'killed' }, { name: 'killed-after' }]));
});

it('a bucket of Cloud Storage is changed although requests fail in every documented way and processes die', async () => {
  const seen = await withMaterial((material) =>
    runSchedules('gcs', { kinds: 'all', random: RANDOM.gcs, every: 1 }, material),
  );
  expect([...seen].sort()).toEqual(namesOf([...GCS_FAILURES, { name: 'killed' }, { name: 'killed-after' }]));
});
