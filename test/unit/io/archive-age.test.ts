import { describe, expect, it } from 'vitest';
import { releaseDate, repositoryDate } from '../../../src/io/archive-age.ts';

describe('releaseDate', () => {
  it.each([
    ['Suite: x\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n', Date.UTC(2026, 6, 11, 10, 16, 37)],
    ['Date: soon\n', undefined],
    ['Suite: x\nValid-Until: Sat, 11 Jul 2026 10:16:37 UTC\n', undefined],
  ])('%j', (text, expected) => expect(releaseDate(text)).toBe(expected));
});

describe('repositoryDate', () => {
  it.each([
    [
      'the newest timestamp',
      '<revision>9.6</revision><timestamp>1790000000</timestamp><timestamp>1790000009.5</timestamp>',
      1790000009,
    ],
    ['the revision as a Unix time', '<revision>1790000000</revision>', 1790000000],
    ['no date from a revision that is not a Unix time', '<revision>42</revision>', undefined],
  ])('reads %s', (_, text, expected) =>
    expect(repositoryDate(text)).toBe(expected === undefined ? undefined : expected * 1000),
  );
});
