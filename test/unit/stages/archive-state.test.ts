import { describe, expect, it } from 'vitest';
import { sha256Text } from '../../../src/io/files.ts';
import { combinedState } from '../../../src/stages/shared/archive.ts';

const state = (id: string, more = {}) => ({ id, suites: [`suite of ${id}`], ...more });
const combine = (...states: Parameters<typeof combinedState>[0]) => combinedState(states, sha256Text);

describe('combinedState', () => {
  it('of one suite is its own, of none is nothing', () => {
    expect(combine(state('a'))).toEqual(state('a'));
    expect(combine(undefined)).toBeUndefined();
  });

  it('is another one when any suite has got other packages', () => {
    const ids = [
      combine(state('a'), state('b')),
      combine(state('a'), state('c')),
      combine(state('c'), state('b')),
      combine(state('a')),
    ].map((each) => each?.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(combine(state('a'), state('b'))?.suites).toEqual(['suite of a', 'suite of b']);
  });

  it('says why one of them could not be asked', () => {
    expect(combine(state('a'), state('b', { unreachable: 'no route' }))?.unreachable).toBe('no route');
  });
});
