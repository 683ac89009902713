import { describe, expect, it } from 'vitest';
import {
  contentText,
  listedRpms,
  metadataFiles,
  relocated,
  withPrimary,
} from '../../../../src/publish/dnf/metadata.ts';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)] as const;

const data = (type: string, path = `repodata/${A}-${type}.xml.gz`) => `  <data type="${type}">
    <checksum type="sha256">${A}</checksum>
    <open-checksum type="sha256">${B}</open-checksum>
    <location href="${path}"/>
    <timestamp>1795857386</timestamp>
    <size>1434</size>
    <open-size>5056</open-size>
  </data>
`;
const repomd = (...parts: string[]) => `<repomd>\n  <revision>1</revision>\n${parts.join('')}</repomd>\n`;
const OWN = [data('primary'), data('filelists'), data('other')];

describe('repomd.xml', () => {
  it('lists the metadata', () => {
    expect(metadataFiles(repomd(...OWN))?.[0]).toEqual({
      type: 'primary',
      path: `repodata/${A}-primary.xml.gz`,
      size: 1434,
      sha256: A,
      content: B,
    });
  });

  it.each<[string, string]>([
    ['another kind of metadata', repomd(...OWN, data('modules'))],
    ['a kind that is missing', repomd(...OWN.slice(1))],
    ['a path outside its folder', repomd(...OWN.slice(1), data('primary', 'repodata/../../x.gz'))],
    ['a path with folders', repomd(...OWN.slice(1), data('primary', 'elsewhere/x.gz'))],
    ['another digest', repomd(...OWN).replace('checksum type="sha256"', 'checksum type="sha1"')],
    ['no size', repomd(...OWN).replace('<size>1434</size>', '')],
    ['nothing', ''],
  ])('is not known with %s', (_, text) => expect(metadataFiles(text)).toBeUndefined());

  it('lists another primary.xml', () => {
    const next = { type: 'primary', path: `repodata/${B}-primary.xml.gz`, size: 5, sha256: B, content: A };
    const text = withPrimary(repomd(...OWN), next, 7);
    expect(metadataFiles(text)).toEqual([next, ...(metadataFiles(repomd(...OWN)) ?? []).slice(1)]);
    expect(text).toContain('<open-size>7</open-size>');
  });

  it('has the same content in any order', () => {
    const files = metadataFiles(repomd(...OWN)) ?? [];
    expect(contentText(files)).toBe(contentText(files.toReversed()));
    expect(contentText(files)).toBe(`${B} filelists\n${B} other\n${B} primary\n`);
  });
});

const rpm = (epoch: string, arch = 'x86_64') => `<package type="rpm">
  <name>coturn</name>
  <arch>${arch}</arch>
  <version epoch="${epoch}" ver="4.18.0+turnbuild" rel="1"/>
  <checksum type="sha256" pkgid="YES">${A}</checksum>
  <location href="../../pool/coturn-4.18.0+turnbuild-1.${arch}.rpm"/>
</package>
`;
const primary = (count: number, ...packages: string[]) =>
  `<metadata xmlns="x" packages="${count}">\n${packages.join('')}</metadata>\n`;

describe('primary.xml', () => {
  it('lists packages', () => {
    const expected = {
      name: 'coturn',
      version: '4.18.0+turnbuild-1',
      architecture: 'x86_64',
      sha256: A,
      file: 'coturn-4.18.0+turnbuild-1.x86_64.rpm',
    };
    expect(listedRpms(primary(2, rpm('0'), rpm('1')))).toEqual([
      expected,
      { ...expected, version: '1:4.18.0+turnbuild-1' },
    ]);
    expect(listedRpms(primary(0))).toEqual([]);
  });

  it('says where the packages are', () => {
    const elsewhere = { base: 'https://example.org/a&b/dnf/', folder: 'pool/' };
    const moved = relocated(primary(2, rpm('0'), rpm('1')), elsewhere);
    expect(moved.match(/<location .*/g)).toEqual(
      Array(2).fill(
        '<location xml:base="https://example.org/a&amp;b/dnf/" href="pool/coturn-4.18.0+turnbuild-1.x86_64.rpm"/>',
      ),
    );
    expect(relocated(moved, { folder: '../../pool/' })).toBe(primary(2, rpm('0'), rpm('1')));
  });

  it.each<[string, string]>([
    ['fewer packages than it says', primary(2, rpm('0'))],
    ['a package without a digest', primary(1, rpm('0').replace(/<checksum.*\n/, ''))],
    ['no number of packages', '<metadata></metadata>'],
  ])('cannot be read with %s', (_, text) => expect(listedRpms(text)).toBeUndefined());
});
