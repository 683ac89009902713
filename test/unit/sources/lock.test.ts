import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import {
  checkLock,
  type FoundSource,
  type LockedSource,
  parseLock,
  pinSource,
  type SourceLock,
} from '../../../src/sources/lock.ts';

const hex = (digit: string) => digit.repeat(64);
const lock: SourceLock = {
  schema: 1,
  sources: {
    '4.6.1': {
      sha256s: { debian: hex('d'), github: hex('9') },
      tree: hex('a'),
      epoch: 1,
      commit: 'c1',
      gitTree: 't1',
    },
  },
};
const good: FoundSource = { provider: 'debian', sha256: hex('d'), tree: hex('a'), epoch: 1 };

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    if (!(error instanceof TurnbuildError)) throw error;
    expect(error.hint).toBeDefined();
    return error.code;
  }
}

describe('checkLock', () => {
  test.each<[string, Partial<FoundSource>, string]>([
    ['accepts the pinned tarball', {}, 'ok'],
    ['accepts the same tree from a provider without a pin', { provider: 'file', sha256: hex('f') }, 'ok'],
    [
      'accepts the pinned commit',
      { provider: 'github', sha256: hex('9'), commit: 'c1', gitTree: 't1' },
      'ok',
    ],
    [
      'accepts a repacked GitHub tarball of the pinned commit',
      { provider: 'github', sha256: hex('0'), commit: 'c1' },
      'ok',
    ],
    [
      'refuses another tarball of the same tree from the same provider',
      { sha256: hex('e') },
      'SOURCE_SHA256_MISMATCH',
    ],
    ['refuses another tree', { tree: hex('b') }, 'SOURCE_TREE_MISMATCH'],
    [
      'refuses another tree from another provider',
      { provider: 'file', tree: hex('b') },
      'SOURCE_TREE_MISMATCH',
    ],
    ['refuses another commit', { provider: 'github', commit: 'c2' }, 'SOURCE_TAG_MOVED'],
    ['refuses another git tree', { provider: 'github', commit: 'c1', gitTree: 't2' }, 'SOURCE_TAG_MOVED'],
  ])('%s', (_, change, code) => {
    expect(codeOf(() => checkLock(lock, '4.6.1', { ...good, ...change }))).toBe(code);
  });

  test('refuses a version that is not pinned, and shows its sha256', () => {
    expect(codeOf(() => checkLock(lock, '4.6.2', good))).toBe('SOURCE_UNPINNED');
    expect(() => checkLock(lock, '4.6.2', good)).toThrow(hex('d'));
  });
});

describe('pinSource', () => {
  test('adds a pin that passes, and keeps the pins of other providers of the same tree', () => {
    const found = { ...good, provider: 'file', sha256: hex('f') };
    const updated = pinSource(lock, '4.6.1', found);
    expect(codeOf(() => checkLock(updated, '4.6.1', found))).toBe('ok');
    expect(updated.sources['4.6.1']).toMatchObject({
      commit: 'c1',
      sha256s: { debian: hex('d'), file: hex('f') },
    });
  });

  test('drops the pins of the old tree', () => {
    const updated = pinSource(lock, '4.6.1', { ...good, provider: 'file', sha256: hex('f'), tree: hex('b') });
    expect(updated.sources['4.6.1']?.sha256s).toEqual({ file: hex('f') });
    expect(updated.sources['4.6.1']?.commit).toBeUndefined();
    expect(lock.sources['4.6.1']?.tree).toBe(hex('a'));
  });
});

describe('parseLock', () => {
  test('reads a written lock', () => {
    expect(parseLock('lock', JSON.stringify(lock))).toEqual(lock);
  });

  test.each([
    ['invalid JSON', '{'],
    ['null', 'null'],
    ['a newer schema', '{"schema": 2, "sources": {}}'],
    ['a list as sources', '{"schema": 1, "sources": []}'],
    ['null as an entry', '{"schema": 1, "sources": {"4.6.1": null}}'],
    ['a short tree', JSON.stringify({ schema: 1, sources: { 1: { sha256s: {}, tree: 'ab', epoch: 1 } } })],
    [
      'a short sha256',
      JSON.stringify({ schema: 1, sources: { 1: { sha256s: { file: 'ab' }, tree: hex('a'), epoch: 1 } } }),
    ],
    ['a list as images', '{"schema": 1, "sources": {}, "images": []}'],
    ['null as images', '{"schema": 1, "sources": {}, "images": null}'],
    ['a short image digest', '{"schema": 1, "sources": {}, "images": {"debian:trixie-slim": "sha256:ab"}}'],
    ['a missing epoch', JSON.stringify({ schema: 1, sources: { 1: { sha256s: {}, tree: hex('a') } } })],
    [
      'a number as a commit',
      JSON.stringify({ schema: 1, sources: { 1: { sha256s: {}, tree: hex('a'), epoch: 1, commit: 5 } } }),
    ],
  ])('refuses %s, naming the file', (_, text) => {
    expect(codeOf(() => parseLock('recipes/sources.lock.json', text))).toBe('LOCK_INVALID');
    expect(() => parseLock('recipes/sources.lock.json', text)).toThrow('recipes/sources.lock.json: ');
  });
});

describe('the built-in lock', () => {
  const shipped = parseLock('sources.lock.json', readFileSync('recipes/sources.lock.json', 'utf8'));
  const tagged = [
    ...['4.5.2', '4.6.0', '4.6.1', '4.6.2', '4.6.3', '4.7.0', '4.8.0', '4.9.0', '4.10.0', '4.11.0'],
    ...['4.12.0', '4.13.0', '4.13.1', '4.14.0', '4.15.0', '4.16.0', '4.17.0', '4.17.1'],
  ];

  test.each(tagged)('pins %s by commit, git tree and content', (version) => {
    expect(shipped.sources[version]).toMatchObject({
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      gitTree: expect.stringMatching(/^[0-9a-f]{40}$/),
      tree: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('has a different commit, git tree and content for each version', () => {
    for (const name of ['commit', 'gitTree', 'tree'] as const) {
      const values = Object.values(shipped.sources).map((source) => source[name]);
      expect(new Set(values).size, name).toBe(values.length);
    }
  });

  test('refuses a moved tag', () => {
    const { sha256s: _, ...pinned } = shipped.sources['4.16.0'] as LockedSource;
    const found = { ...pinned, provider: 'github', sha256: hex('5') };
    expect(codeOf(() => checkLock(shipped, '4.16.0', found))).toBe('ok');
    expect(codeOf(() => checkLock(shipped, '4.16.0', { ...found, commit: hex('1').slice(24) }))).toBe(
      'SOURCE_TAG_MOVED',
    );
  });
});
