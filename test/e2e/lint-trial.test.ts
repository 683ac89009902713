import { expect, it } from 'vitest';
import { describe as inWords } from '../support/config-trial/compare.ts';
import { tryConfigurations } from '../support/config-trial/run.ts';
import { fileFolder } from '../support/e2e.ts';

// A fixed seed. test/full tries a thousand configurations of each version, with a new seed each day.
const SEED = 16;

it('lint-config agrees with the real turnserver on random configurations', async () => {
  const { versions, configurations, disagreements, filled } = await tryConfigurations(
    fileFolder('lint-trial'),
    {
      count: 50,
      seed: SEED,
    },
  );
  console.log(
    `${configurations} configurations of seed ${SEED}, tried with coturn ${versions.join(' and ')}`,
  );
  expect(configurations).toBeGreaterThanOrEqual(50);
  expect(disagreements.length, inWords(disagreements)).toBe(0);
  // turnserver grants as many allocations as `turnbuild capacity` computes.
  expect(filled.filter(({ expected, filled: granted }) => granted !== expected)).toEqual([]);
});
