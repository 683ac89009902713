import { describe, expect, it } from 'vitest';
import { requireRebuilt } from '../../../src/run/revision.ts';

const OUTDATED = new Set(['build:portable:arm64']);

describe('requireRebuilt', () => {
  it.each([[['package' as const]], [['verify' as const]]])(
    'refuses to renumber old programs with %j',
    (stages) => {
      expect(() => requireRebuilt(OUTDATED, stages)).toThrow(
        /build:portable:arm64: compiled with outdated libraries/,
      );
    },
  );

  it('lets pass what compiles them again, and what is not outdated', () => {
    expect(() => requireRebuilt(OUTDATED, ['build', 'package', 'verify'])).not.toThrow();
    expect(() => requireRebuilt(new Set(), ['package'])).not.toThrow();
  });
});
