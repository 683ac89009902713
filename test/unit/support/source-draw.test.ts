import { describe, expect, it } from 'vitest';
import { drawSources } from '../../support/source-draw.ts';

const FILES = ['4.10.0', '4.5.2', '4.9.0', '4.17.1', '4.6.1'].map((version) => `coturn-${version}.tar.gz`);
const on = (day: number) =>
  drawSources(['README', 'libevent-2.1.tar.gz', ...FILES], new Date(day * 86_400_000));

describe('drawSources', () => {
  it('draws an old version and a new one, the same ones all day', () => {
    expect(on(0)).toEqual(['coturn-4.5.2.tar.gz', 'coturn-4.10.0.tar.gz']);
    expect(drawSources(FILES, new Date('2026-11-25T01:00Z'))).toEqual(
      drawSources(FILES, new Date('2026-11-25T23:00Z')),
    );
  });

  it('eventually draws every version', () => {
    const drawn = new Set([0, 1, 2, 3, 4, 5].flatMap(on));
    expect([...drawn].sort()).toEqual([...FILES].sort());
  });

  it('draws nothing from an empty list, and a single version once', () => {
    expect(drawSources([], new Date(0))).toEqual([]);
    expect(drawSources(['coturn-4.6.1.tar.gz'], new Date(0))).toEqual(['coturn-4.6.1.tar.gz']);
  });
});
