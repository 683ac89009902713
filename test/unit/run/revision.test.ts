import { describe, expect, it } from 'vitest';
import { requireRebuilt } from '../../../src/run/revision.ts';

const OUTDATED = new Set(['build:portable:arm64']);

describe('requireRebuilt', () => {
  it.each([[['package' as const]], [['verify' as const]]])(
    'refuses to renumber outdated builds with only the stages %j',
    (stages) => {
      expect(() => requireRebuilt(OUTDATED, stages)).toThrow(
        /build:portable:arm64: compiled with outdated libraries/,
      );
    },
  );

  it('allows stages that rebuild them, and builds that are up to date', () => {
    expect(() => requireRebuilt(OUTDATED, ['build', 'package', 'verify'])).not.toThrow();
    expect(() => requireRebuilt(new Set(), ['package'])).not.toThrow();
  });
});
