import { describe, expect, it } from 'vitest';
import type { ManifestStep } from '../../../src/manifest/schema.ts';
import { rebuiltBefore, withRebuilt } from '../../../src/run/step-keys.ts';

const key = (name: string) => ({ inputs: { recipe: name }, key: name });
const KEYS = new Map([
  ['build:portable:arm64', key('a')],
  ['build:portable:x86_64', key('b')],
]);
const REBUILT = withRebuilt(KEYS, new Set(['build:portable:arm64']), 2);
const recorded = (planned?: string) =>
  [{ id: 'build:portable:arm64', ...(planned === undefined ? {} : { planned }) }] as ManifestStep[];

describe('withRebuilt', () => {
  it('changes the keys of rebuilt steps only, with each revision', () => {
    expect(REBUILT.get('build:portable:x86_64')).toEqual(key('b'));
    const again = REBUILT.get('build:portable:arm64');
    expect(again?.inputs).toEqual({ recipe: 'a', revision: '2' });
    expect(again?.key).toMatch(/^[0-9a-f]{64}$/);
    expect(withRebuilt(KEYS, new Set(['build:portable:arm64']), 3).get('build:portable:arm64')?.key).not.toBe(
      again?.key,
    );
  });
});

describe('rebuiltBefore', () => {
  it('finds the steps rebuilt for this revision', () => {
    const made = recorded(REBUILT.get('build:portable:arm64')?.key);
    expect(rebuiltBefore(KEYS, made, 2)).toEqual(['build:portable:arm64']);
    expect(rebuiltBefore(KEYS, made, 3)).toEqual([]);
  });

  it.each([['a'], [undefined], ['of other inputs']])('finds nothing if the recorded key is %s', (planned) => {
    expect(rebuiltBefore(KEYS, recorded(planned), 2)).toEqual([]);
  });

  it.each([[undefined], ['a'], [REBUILT.get('build:portable:arm64')?.key]])(
    'finds nothing for a step that the plan lacks and whose recorded key is %s',
    (planned) => expect(rebuiltBefore(new Map(), recorded(planned), 2)).toEqual([]),
  );
});
