import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { rpmVersion } from '../../src/plan/package-version.ts';

/** rpm's own comparison of two versions with releases. */
function isLess(a: string, b: string): boolean {
  const run = spawnSync('rpm', ['--eval', `%{lua:print(rpm.vercmp("${a}", "${b}"))}`], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`rpm is needed for this test (package rpm): ${run.stderr}`);
  return run.stdout.trim() === '-1';
}

const ours = (upstream: string, revision: number, label?: string) => {
  const { version, release } = rpmVersion(upstream, revision, label);
  return `${version}-${release}`;
};

describe('rpmVersion, compared by rpm', () => {
  it.each(['4.6.1-1.el9', '4.6.1-5.el9', '4.6.1-99.fc44', '4.6.1-1.amzn2023', '4.6.0-9.el9'])(
    'is above %s',
    (other) => {
      expect(isLess(other, ours('4.6.1', 1))).toBe(true);
    },
  );

  it.each(['4.6.1.1-1.el9', '4.6.2-1.el9', '4.7.0-1.el9', '4.10.0-1.el9'])('is below %s', (other) => {
    expect(isLess(ours('4.6.1', 1), other)).toBe(true);
  });

  it('sorts a revision above the previous one, with or without a label', () => {
    expect(isLess(ours('4.6.1', 1), ours('4.6.1', 2))).toBe(true);
    expect(isLess(ours('4.6.1', 9, 'el9'), ours('4.6.1', 10, 'el9'))).toBe(true);
  });
});
