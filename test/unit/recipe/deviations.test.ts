import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import { deviationsFor, deviationsSchema } from '../../../src/recipe/deviations.ts';
import { metricsFor, metricsSchema } from '../../../src/recipe/metrics.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';

const read = (name: string) => readFileSync(new URL(`../../../recipes/${name}`, import.meta.url), 'utf8');
const parse = (text: string) => parseRecipeFile('recipes/deviations.yaml', text, deviationsSchema);
const text = read('deviations.yaml');
const known = parse(text);

/** The file with one value replaced, which must exist. */
function withLine(key: string, value: string): string {
  const line = new RegExp(`^(- |  )(${key}): .*$`, 'm');
  expect(text).toMatch(line);
  return text.replace(line, `$1$2: ${value}`);
}

describe('recipes/deviations.yaml', () => {
  it.each([
    ['4.6.1', 0],
    ['4.10.0', 0],
    ['4.11.0', 4],
    ['4.16.0-2', 4],
    ['4.18.0', 4],
  ])('coturn %s counts %i header bytes per ChannelData message', (version, bytes) => {
    const own = deviationsFor(version, known).filter(({ message }) => message === 'channel');
    expect(own.reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes);
    expect(own.every((each) => !('versions' in each))).toBe(true);
  });

  it('names only metrics that these versions have', () => {
    const families = parseRecipeFile('recipes/metrics.yaml', read('metrics.yaml'), metricsSchema);
    for (const version of ['4.11.0', '4.16.0', '4.18.0']) {
      const names = new Set(metricsFor(version, families).map(({ name }) => name));
      for (const { metrics } of deviationsFor(version, known))
        expect(metrics.filter((name) => !names.has(name))).toEqual([]);
    }
  });

  it.each([
    ['versions', 'newer', /semver range/],
    ['metrics', '[]', /metrics/],
    ['metrics', '["turn-total"]', /use letters, digits and "_"/],
    ['message', 'send', /message/],
    ['bytes', '0', /bytes/],
    ['bytes', '-4', /bytes/],
    ['bytes', '1.5', /bytes/],
    ['summary', '""', /summary/],
    ['reference', 'http://example.org/1', /expected an https URL/],
  ])('with "%s: %s" is refused', (key, value, message) => {
    const refused = () => parse(withLine(key, value));
    expect(refused).toThrow(TurnbuildError);
    expect(refused).toThrow(message);
  });

  it('with an unknown key is refused', () =>
    expect(() => parse(text.replace('  bytes: 4', '  bytes: 4\n  tolerance: 5'))).toThrow(/tolerance/));
});
