import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { StoredFile } from '../../../../src/io/store.ts';
import type { MetadataFile } from '../../../../src/publish/dnf/metadata.ts';
import {
  type DnfFacts,
  mirrorList,
  type NewRpm,
  neededPaths,
  plainAfter,
  planDnf,
} from '../../../../src/publish/dnf/plan.ts';
import { missingFrom } from '../../../../src/publish/select.ts';
import { independentGroups } from '../../../../src/publish/side-by-side.ts';

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

const metadata = (content: string): MetadataFile[] =>
  ['primary', 'filelists', 'other'].map((type) => ({
    type,
    path: `repodata/${sha256(content + type)}-${type}.xml.gz`,
    size: 10,
    sha256: sha256(content + type),
    content: sha256(`unpacked ${content} ${type}`),
  }));

const NAME = { channel: 'testing', target: 'portable', architecture: 'x86_64' } as const;
const URL_OF_CLIENTS = 'https://packages.example.org';

function rpm(version: string, content = version): NewRpm {
  return {
    ...{ name: 'coturn', version, architecture: 'x86_64', repository: 'x86_64', target: 'portable' },
    ...{ file: `coturn-${version}.x86_64.rpm`, sha256: sha256(content), size: 100, built: 1 },
  };
}

const next = (content: string, isStored = false) => ({
  ...{ name: NAME, files: metadata(content), plain: metadata(`plain ${content}`), isStored },
});
const absent = {
  ...{ name: NAME, list: undefined, signer: undefined, files: undefined, packages: [] },
  ...{ plain: undefined, plainSigner: undefined },
};
const SIGNER = 'S'.repeat(40);
const OTHER = 'O'.repeat(40);
const listOf = (content: string, url = URL_OF_CLIENTS) => mirrorList(next(content), { sha256, url });
const published = (content: string, url?: string) => ({
  ...{
    name: NAME,
    list: listOf(content, url),
    signer: SIGNER,
    files: metadata(content),
    plain: metadata(`plain ${content}`),
    plainSigner: SIGNER,
    packages: [rpm('1-1')],
  },
});

function facts(change: Partial<DnfFacts> = {}): DnfFacts {
  return {
    where: '/srv/packages',
    channel: 'testing',
    key: 'F'.repeat(40),
    signer: SIGNER,
    url: URL_OF_CLIENTS,
    changes: [{ published: absent, next: next('1') }],
    packages: [rpm('1-1')],
    clientFiles: new Map([['key.asc', Buffer.from('key')]]),
    stored: new Map(),
    sha256,
    ...change,
  };
}

const short = (path: string) =>
  path.replaceAll(/[0-9a-f]{64}/g, 'HASH').replace(/-[0-9a-f]{16}\//, '-STATE/');

describe('planDnf', () => {
  it('repairs a plain base that a run that was killed has changed before the mirror list', () => {
    const own = { ...published('1'), plain: metadata('plain 2') };
    const { actions } = planDnf(
      facts({ changes: [{ published: own, next: next('1', true) }], packages: [] }),
    );
    const written = actions.map(({ do: what, path }) => `${what} ${short(path)}`);
    expect(written).toContain('replace dnf/testing/portable/x86_64/repodata/repomd.xml');
    expect(written).not.toContain('point dnf/testing/portable/x86_64/mirrorlist');
    const nothing = planDnf(
      facts({ changes: [{ published: published('1'), next: next('1', true) }], packages: [] }),
    );
    expect(nothing.actions.map(({ path }) => path)).toEqual(['key.asc']);
  });

  it('stores packages, then the new state, then the plain repository, and points to the state last', () => {
    const { actions } = planDnf(facts());
    const base = (folder: string) => [
      ...['primary', 'filelists', 'other'].map((type) => `create ${folder}/repodata/HASH-${type}.xml.gz`),
      `replace ${folder}/repodata/repomd.xml.asc`,
      `replace ${folder}/repodata/repomd.xml`,
    ];
    expect(actions.map(({ do: what, path }) => `${what} ${short(path)}`)).toEqual([
      'create dnf/pool/coturn-1-1.x86_64.rpm',
      'replace key.asc',
      ...base('dnf/testing/portable/x86_64-STATE'),
      ...base('dnf/testing/portable/x86_64'),
      'point dnf/testing/portable/x86_64/mirrorlist',
    ]);
    expect(actions[0]?.file).toBe('signed/coturn-1-1.x86_64.rpm');
  });

  it('gives each state a folder of its own', () => {
    expect(listOf('1')).toMatch(
      /^https:\/\/packages\.example\.org\/dnf\/testing\/portable\/x86_64-[0-9a-f]{16}\/\n$/,
    );
    expect(listOf('1')).not.toBe(listOf('2'));
  });

  it('does not touch a state that was published before', () => {
    const { actions } = planDnf(facts({ changes: [{ published: published('2'), next: next('1', true) }] }));
    const replaced = actions.filter((each) => each.do === 'replace').map(({ path }) => short(path));
    expect(replaced).toEqual([
      'key.asc',
      'dnf/testing/portable/x86_64/repodata/repomd.xml.asc',
      'dnf/testing/portable/x86_64/repodata/repomd.xml',
    ]);
  });

  it('changes nothing if everything is published', () => {
    const plan = planDnf(facts());
    const stored = new Map<string, StoredFile>(
      plan.actions.flatMap(({ path, sha256: digest, size = 0 }) =>
        digest === undefined ? [] : [[path, { size, sha256: digest }] as const],
      ),
    );
    const again = planDnf(facts({ changes: [{ published: published('1'), next: next('1', true) }], stored }));
    expect(again.actions.map((each) => each.do)).toEqual(['reuse', 'reuse']);
    expect(again.pointers[0]?.before).toBe(again.pointers[0]?.after);
  });

  it('repairs a plain base with other content, and nothing else', () => {
    const old = { ...published('1'), plain: undefined };
    const { actions } = planDnf(
      facts({ packages: [], changes: [{ published: old, next: next('1', true) }] }),
    );
    const stored = actions.map(({ path }) => path).filter((path) => path !== 'key.asc');
    expect(stored).toHaveLength(5);
    expect(stored.every((path) => path.startsWith('dnf/testing/portable/x86_64/repodata/'))).toBe(true);
  });

  it('signs again what another subkey has signed', () => {
    const old = { ...published('1'), signer: OTHER, plainSigner: OTHER };
    const { actions } = planDnf(facts({ packages: [], changes: [{ published: old, next: next('1') }] }));
    const replaced = actions
      .filter((each) => each.do !== 'create')
      .map(({ do: what, path }) => `${what} ${short(path)}`);
    expect(replaced).toEqual([
      'replace key.asc',
      ...['repomd.xml.asc', 'repomd.xml'].map(
        (file) => `replace dnf/testing/portable/x86_64-STATE/repodata/${file}`,
      ),
      ...['repomd.xml.asc', 'repomd.xml'].map(
        (file) => `replace dnf/testing/portable/x86_64/repodata/${file}`,
      ),
    ]);
  });

  it('stores the key before anything that it has signed, also if files are stored side by side', () => {
    const old = { ...published('1'), signer: OTHER, plainSigner: OTHER };
    const own = facts({ packages: [], changes: [{ published: old, next: next('1') }] });
    const data = planDnf(own).actions.flatMap(({ path, size = 0, sha256: digest }) =>
      digest === undefined || path === 'key.asc' ? [] : [[path, { size, sha256: digest }] as const],
    );
    const { actions } = planDnf({ ...own, stored: new Map(data) });
    expect(new Set(actions.map((each) => each.do))).toEqual(new Set(['replace']));
    const [first, ...later] = independentGroups(actions).map((group) => group.map(({ path }) => path));
    expect(first).toEqual(['key.asc']);
    expect(later.flat().filter((path) => path.endsWith('/repomd.xml'))).toHaveLength(2);
  });

  it.each([
    ['is signed by another key or subkey', OTHER],
    ['has no good signature', undefined],
  ])('signs the plain base, and nothing else, if it %s', (_, plainSigner) => {
    const old = { ...published('1'), plainSigner };
    const change = { published: old, next: next('1', true) };
    const { actions } = planDnf(facts({ packages: [], changes: [change] }));
    const stored = actions.map(({ path }) => path).filter((path) => path !== 'key.asc');
    expect(stored).toHaveLength(5);
    expect(stored.every((path) => path.startsWith('dnf/testing/portable/x86_64/repodata/'))).toBe(true);
    // What is stored is also what clients are led to.
    expect(plainAfter(change, facts())).toBe(change.next.plain);
  });

  it('points anew if only the URL has changed', () => {
    const old = published('1', 'https://old.example.org');
    const { actions } = planDnf(
      facts({ packages: [], changes: [{ published: old, next: next('1', true) }] }),
    );
    expect(actions.map(({ do: what, path }) => `${what} ${path}`)).toEqual([
      'replace key.asc',
      'point dnf/testing/portable/x86_64/mirrorlist',
    ]);
  });

  it('finds out about every file before it stores it', () => {
    const needed = neededPaths(facts());
    const created = planDnf(facts()).actions.filter((each) => each.do === 'create');
    expect(created).toHaveLength(7);
    expect(created.every(({ path }) => needed.includes(path))).toBe(true);
  });

  it('refuses different content of a stored package', () => {
    const stored = new Map([['dnf/pool/coturn-1-1.x86_64.rpm', { size: 1, sha256: 'e'.repeat(64) }]]);
    expect(() => planDnf(facts({ stored }))).toThrow(expect.objectContaining({ code: 'PUBLISHED_DIFFERS' }));
  });
});

describe('missingFrom', () => {
  it('finds the packages that an index does not list', () => {
    const other = { ...rpm('1-1', 'arm'), architecture: 'aarch64' };
    expect(missingFrom([rpm('1-1')], [rpm('1-1'), rpm('2-1'), other], 'x')).toEqual([rpm('2-1'), other]);
  });

  it('refuses different content of a listed version', () => {
    expect(() => missingFrom([rpm('1-1')], [rpm('1-1', 'other')], 'x')).toThrow(
      expect.objectContaining({ code: 'PUBLISHED_DIFFERS' }),
    );
  });
});
