import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { debFileName, debVersion } from '../../../src/plan/package-version.ts';

/** dpkg's own comparison: every Debian machine has dpkg, and the rule is too subtle to reimplement. */
function isLess(a: string, b: string): boolean {
  const { status } = spawnSync('dpkg', ['--compare-versions', a, 'lt', b]);
  if (status === null || status > 1) throw new Error('dpkg is needed for this test (package dpkg)');
  return status === 0;
}

describe('debVersion, compared by dpkg', () => {
  const ours = debVersion('4.6.1', 1, 'deb13');

  it.each([
    '4.6.1-1',
    '4.6.1-2',
    '4.6.1-2+b3',
    '4.6.1-3+deb13u2',
    '4.6.1-10ubuntu4',
    '4.6.1+dfsg-9',
    '4.6.0-99',
  ])('is above %s', (other) => {
    expect(isLess(other, ours)).toBe(true);
  });

  it.each(['4.6.1.1-1', '4.6.2-1', '4.6.2~rc1-1', '4.7.0-1', '4.10.0-1'])('is below %s', (other) => {
    expect(isLess(ours, other)).toBe(true);
  });

  it('sorts Debian 13 above Debian 12, and each revision above the previous one', () => {
    expect(isLess(debVersion('4.6.1', 1, 'deb12'), ours)).toBe(true);
    expect(isLess(ours, debVersion('4.6.1', 2, 'deb12'))).toBe(true);
    expect(isLess(debVersion('4.6.1', 9, 'deb13'), debVersion('4.6.1', 10, 'deb12'))).toBe(true);
  });

  it('keeps the order of upstream versions', () => {
    const part = fc.integer({ min: 0, max: 30 });
    fc.assert(
      fc.property(
        part,
        part,
        part,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (a, b, c, r1, r2) => {
          expect(
            isLess(debVersion(`${a}.${b}.${c}`, r1, 'deb13'), debVersion(`${a}.${b}.${c + 1}`, r2, 'deb12')),
          ).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is a valid version for dpkg and part of the file name', () => {
    expect(execFileSync('dpkg', ['--validate-version', ours], { encoding: 'utf8' })).toBe('');
    expect(debFileName('coturn', ours, 'amd64')).toBe('coturn_4.6.1+turnbuild-1~deb13_amd64.deb');
  });
});
