import { expect, it } from 'vitest';
import { GCS_FAILURES } from '../support/gcs/failures.ts';
import { S3_FAILURES } from '../support/s3/failures.ts';
import { runSchedules } from '../support/schedules/all.ts';
import { sharedMaterial } from '../support/schedules/cases.ts';
import { MEMORY_FAILURES } from '../support/schedules/memory-place.ts';

const material = sharedMaterial();

// Random schedules: 1,000.
it.each([
  ['memory', 400, MEMORY_FAILURES],
  ['s3', 200, S3_FAILURES],
  ['gcs', 400, GCS_FAILURES],
] as const)(
  'a repository is changed although requests fail in every documented way and processes die: %s',
  async (name, random, failures) => {
    const seen = await runSchedules(name, { kinds: 'all', random, every: 1 }, material());
    const all = new Set([...failures.map((each) => each.name), 'killed', 'killed-after']);
    expect([...seen].sort()).toEqual([...all].sort());
  },
);
