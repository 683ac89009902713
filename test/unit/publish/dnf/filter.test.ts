import { describe, expect, it } from 'vitest';
import { filteredMetadata } from '../../../../src/publish/dnf/filter.ts';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)] as const;

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';
const primary = (count: number, ...ids: string[]) =>
  `${HEAD}<metadata xmlns="x" packages="${count}">\n${ids
    .map((id) => `<package type="rpm">\n  <checksum type="sha256" pkgid="YES">${id}</checksum>\n</package>\n`)
    .join('')}</metadata>\n`;
const list = (root: string, count: number, ...ids: string[]) =>
  `${HEAD}<${root} xmlns="x" packages="${count}">\n${ids
    .map(
      (id) =>
        `<package pkgid="${id}" name="coturn" arch="x86_64">\n  <file>/usr/bin/turnserver</file>\n</package>\n`,
    )
    .join('')}</${root}>\n`;

describe('filteredMetadata', () => {
  it.each([
    ['primary.xml', primary(2, A, B), primary(1, B)],
    ['filelists.xml', list('filelists', 2, A, B), list('filelists', 1, B)],
    ['other.xml', list('otherdata', 2, A, B), list('otherdata', 1, B)],
  ])('removes packages from %s', (_, before, after) => {
    expect(filteredMetadata(before, new Set([B]))).toBe(after);
    expect(filteredMetadata(before, new Set([A, B]))).toBe(before);
  });

  it('can remove all packages', () => {
    expect(filteredMetadata(primary(2, A, B), new Set())).toBe(primary(0));
  });
});
