import { expect, it } from 'vitest';
import { runSchedules } from '../support/schedules/all.ts';
import { withMaterial } from '../support/schedules/cases.ts';

// A sample. test/full/publish-schedules.test.ts runs all.
it('changes of a repository survive failures of its store, or are finished by the next run', async () => {
  await withMaterial(async (material) => {
    const memory = await runSchedules('memory', { kinds: 'both', random: 8, every: 12 }, material);
    expect([...memory].sort()).toEqual(['killed', 'killed-after', 'refused', 'twice', 'unanswered']);
    await runSchedules('s3', { kinds: 'apt', random: 3, every: 67 }, material);
    await runSchedules('gcs', { kinds: 'apt', random: 3, every: 71 }, material);
  });
}, 300_000);
