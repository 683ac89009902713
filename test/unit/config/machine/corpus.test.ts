import { describe, expect, it } from 'vitest';
import { checkUserData } from '../../../../src/config/machine/check.ts';
import { SETTINGS } from '../../../../src/recipe/user-data.ts';
import { settingsCorpus } from '../../../support/settings-corpus.ts';

const SAMPLES = settingsCorpus();

describe("turn-agent's corpus", () => {
  it.each(SAMPLES)('%s has the problems that turn-agent reports', (_, { document, cloud, now, problems }) => {
    const found = checkUserData(Buffer.from(document), cloud, new Date(now ?? '2026-12-01T00:00:00Z'));
    expect(found.map(({ path, message }) => `${path}: ${message}`)).toEqual(problems);
  });

  it('has a valid and an invalid document for each setting', () => {
    expect(SAMPLES.length).toBeGreaterThan(200);
    for (const key of SETTINGS) {
      const having = SAMPLES.filter(([, { document }]) => document.includes(`"${key}"`));
      expect(
        having.some(([, { problems }]) => problems.length === 0),
        key,
      ).toBe(true);
      expect(
        having.some(([, { problems }]) => problems[0]?.startsWith(key)),
        key,
      ).toBe(true);
    }
  });
});
