import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDebianVersions, upstreamOf } from '../../../src/plan/debian-version.ts';

/** dpkg's own comparison. */
function dpkg(a: string, b: string): number {
  const is = (relation: string) => {
    const { status, error } = spawnSync('dpkg', ['--compare-versions', a, relation, b]);
    if (error !== undefined || status === null || status > 1) throw error ?? new Error(`dpkg: ${status}`);
    return status === 0;
  };
  if (is('lt')) return -1;
  return is('gt') ? 1 : 0;
}
const ours = (a: string, b: string) => Math.sign(compareDebianVersions(a, b));

const PAIRS: [string, string][] = [
  ['3.0.17-1~deb12u2', '3.0.17-1~deb12u3'],
  ['3.0.17-1~deb12u2', '3.0.17-1'],
  ['1:10.11.11-0+deb12u1', '15.0-1'],
  ['1.2.13.dfsg-1', '1:1.2.13.dfsg-1'],
  ['2.1.12-stable-8', '2.1.12-stable-10'],
  ['1.0-1', '1.0-1+b1'],
  ['1.0', '1.0-0'],
  ['20240101123456789012345', '20240101123456789012346'],
  ['1.0a', '1.0+'],
  ['1.0~~', '1.0~'],
  ['4.6.1+turnbuild-1~deb12', '4.6.1-1'],
];

describe('compareDebianVersions', () => {
  it.each(PAIRS)('orders %s and %s as dpkg does', (a, b) => {
    expect(ours(a, b)).toBe(dpkg(a, b));
    expect(ours(b, a)).toBe(dpkg(b, a));
  });

  it('orders random versions as dpkg does', () => {
    const part = fc.string({ unit: fc.constantFrom(...'019aZz.+~'), minLength: 1, maxLength: 6 });
    const version = fc
      .tuple(fc.option(fc.nat(2)), fc.nat(9), part, fc.option(part))
      .map(([epoch, digit, upstream, revision]) =>
        [epoch === null ? '' : `${epoch}:`, digit, upstream, revision === null ? '' : `-${revision}`].join(
          '',
        ),
      );
    const pair = fc.tuple(version, version, fc.boolean(), fc.constantFrom('0', '~', 'a', '+'));
    fc.assert(
      fc.property(pair, ([a, b, near, end]) => {
        const other = near ? a.replace(/.$/, end) : b;
        expect(ours(a, other)).toBe(dpkg(a, other));
      }),
      { numRuns: 300 },
    );
  });
});

describe('upstreamOf', () => {
  it.each([
    ['1:10.11.11-0+deb12u1', '10.11.11'],
    ['2.1.12-stable-8', '2.1.12-stable'],
    ['4.18.0', '4.18.0'],
  ])('%s -> %s', (version, upstream) => {
    expect(upstreamOf(version)).toBe(upstream);
  });
});
