import { expect, it } from 'vitest';
import { type Choice, runSchedules } from '../support/schedules/all.ts';
import { sharedMaterial } from '../support/schedules/cases.ts';

const material = sharedMaterial();

// Samples. test/full/publish-schedules.test.ts runs all.
it.each<['memory' | 's3' | 'gcs', Choice]>([
  ['memory', { kinds: 'both', random: 8, every: 12 }],
  ['s3', { kinds: 'apt', random: 2, every: 131 }],
  ['gcs', { kinds: 'apt', random: 2, every: 131 }],
])(
  'changes of a repository survive failures of its store, or are finished by the next run: %s',
  async (name, choice) => {
    const seen = await runSchedules(name, choice, material());
    if (name === 'memory')
      expect([...seen].sort()).toEqual(['killed', 'killed-after', 'refused', 'twice', 'unanswered']);
  },
);
