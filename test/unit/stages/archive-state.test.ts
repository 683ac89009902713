import { describe, expect, it } from 'vitest';
import { sha256Text } from '../../../src/io/files.ts';
import type { Io } from '../../../src/io/index.ts';
import { archiveReader, combinedState } from '../../../src/stages/shared/archive.ts';

const state = (id: string, more = {}) => ({ id, suites: [`suite of ${id}`], ...more });
const combine = (...states: Parameters<typeof combinedState>[0]) => combinedState(states, sha256Text);

describe('combinedState', () => {
  it('returns the state of a single suite, and nothing without one', () => {
    expect(combine(state('a'))).toEqual(state('a'));
    expect(combine(undefined)).toBeUndefined();
  });

  it('changes if any suite changes', () => {
    const ids = [
      combine(state('a'), state('b')),
      combine(state('a'), state('c')),
      combine(state('c'), state('b')),
      combine(state('a')),
    ].map((each) => each?.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(combine(state('a'), state('b'))?.suites).toEqual(['suite of a', 'suite of b']);
  });

  it('keeps the reason why a suite is unreachable', () => {
    expect(combine(state('a'), state('b', { unreachable: 'no route' }))?.unreachable).toBe('no route');
  });
});

describe('archiveReader', () => {
  it('reads each combination of archive, suite and components once', async () => {
    const asked: string[] = [];
    const io = {
      signal: undefined,
      readArchiveState: async (suites: { mirror: string; suite: string; components: string[] }[]) => {
        const text = suites
          .map(({ mirror, suite, components }) => `${mirror} ${suite} ${components.join('+')}`)
          .join();
        asked.push(text);
        return state(text);
      },
    } as unknown as Io;
    const named = { ubuntu: 'http://u', other: 'http://o' };
    const read = archiveReader(io, '/cache', { debian: 'http://d', named });
    const archive = (name: string, components: string[]) => ({
      suite: 'stable',
      archive: { name, suites: ['stable'], components, keyring: '/k' },
    });
    const origins = [
      ...[{ suite: 'stable' }, { suite: 'stable' }, archive('ubuntu', ['main']), archive('other', ['main'])],
      ...[archive('ubuntu', ['main', 'universe']), archive('ubuntu', ['main'])],
    ];
    const ids = await Promise.all(origins.map(async (origin) => (await read(origin))?.id));
    expect(asked).toEqual([
      'http://d stable main,http://d stable-updates main',
      ...['http://u stable main', 'http://o stable main', 'http://u stable main+universe'],
    ]);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[5]).toBe(ids[2]);
  });
});
