import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  addedLater,
  isKnownOption,
  knownReading,
  removedOption,
} from '../../../src/config/option-catalogue.ts';
import { CONTEXTS, lintFor, lintWith } from '../../support/configurations.ts';

const read = (path: string) => readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8');
/** First and last release of each option, and its reading in each, as `readingsOf` finds them in all 18 releases. */
const HISTORY = JSON.parse(read('option-tables/history.json')) as Record<
  string,
  { first: string; last: string; readings: [version: string, reading: string][] }
>;
const RELEASES = [
  '4.5.2',
  '4.6.0',
  '4.6.1',
  '4.6.2',
  '4.6.3',
  '4.7.0',
  '4.8.0',
  '4.9.0',
  '4.10.0',
  '4.11.0',
].concat(['4.12.0', '4.13.0', '4.13.1', '4.14.0', '4.15.0', '4.16.0', '4.17.0', '4.17.1']);

describe('the catalogue of options', () => {
  it('knows every option of every release, and how each reads it', () => {
    const wrong = Object.entries(HISTORY).flatMap(([name, { first, last, readings }]) =>
      RELEASES.slice(RELEASES.indexOf(first), RELEASES.indexOf(last) + 1).flatMap((version) => {
        const at = readings.findLast(([from]) => RELEASES.indexOf(from) <= RELEASES.indexOf(version));
        const known = isKnownOption(name) && knownReading(name, version) === at?.[1];
        const there = addedLater(name, version) === undefined && removedOption(name, version) === undefined;
        return known && there
          ? []
          : [`${name} in ${version}: ${knownReading(name, version)}, not ${at?.[1]}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('knows when each option was added and removed', () => {
    const wrong = Object.entries(HISTORY).flatMap(([name, { first, last }]) => {
      const [before, after] = [RELEASES[RELEASES.indexOf(first) - 1], RELEASES[RELEASES.indexOf(last) + 1]];
      return [
        ...(before === undefined || addedLater(name, before) === first ? [] : [`${name} is of ${first}`]),
        ...(after === undefined || removedOption(name, after)?.removed === after
          ? []
          : [`${name} is gone in ${after}`]),
      ];
    });
    expect(wrong).toEqual([]);
  });

  it("knows every option of Debian's 4.18.0", () =>
    expect(CONTEXTS['4.18.0'].options.filter(({ name }) => !isKnownOption(name))).toEqual([]));

  it('reports a newer option as not reviewed', () => {
    const options = [
      ...CONTEXTS['4.18.0'].options,
      { name: 'open-everything', value: 'optional' as const, conditions: [] },
    ];
    const context = { version: '4.19.0', options };
    expect(lintFor('4.18.0', 'fingerprint').some(({ rule }) => rule === 'unreviewed-option')).toBe(false);
    expect(
      lintWith('open-everything', context).find(({ rule }) => rule === 'unreviewed-option'),
    ).toMatchObject({ line: 1, level: 'note' });
  });
});
