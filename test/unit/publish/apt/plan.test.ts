import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { StoredFile } from '../../../../src/io/store.ts';
import { type IndexedPackage, parsePackages } from '../../../../src/publish/apt/packages-index.ts';
import {
  type AptFacts,
  expiryNotes,
  type NewPackage,
  neededPaths,
  nextSuite,
  type PublishedSuite,
  planApt,
  type SuiteChange,
  withNewest,
  withoutReleases,
  withPackages,
  withPromoted,
} from '../../../../src/publish/apt/plan.ts';
import { contentText, listedFiles } from '../../../../src/publish/apt/release-file.ts';

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');
const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.parse('2026-11-28T00:00:00Z');

function indexed(version: string, architecture: string, content = version): IndexedPackage {
  const path = `pool/main/c/coturn/coturn_${version}_${architecture}.deb`;
  const text = `Package: coturn\nVersion: ${version}\nArchitecture: ${architecture}\nFilename: ${path}\nSize: 100\nSHA256: ${sha256(content)}`;
  return parsePackages(text)[0] as IndexedPackage;
}

function fresh(
  version: string,
  architecture: string,
  suite = 'trixie-testing',
  content?: string,
): NewPackage {
  return {
    suite,
    file: `coturn_${version}_${architecture}.deb`,
    indexed: indexed(version, architecture, content),
  };
}

const empty = (suite: string): PublishedSuite => ({
  suite,
  date: undefined,
  origin: undefined,
  signer: undefined,
  listed: [],
  byHash: [],
  packages: new Map(),
});

/** Suites, and what they will be. */
const changing = (suites: SuiteChange[], compress = (text: string) => Buffer.from(`compressed ${text}`)) => ({
  suites,
  next: suites.map((suite) => nextSuite(suite, compress)),
});

/** Facts about a repository that has these packages, and these files beside them. */
function facts(
  packages: NewPackage[],
  suites: PublishedSuite[],
  stored: Record<string, string> = {},
): AptFacts {
  return {
    where: '/srv/packages',
    channel: 'testing',
    key: 'F'.repeat(40),
    signer: 'S'.repeat(40),
    url: undefined,
    origin: undefined,
    ...changing(
      suites.map((suite) =>
        withPackages(
          suite,
          packages.filter((each) => each.suite === suite.suite).map((each) => each.indexed),
          '/srv/packages',
        ),
      ),
    ),
    packages,
    clientFiles: new Map([['key.asc', Buffer.from('key')]]),
    stored: new Map<string, StoredFile>(
      Object.entries(stored).map(([path, digest]) => [path, { size: 100, sha256: digest }]),
    ),
    now: NOW,
    sha256,
  };
}

/** A suite as it is after a plan was performed. */
function published(plan: ReturnType<typeof planApt>, suite: string, date = NOW - 1000): PublishedSuite {
  const next = plan.suites.find((each) => each.suite === suite);
  const indices = [...(next?.indices ?? [])].filter(([path]) => path.endsWith('/Packages'));
  return {
    suite,
    date,
    origin: 'turnbuild',
    signer: 'S'.repeat(40),
    listed: indices.map(([path, bytes]) => ({ path, size: bytes.length, sha256: sha256(bytes) })),
    byHash: plan.destination.actions.flatMap(({ path }) => (path.includes('/by-hash/') ? path : [])),
    packages: new Map(
      indices.map(([path, bytes]) => [
        path.split('/')[1]?.slice('binary-'.length) ?? '',
        parsePackages(Buffer.from(bytes).toString()),
      ]),
    ),
  };
}

const first = () => planApt(facts([fresh('1', 'amd64'), fresh('1', 'arm64')], [empty('trixie-testing')]));

describe('planApt', () => {
  it('stores packages first, then indices by hash, then their usual names, and InRelease last', () => {
    const { actions } = first().destination;
    const kinds = actions.map(({ do: what, path }) => [what, path.replace(/[0-9a-f]{64}$/, 'HASH')]);
    const folder = 'apt/dists/trixie-testing/main/binary-';
    expect(kinds).toEqual([
      ['create', 'apt/pool/main/c/coturn/coturn_1_amd64.deb'],
      ['create', 'apt/pool/main/c/coturn/coturn_1_arm64.deb'],
      ['create', `${folder}amd64/by-hash/SHA256/HASH`],
      ['create', `${folder}arm64/by-hash/SHA256/HASH`],
      ['replace', 'key.asc'],
      ['replace', `${folder}amd64/Packages.gz`],
      ['replace', `${folder}arm64/Packages.gz`],
      ['point', 'apt/dists/trixie-testing/InRelease'],
    ]);
  });

  it('has the content of every file that it stores, except packages and InRelease', () => {
    const { destination, contents } = first();
    for (const { path, sha256: digest, file } of destination.actions) {
      if (file !== undefined || path.endsWith('/InRelease')) continue;
      expect(sha256(contents.get(path) ?? ''), path).toBe(digest);
    }
  });

  it('keeps what is published', () => {
    const suite = published(first(), 'trixie-testing');
    const next = planApt(facts([fresh('2', 'arm64')], [suite]));
    const after = published(next, 'trixie-testing');
    const versions = (architecture: string) =>
      after.packages.get(architecture)?.map(({ version }) => version);
    expect(versions('amd64')).toEqual(['1']);
    expect(versions('arm64')).toEqual(['1', '2']);
  });

  it('changes nothing if everything is published', () => {
    const plan = first();
    const packages = [fresh('1', 'amd64'), fresh('1', 'arm64')];
    const stored = Object.fromEntries(
      plan.destination.actions.map(({ path, sha256: digest = '' }) => [path, digest]),
    );
    const again = planApt(facts(packages, [published(plan, 'trixie-testing')], stored));
    expect(again.destination.actions.map((each) => each.do)).toEqual(['reuse', 'reuse', 'reuse']);
    const [pointer] = again.destination.pointers;
    expect(pointer?.before).toBe(pointer?.after);
  });

  it('signs again what another subkey has signed, and changes nothing else', () => {
    const suite = { ...published(first(), 'trixie-testing'), signer: 'O'.repeat(40) };
    const { actions } = planApt(facts([fresh('1', 'amd64')], [suite])).destination;
    const kinds = actions
      .filter(({ file }) => file === undefined)
      .map(({ do: what, path }) => `${what} ${path}`);
    expect(kinds).toEqual(['replace key.asc', 'point apt/dists/trixie-testing/InRelease']);
  });

  it('stores indices that this machine compresses differently when it signs them again', () => {
    const given = facts([], [{ ...published(first(), 'trixie-testing'), signer: 'O'.repeat(40) }]);
    const other = { ...given, ...changing([...given.suites], (text) => Buffer.from(`otherwise ${text}`)) };
    const { actions } = planApt(other).destination;
    expect(actions.filter(({ path }) => path.includes('/by-hash/')).map((each) => each.do)).toEqual([
      'create',
      'create',
    ]);
  });

  it('stores indices again when a suite returns to them, because their age counts', () => {
    const suite = published(first(), 'trixie-testing');
    const next = planApt(facts([fresh('2', 'amd64')], [suite]));
    const stored = Object.fromEntries(
      next.destination.actions.map(({ path, sha256: digest = '' }) => [path, digest]),
    );
    const again = planApt(facts([fresh('2', 'amd64')], [suite], stored)).destination.actions;
    expect(again.filter(({ path }) => path.includes('/by-hash/')).map((each) => each.do)).toEqual([
      'replace',
      'replace',
    ]);
  });

  it.each<[string, number | undefined, number | undefined, boolean]>([
    ['has no end', undefined, 10, true],
    ['has less than half of its time left', 4.9, 10, true],
    ['has more than half of its time left', 5.1, 10, false],
    ['has a later end than it should', 20, 10, true],
    ['has expired', -1, 10, true],
    ['ends, and that is no longer asked for', 1, undefined, false],
    ['has no end, and none is asked for', undefined, undefined, false],
  ])('signs again a suite that %s', (_, days, validFor, isSigned) => {
    const validUntil = days === undefined ? undefined : NOW + days * DAY;
    const suite = { ...published(first(), 'trixie-testing'), validUntil };
    const plan = planApt({ ...facts([], [suite]), validFor });
    expect(plan.suites).toHaveLength(isSigned ? 1 : 0);
    expect(plan.destination.actions.some((each) => each.do === 'point')).toBe(isSigned);
    expect(plan.destination.validFor).toBe(validFor);
  });

  it('warns about suites that expire within a week', () => {
    const suites = [
      { suite: 'bookworm' },
      { suite: 'trixie', validUntil: NOW + 8 * DAY },
      { suite: 'forky', validUntil: NOW + 6 * DAY },
      { suite: 'sid', validUntil: NOW - DAY },
    ];
    expect(expiryNotes(suites, NOW)).toEqual([
      expect.stringContaining('forky expires on 2026-12-04'),
      expect.stringContaining('sid expired on 2026-11-27'),
    ]);
  });

  it('does not change a published paragraph that apt-ftparchive would write differently now', () => {
    const plan = first();
    const own = fresh('1', 'amd64');
    const other = { ...own, indexed: { ...own.indexed, text: `${own.indexed.text}\nNew: field` } };
    const { pointers } = planApt(facts([other], [published(plan, 'trixie-testing')])).destination;
    expect(pointers[0]?.before).toBe(pointers[0]?.after);
  });

  it('plans only the suites that change', () => {
    const suites = [empty('bookworm-testing'), published(first(), 'trixie-testing')];
    const plan = planApt(facts([fresh('1', 'amd64'), fresh('1', 'amd64', 'bookworm-testing')], suites));
    expect(plan.suites.map(({ suite }) => suite)).toEqual(['bookworm-testing']);
    expect(plan.destination.pointers.map(({ before }) => before === null)).toEqual([true, false]);
  });

  it('finds out about every file before it stores it', () => {
    const given = facts([fresh('1', 'amd64')], [empty('trixie-testing')]);
    const needed = neededPaths(given);
    const { actions } = planApt(given).destination;
    expect(actions.filter((each) => each.do === 'create').every(({ path }) => needed.includes(path))).toBe(
      true,
    );
  });

  it.each<[string, () => AptFacts]>([
    [
      'a package with the same name',
      () =>
        facts([fresh('1', 'amd64')], [empty('trixie-testing')], {
          'apt/pool/main/c/coturn/coturn_1_amd64.deb': 'e'.repeat(64),
        }),
    ],
    [
      'a package of the same version',
      () => facts([fresh('1', 'amd64', 'trixie-testing', 'other')], [published(first(), 'trixie-testing')]),
    ],
  ])('refuses to replace %s', (_, given) => {
    expect(() => planApt(given())).toThrow(expect.objectContaining({ code: 'PUBLISHED_DIFFERS' }));
  });

  it('refuses a clock that is before the published date', () => {
    const suite = published(first(), 'trixie-testing', NOW + 1000);
    expect(() => planApt(facts([fresh('2', 'arm64')], [suite]))).toThrow(
      expect.objectContaining({ code: 'CLOCK_WRONG' }),
    );
  });
});

describe('a promoted release', () => {
  const V = (n: number) => `4.${n}.0+turnbuild-1~deb13`;
  /** A suite with these versions for amd64. */
  const suite = (...versions: string[]): PublishedSuite => ({
    ...empty('trixie'),
    packages: new Map([['amd64', versions.map((version) => indexed(version, 'amd64'))]]),
  });
  const versionsIn = ({ next }: ReturnType<typeof withPromoted>) =>
    next.get('amd64')?.map(({ version }) => version);
  const promoted = (own: PublishedSuite, from: PublishedSuite, release: string) =>
    versionsIn(withPromoted(own, from, release, 'x'));

  it('is added from the other channel, and older ones stay', () => {
    expect(promoted(suite(V(17)), suite(V(18), V(19)), '4.18.0+turnbuild-1')).toEqual([V(17), V(18)]);
    expect(promoted(empty('trixie'), suite(V(18)), '4.18.0+turnbuild-1')).toEqual([V(18)]);
  });

  it('is the newest one of the channel: a rollback removes newer ones', () => {
    expect(promoted(suite(V(9), V(17), V(18)), suite(V(19)), '4.17.0+turnbuild-1')).toEqual([V(9), V(17)]);
  });

  it('must be the same in both channels', () => {
    const other = { ...suite(), packages: new Map([['amd64', [indexed(V(18), 'amd64', 'other')]]]) };
    expect(() => withPromoted(suite(V(18)), other, '4.18.0+turnbuild-1', 'x')).toThrow(
      expect.objectContaining({ code: 'PUBLISHED_DIFFERS' }),
    );
  });

  it('stays if it is among the newest of its architecture, as does what turnbuild has not made', () => {
    const own = suite('1.0-1', V(9), V(17), V(18));
    const two = { ...own, packages: new Map([...own.packages, ['arm64', [indexed(V(9), 'arm64')]]]) };
    const { next } = withNewest(two, 2);
    expect(next.get('amd64')?.map(({ version }) => version)).toEqual(['1.0-1', V(17), V(18)]);
    expect(next.get('arm64')).toHaveLength(1);
  });

  it('leaves all channels when it is withdrawn, and nothing else does', () => {
    const { next, published: before } = withoutReleases(suite(V(17), V(18), '1.0-1'), ['4.18.0+turnbuild-1']);
    expect(next.get('amd64')?.map(({ version }) => version)).toEqual([V(17), '1.0-1']);
    expect(before.packages.get('amd64')).toHaveLength(3);
  });
});

describe('a Release', () => {
  const HASH = 'b'.repeat(64);
  const release = `Origin: turnbuild
MD5Sum:
 ${'c'.repeat(32)} 1 main/binary-amd64/Packages
SHA256:
 ${HASH}      1200 main/binary-arm64/Packages.gz
 ${HASH} 5 main/binary-amd64/Packages
SHA512:
 ${'d'.repeat(128)} 5 main/binary-amd64/Packages
`;

  it('lists its files with their SHA-256', () => {
    expect(listedFiles(release)).toEqual([
      { path: 'main/binary-amd64/Packages', size: 5, sha256: HASH },
      { path: 'main/binary-arm64/Packages.gz', size: 1200, sha256: HASH },
    ]);
    expect(listedFiles('Origin: x\n')).toEqual([]);
  });

  it('has the same content in any order', () => {
    const files = listedFiles(release);
    expect(contentText(files)).toBe(contentText(files.toReversed()));
  });
});
