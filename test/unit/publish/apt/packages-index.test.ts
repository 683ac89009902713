import { describe, expect, it } from 'vitest';
import { formatPackages, movedTo, parsePackages } from '../../../../src/publish/apt/packages-index.ts';

const PARAGRAPH = `Package: coturn
Version: 1:4.18.0+turnbuild-1~deb13
Architecture: arm64
Filename: ./pool/main/c/coturn/coturn.deb
Size: 351872
SHA256: ${'A'.repeat(64)}
Description: TURN server
 A line.
 .
 Filename: in the description`;

describe('a Packages index', () => {
  it('is read into packages', () => {
    expect(parsePackages(`\n${PARAGRAPH}\n\n\n${PARAGRAPH.replace('arm64', 'amd64')}\n`)).toEqual([
      {
        name: 'coturn',
        version: '1:4.18.0+turnbuild-1~deb13',
        architecture: 'arm64',
        path: 'pool/main/c/coturn/coturn.deb',
        size: 351_872,
        sha256: 'a'.repeat(64),
        text: PARAGRAPH,
      },
      expect.objectContaining({ architecture: 'amd64' }),
    ]);
    expect(parsePackages('')).toEqual([]);
  });

  it('has the same text whatever the order of the packages', () => {
    const packages = ['b', 'c', 'a'].flatMap((name) =>
      parsePackages(PARAGRAPH.replace('Package: coturn', `Package: ${name}`)),
    );
    const text = formatPackages(packages);
    expect(text).toBe(formatPackages(packages.toReversed()));
    expect(parsePackages(text).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(text.endsWith('description\n')).toBe(true);
  });

  it('gets other paths', () => {
    const moved = parsePackages(PARAGRAPH).map((each) => movedTo(each, 'pool/$&.deb'));
    expect(moved[0]?.path).toBe('pool/$&.deb');
    expect(moved[0]?.text).toContain('\nFilename: pool/$&.deb\nSize');
    expect(moved[0]?.text).toContain('\n Filename: in the description');
  });
});
