import { describe, expect, it } from 'vitest';
import { isNewer, namedReleases, releaseOf, releasesIn } from '../../../src/publish/releases.ts';

describe('releases', () => {
  it.each([
    ['4.18.0+turnbuild-1~deb13', '4.18.0+turnbuild-1'],
    ['1:4.18.0+turnbuild-12~ubuntu24.04', '4.18.0+turnbuild-12'],
    ['4.18.0+turnbuild-1', '4.18.0+turnbuild-1'],
    ['4.18.0+turnbuild-1.el9', '4.18.0+turnbuild-1'],
    ['4.6.1-1', undefined],
  ])('the version %s is of the release %s', (version, release) => expect(releaseOf(version)).toBe(release));

  const KNOWN = ['4.18.0+turnbuild-10', '4.18.0+turnbuild-9', '4.9.0+turnbuild-1', '4.18.0+turnbuild-9'];

  it('are named exactly, or by their coturn version', () => {
    expect(namedReleases('4.18.0', KNOWN)).toEqual(['4.18.0+turnbuild-9', '4.18.0+turnbuild-10']);
    expect(namedReleases('4.18.0+turnbuild-9', KNOWN)).toEqual(['4.18.0+turnbuild-9']);
    expect(namedReleases('4.18', KNOWN)).toEqual([]);
  });

  it('are ordered by version, not by text', () => {
    expect(releasesIn(KNOWN.map((version) => ({ version })))).toEqual([
      '4.9.0+turnbuild-1',
      '4.18.0+turnbuild-9',
      '4.18.0+turnbuild-10',
    ]);
    expect(isNewer('4.18.0+turnbuild-10~deb13', '4.18.0+turnbuild-9')).toBe(true);
    expect(isNewer('4.18.0+turnbuild-9~deb13', '4.18.0+turnbuild-9')).toBe(false);
    expect(isNewer('4.9.0+turnbuild-1', '4.18.0+turnbuild-9')).toBe(false);
    // Other packages are left alone.
    expect(isNewer('99.0-1', '4.18.0+turnbuild-9')).toBe(false);
  });
});
