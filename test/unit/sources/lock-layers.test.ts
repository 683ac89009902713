import { describe, expect, it } from 'vitest';
import type { LockedSource, SourceLock } from '../../../src/sources/lock.ts';
import { mergeLocks } from '../../../src/sources/lock-layers.ts';

const hex = (digit: string) => digit.repeat(64);
const pin = (more: Partial<LockedSource> = {}): LockedSource => ({
  ...{ sha256s: { debian: hex('d') }, tree: hex('a'), epoch: 1, commit: 'c1', gitTree: 't1' },
  ...more,
});
const lock = (sources: SourceLock['sources']): SourceLock => ({ schema: 1, sources });
const merge = (beneath: SourceLock['sources'], own: SourceLock['sources']) =>
  mergeLocks({ file: 'built-in.json', lock: lock(beneath) }, { file: 'own.json', lock: lock(own) });

describe('mergeLocks', () => {
  it('combines the versions of both locks', () => {
    expect(merge({ '4.6.1': pin() }, { '4.18.0': pin({ tree: hex('b') }) })).toEqual(
      lock({ '4.6.1': pin(), '4.18.0': pin({ tree: hex('b') }) }),
    );
  });

  it("combines the pins of one version, and prefers the epoch of the project's lock", () => {
    const own = { sha256s: { file: hex('f'), debian: hex('d') }, tree: hex('a'), epoch: 2 };
    expect(merge({ '4.6.1': pin() }, { '4.6.1': own }).sources['4.6.1']).toEqual(
      pin({ sha256s: { debian: hex('d'), file: hex('f') }, epoch: 2 }),
    );
  });

  it("prefers the image digests of the project's lock, because tags move", () => {
    const of = (images: Record<string, string>) => ({ lock: { ...lock({}), images } });
    const merged = mergeLocks(
      {
        file: 'built-in.json',
        ...of({ 'debian:a': `sha256:${hex('1')}`, 'debian:b': `sha256:${hex('2')}` }),
      },
      { file: 'own.json', ...of({ 'debian:a': `sha256:${hex('3')}` }) },
    );
    expect(merged.images).toEqual({ 'debian:a': `sha256:${hex('3')}`, 'debian:b': `sha256:${hex('2')}` });
    expect(merge({}, {})).not.toHaveProperty('images');
  });

  it("prefers the project's sha256 of GitHub tarballs, whose bytes may change", () => {
    const [a, b] = [pin({ sha256s: { github: hex('1') } }), pin({ sha256s: { github: hex('2') } })];
    expect(merge({ 1: a }, { 1: b }).sources[1]?.sha256s).toEqual({ github: hex('2') });
  });

  it.each<[string, Partial<LockedSource>, own: string, beneath: string]>([
    ['tree', { tree: hex('b') }, hex('b'), hex('a')],
    ['commit', { commit: 'c2' }, 'c2', 'c1'],
    ['git tree', { gitTree: 't2' }, 't2', 't1'],
    ['sha256 from debian', { sha256s: { debian: hex('e') } }, hex('e'), hex('d')],
  ])('refuses a conflicting %s, naming both files and both values', (what, change, own, beneath) => {
    expect(() => merge({ '4.6.1': pin() }, { '4.6.1': pin(change) })).toThrow(
      expect.objectContaining({
        code: 'LOCK_CONFLICT',
        message: `own.json and built-in.json pin different sources of coturn 4.6.1: ${what} ${own} and ${beneath}`,
        hint: expect.stringContaining('A release never changes'),
      }),
    );
  });
});
