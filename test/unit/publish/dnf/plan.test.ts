import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { StoredFile } from '../../../../src/io/store.ts';
import type { MetadataFile } from '../../../../src/publish/dnf/metadata.ts';
import {
  type DnfFacts,
  missingRpms,
  type NewRpm,
  neededPaths,
  planDnf,
} from '../../../../src/publish/dnf/plan.ts';

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

const metadata = (content: string): MetadataFile[] =>
  ['primary', 'filelists', 'other'].map((type) => ({
    type,
    path: `repodata/${sha256(content + type)}-${type}.xml.gz`,
    size: 10,
    sha256: sha256(content + type),
    content: sha256(`unpacked ${content} ${type}`),
  }));

function rpm(version: string, content = version): NewRpm {
  const file = `coturn-${version}.x86_64.rpm`;
  const [architecture, repository] = ['x86_64', 'x86_64'];
  return {
    name: 'coturn',
    version,
    architecture,
    repository,
    file,
    sha256: sha256(content),
    size: 100,
    built: 1,
  };
}

function facts(change: Partial<DnfFacts> = {}): DnfFacts {
  return {
    where: '/srv/packages',
    channel: 'testing',
    key: 'F'.repeat(40),
    published: [{ architecture: 'x86_64', files: undefined, packages: [] }],
    next: [{ architecture: 'x86_64', files: metadata('1') }],
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
  it('stores packages, then the new state, then the plain repository, and points to the state last', () => {
    const { actions } = planDnf(facts());
    const base = (folder: string) => [
      ...['primary', 'filelists', 'other'].map((type) => `create ${folder}/repodata/HASH-${type}.xml.gz`),
      `replace ${folder}/repodata/repomd.xml.asc`,
      `replace ${folder}/repodata/repomd.xml`,
    ];
    expect(actions.map(({ do: what, path }) => `${what} ${short(path)}`)).toEqual([
      'create dnf/pool/coturn-1-1.x86_64.rpm',
      ...base('dnf/testing/x86_64-STATE'),
      'replace key.asc',
      ...base('dnf/testing/x86_64'),
      'point dnf/testing/x86_64/mirrorlist',
    ]);
    expect(actions[0]?.file).toBe('signed/coturn-1-1.x86_64.rpm');
  });

  it('gives each state a folder of its own', () => {
    const folder = (content: string) =>
      planDnf(facts({ next: [{ architecture: 'x86_64', files: metadata(content) }] })).actions[1]?.path.split(
        '/',
      )[2];
    expect(folder('1')).toMatch(/^x86_64-[0-9a-f]{16}$/);
    expect(folder('1')).not.toBe(folder('2'));
  });

  it('changes nothing if everything is published', () => {
    const plan = planDnf(facts());
    const stored = new Map<string, StoredFile>(
      plan.actions.flatMap(({ path, sha256: digest, size = 0 }) =>
        digest === undefined ? [] : [[path, { size, sha256: digest }] as const],
      ),
    );
    const published = [{ architecture: 'x86_64', files: metadata('1'), packages: [rpm('1-1')] }];
    const again = planDnf(facts({ published, stored }));
    expect(again.actions.map((each) => each.do)).toEqual(['reuse', 'reuse']);
    expect(again.pointers[0]?.before).toBe(again.pointers[0]?.after);
  });

  it('finds out about every file before it stores it', () => {
    const needed = neededPaths(facts());
    const created = planDnf(facts()).actions.filter((each) => each.do === 'create');
    expect(created).toHaveLength(7);
    expect(created.every(({ path }) => needed.includes(path))).toBe(true);
  });

  it('refuses another content of a stored package', () => {
    const stored = new Map([['dnf/pool/coturn-1-1.x86_64.rpm', { size: 1, sha256: 'e'.repeat(64) }]]);
    expect(() => planDnf(facts({ stored }))).toThrow(expect.objectContaining({ code: 'PUBLISHED_DIFFERS' }));
  });
});

describe('missingRpms', () => {
  const published = { architecture: 'x86_64', files: metadata('1'), packages: [rpm('1-1')] };

  it('are those of this repository that it does not list', () => {
    const others = { ...rpm('3-1'), repository: 'aarch64' };
    expect(missingRpms(published, [rpm('1-1'), rpm('2-1'), others], 'x')).toEqual([rpm('2-1')]);
  });

  it('must not be another content of a listed version', () => {
    expect(() => missingRpms(published, [rpm('1-1', 'other')], 'x')).toThrow(
      expect.objectContaining({ code: 'PUBLISHED_DIFFERS' }),
    );
  });
});
