import { expect, it } from 'vitest';
import { describe as inWords } from '../support/config-trial/compare.ts';
import { tryConfigurations } from '../support/config-trial/run.ts';
import { fileFolder } from '../support/e2e.ts';

it('lint-config agrees with the real turnserver on a thousand random configurations', async () => {
  const seed = Number(process.env.TURNBUILD_TEST_SEED ?? Math.floor(Date.now() / 86_400_000));
  const { versions, configurations, disagreements, known, filled } = await tryConfigurations(
    fileFolder('lint-trial'),
    { count: 1000, seed },
  );
  console.log(
    `${configurations} configurations, TURNBUILD_TEST_SEED=${seed}, tried with coturn ${versions.join(', ')}`,
  );
  for (const [reason, count] of known) console.log(`${count} disagreements: ${reason}`);
  expect(configurations).toBeGreaterThanOrEqual(1000);
  expect(disagreements.length, inWords(disagreements)).toBe(0);
  // turnserver grants as many allocations as `turnbuild capacity` computes.
  expect(filled.filter(({ expected, filled: granted }) => granted !== expected)).toEqual([]);
});
