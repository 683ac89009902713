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

describe('two locks', () => {
  it('pin the versions of both', () => {
    expect(merge({ '4.6.1': pin() }, { '4.18.0': pin({ tree: hex('b') }) })).toEqual(
      lock({ '4.6.1': pin(), '4.18.0': pin({ tree: hex('b') }) }),
    );
  });

  it('add to one another what they know of one version; the epoch is the own one', () => {
    const own = { sha256s: { file: hex('f'), debian: hex('d') }, tree: hex('a'), epoch: 2 };
    expect(merge({ '4.6.1': pin() }, { '4.6.1': own }).sources['4.6.1']).toEqual(
      pin({ sha256s: { debian: hex('d'), file: hex('f') }, epoch: 2 }),
    );
  });

  it('may pin other images, because tags move on: the own pin counts', () => {
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

  it("may differ in GitHub's tarball, whose bytes are not promised", () => {
    const [a, b] = [pin({ sha256s: { github: hex('1') } }), pin({ sha256s: { github: hex('2') } })];
    expect(merge({ 1: a }, { 1: b }).sources[1]?.sha256s).toEqual({ github: hex('2') });
  });

  it.each<[string, Partial<LockedSource>]>([
    ['tree', { tree: hex('b') }],
    ['commit', { commit: 'c2' }],
    ['git tree', { gitTree: 't2' }],
    ['sha256 from debian', { sha256s: { debian: hex('e') } }],
  ])('must agree in the %s: the error names both files and both values', (what, change) => {
    const values = [Object.values(change)[0], what].map((value) =>
      typeof value === 'object' ? value.debian : value,
    );
    expect(() => merge({ '4.6.1': pin() }, { '4.6.1': pin(change) })).toThrow(
      expect.objectContaining({
        code: 'LOCK_CONFLICT',
        message: expect.stringMatching(
          new RegExp(
            `^own\\.json and built-in\\.json pin different sources of coturn 4\\.6\\.1: ${what} ${values[0]} and `,
          ),
        ),
        hint: expect.stringContaining('A release never changes'),
      }),
    );
  });
});
