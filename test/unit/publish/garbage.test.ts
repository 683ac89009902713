import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { StoredName } from '../../../src/io/store.ts';
import { APT } from '../../../src/publish/apt/garbage.ts';
import { DNF } from '../../../src/publish/dnf/garbage.ts';
import { deletions, expiredMetadata, overtaken, type RepositoryKind } from '../../../src/publish/garbage.ts';

const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.parse('2026-11-28T00:00:00Z');
const KEEP = { releases: 3, days: 30, withdrawn: false, at: new Date(NOW).toISOString() };
const SUITE = 'apt/dists/trixie';
const hash = (letter: string) => `${SUITE}/main/binary-amd64/by-hash/SHA256/${letter.repeat(64)}`;
const debOf = (version: string) => `apt/pool/main/c/coturn/coturn_${version}+turnbuild-1~deb13_amd64.deb`;
const rpmOf = (version: string, end = 'x86_64') => `dnf/pool/coturn-${version}+turnbuild-1.${end}.rpm`;

/** Files by path, with the days since they were stored. */
const stored = (ages: Record<string, number>): StoredName[] =>
  Object.entries(ages).map(([path, days]) => ({ path, size: 10, modified: NOW - days * DAY }));

function expired(
  kind: RepositoryKind,
  ages: Record<string, number>,
  { before = [], after = [], days = KEEP.days }: { before?: string[]; after?: string[]; days?: number },
) {
  const files = stored(ages);
  const found = expiredMetadata(kind.series(files), files, [{ before, after }], { ...KEEP, days });
  return found.expired.map(({ path }) => path);
}

describe('an index under its hash', () => {
  const ages = { [`${SUITE}/InRelease`]: 10, [hash('a')]: 90, [hash('b')]: 60, [hash('c')]: 10 };
  const current = { before: [hash('c')], after: [hash('c')] };

  it('expires some days after the next one was stored, however old it is', () => {
    // a was followed by b 60 days ago, b by c 10 days ago.
    expect(expired(APT, ages, current)).toEqual([hash('a')]);
    expect(expired(APT, ages, { ...current, days: 5 })).toEqual([hash('a'), hash('b')]);
  });

  it('never expires while a suite leads to it, before or after', () => {
    expect(expired(APT, ages, { before: [hash('c')], after: [hash('a')] })).toEqual([]);
    // Taken out of use by this very plan.
    expect(expired(APT, ages, { before: [hash('a')], after: [hash('c')] })).toEqual([]);
    expect(expired(APT, ages, { before: [hash('c')], after: [hash('d')], days: 0 })).toContain(hash('c'));
  });

  it('expires after the last InRelease if none was stored later', () => {
    // After a rollback to a: b was used until then.
    const rolled = { [`${SUITE}/InRelease`]: 10, [hash('a')]: 90, [hash('b')]: 60 };
    expect(expired(APT, rolled, { before: [hash('a')], after: [hash('a')] })).toEqual([]);
    const long = { ...rolled, [`${SUITE}/InRelease`]: 40 };
    expect(expired(APT, long, { before: [hash('a')], after: [hash('a')] })).toEqual([hash('b')]);
  });

  it('is stored again before it is left, if a run that was killed has stored another one after it', () => {
    const left = (path: string) => overtaken(APT.series(stored(ages)), [path]).map((file) => file.path);
    expect(left(hash('b'))).toEqual([hash('b')]);
    expect(left(hash('c'))).toEqual([]);
  });

  it('stays for an hour if a run may still be about to lead to it, whatever the days', () => {
    const minutes = (ago: number) => ({ ...ages, [hash('d')]: ago / (24 * 60) });
    expect(expired(APT, minutes(59), { ...current, days: 0 })).toEqual([hash('a'), hash('b')]);
    expect(expired(APT, minutes(61), { ...current, days: 0 })).toEqual([hash('a'), hash('b'), hash('d')]);
    // Stored before what is in use: something has led to it, or never will.
    const used = { [`${SUITE}/InRelease`]: 0, [hash('a')]: 0.002, [hash('b')]: 0.001 };
    expect(expired(APT, used, { before: [hash('b')], after: [hash('b')], days: 0 })).toEqual([hash('a')]);
  });

  it('stays if there is no InRelease, which may have been lost', () => {
    const { [`${SUITE}/InRelease`]: _, ...others } = ages;
    expect(expired(APT, others, {})).toEqual([]);
  });
});

describe('a state of a dnf repository', () => {
  const base = 'dnf/stable/portable/x86_64';
  const state = (letter: string) => `${base}-${letter.repeat(16)}/`;
  const data = (letter: string, type: string) => `repodata/${letter.repeat(64)}-${type}.xml.gz`;
  const ages = {
    [`${base}/mirrorlist`]: 10,
    [`${base}/repodata/repomd.xml`]: 10,
    [`${state('a')}repodata/repomd.xml`]: 90,
    [`${state('a')}${data('a', 'primary')}`]: 90,
    [`${state('b')}repodata/repomd.xml.asc`]: 60,
    [`${state('b')}${data('b', 'primary')}`]: 60,
    [`${state('c')}repodata/repomd.xml`]: 10,
    [`${base}/${data('a', 'primary')}`]: 90,
    // Stored just after the other file of the same state.
    [`${base}/${data('a', 'other')}`]: 89.999,
    [`${base}/${data('c', 'primary')}`]: 10,
    [`${base}/${data('c', 'other')}`]: 10,
  };
  const reach = [state('c'), `${base}/${data('c', 'primary')}`, `${base}/${data('c', 'other')}`];

  it('expires some days after the next one was stored, as do the files under the plain base', () => {
    expect(expired(DNF, ages, { before: reach, after: reach })).toEqual([state('a')]);
    expect(expired(DNF, ages, { before: reach, after: reach, days: 5 })).toEqual([
      state('a'),
      state('b'),
      `${base}/${data('a', 'primary')}`,
      `${base}/${data('a', 'other')}`,
    ]);
  });

  it('is deleted with all its files, and nothing else is', () => {
    const files = stored({
      ...ages,
      [`${state('a')}notes.txt`]: 90,
      [`${base}-old/repodata/repomd.xml`]: 90,
    });
    const { expired: those } = expiredMetadata(
      DNF.series(files),
      files,
      [{ before: reach, after: reach }],
      KEEP,
    );
    const paths = deletions({ files, expired: those, listed: new Set(), withdrawn: [] }, DNF, KEEP).map(
      ({ path }) => path,
    );
    expect(paths).toEqual([`${state('a')}repodata/repomd.xml`, `${state('a')}${data('a', 'primary')}`]);
  });

  it('keeps the packages that it lists', () => {
    const xml = `<metadata xmlns="x" packages="1"><package type="rpm"><name>coturn</name><arch>x86_64</arch><version epoch="0" ver="4.18.0+turnbuild" rel="1"/><checksum type="sha256" pkgid="YES">${'a'.repeat(64)}</checksum><location href="../../../pool/coturn-4.18.0+turnbuild-1.x86_64.rpm"/></package></metadata>`;
    expect(DNF.packagesIn(gzipSync(xml))).toEqual([rpmOf('4.18.0')]);
    expect(() => DNF.packagesIn(gzipSync('<metadata/>'))).toThrow();
  });
});

describe('a package', () => {
  const deleted = (
    kind: RepositoryKind,
    ages: Record<string, number>,
    {
      listed = [],
      withdrawn = [],
      keep = KEEP,
    }: Partial<{ listed: string[]; withdrawn: string[]; keep: typeof KEEP }>,
  ) =>
    deletions({ files: stored(ages), expired: [], listed: new Set(listed), withdrawn }, kind, keep).map(
      ({ path }) => path,
    );

  it('is deleted if nothing lists it', () => {
    const ages = { [debOf('4.17.0')]: 90, [debOf('4.18.0')]: 60 };
    expect(deleted(APT, ages, { listed: [debOf('4.18.0')] })).toEqual([debOf('4.17.0')]);
    const rpms = { [rpmOf('4.17.0')]: 90, [rpmOf('4.17.0', 'el9.src')]: 90, [rpmOf('4.18.0')]: 60 };
    expect(deleted(DNF, rpms, { listed: [rpmOf('4.18.0')] })).toEqual([
      rpmOf('4.17.0'),
      rpmOf('4.17.0', 'el9.src'),
    ]);
  });

  it('stays while a run that was interrupted may need it', () => {
    expect(deleted(APT, { [debOf('4.19.0')]: 29 }, {})).toEqual([]);
    expect(deleted(APT, { [debOf('4.19.0')]: 30 }, {})).toEqual([debOf('4.19.0')]);
  });

  it('stays if its release was withdrawn, unless those are to be deleted, too', () => {
    const withdrawn = ['4.17.0+turnbuild-1'];
    const ages = { [debOf('4.16.0')]: 90, [debOf('4.17.0')]: 90 };
    expect(deleted(APT, ages, { withdrawn })).toEqual([debOf('4.16.0')]);
    expect(deleted(APT, ages, { withdrawn, keep: { ...KEEP, withdrawn: true } })).toEqual(Object.keys(ages));
  });

  it.each([
    [APT, 'apt/pool/main/c/coturn/coturn_4.6.1-1_amd64.deb'],
    [APT, 'apt/pool/main/c/coturn/README'],
    [APT, 'apt/pool/main/o/other/other_4.18.0+turnbuild-1_amd64.deb'],
    [APT, 'apt/dists/trixie/main/binary-amd64/by-hash/SHA256/notes'],
    [DNF, 'dnf/pool/coturn-4.6.1-1.el9.x86_64.rpm'],
    [DNF, 'dnf/pool/sub/coturn-4.18.0+turnbuild-1.x86_64.rpm'],
    [DNF, 'dnf/stable/portable/x86_64/repodata/productid.gz'],
  ])('or any other file that turnbuild would not write stays: %#', (kind, path) => {
    expect(deleted(kind, { [path]: 9999 }, {})).toEqual([]);
    expect(kind.series(stored({ [path]: 9999 }))).toEqual([]);
  });
});
