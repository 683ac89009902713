import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Metric, metricsFor, metricsSchema } from '../../../src/recipe/metrics.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';

const families = parseRecipeFile(
  'recipes/metrics.yaml',
  readFileSync(new URL('../../../recipes/metrics.yaml', import.meta.url), 'utf8'),
  metricsSchema,
);
const metric = (version: string, name: string): Metric | undefined =>
  metricsFor(version, families).find((m) => m.name === name);

test.each([
  ['4.5.1.3', 0],
  ['4.5.2', 16],
  ['4.6.0', 17],
  ['4.6.1', 17],
  ['4.6.2', 20],
  ['4.7.0', 20],
  ['4.8.0', 22],
  ['4.12.0', 22],
  ['4.13.0', 27],
  ['4.14.0', 33],
  ['4.18.0', 33],
])('coturn %s has %i metrics', (version, expected) => {
  expect(metricsFor(version, families)).toHaveLength(expected);
});

const version = fc
  .tuple(fc.integer({ min: 5, max: 30 }), fc.nat(9))
  .map(([minor, patch]) => `4.${minor}.${patch}`);

test('metric names are unique in each version and never end in _total', () => {
  fc.assert(
    fc.property(version, (v) => {
      const names = metricsFor(v, families).map((m) => m.name);
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => name.endsWith('_total'))).toEqual([]);
    }),
  );
});

test('a later version never loses a metric', () => {
  const names = (v: string): string[] => metricsFor(v, families).map((m) => m.name);
  const order = ['4.5.2', '4.6.0', '4.6.2', '4.8.0', '4.13.0', '4.14.0'];
  for (const [i, v] of order.slice(1).entries()) {
    expect(names(v)).toEqual(expect.arrayContaining(names(order[i] ?? '')));
  }
});

test('turn_total_allocations is a gauge, with a label since 4.6.2', () => {
  expect(metric('4.5.2', 'turn_total_allocations')).toBeUndefined();
  expect(metric('4.6.1', 'turn_total_allocations')).toMatchObject({ type: 'gauge', labels: [] });
  expect(metric('4.6.2', 'turn_total_allocations')).toMatchObject({ type: 'gauge', labels: ['type'] });
});

test('only traffic metrics are labelled: by realm, and in 4.5.2 also by user', () => {
  const labelled = (v: string): Metric[] => metricsFor(v, families).filter((m) => m.labels.length > 0);
  expect(labelled('4.6.1').map((m) => m.labels)).toEqual(Array(8).fill(['realm']));
  expect(labelled('4.5.2').map((m) => m.labels)).toEqual(Array(8).fill(['realm', 'user']));
  for (const v of ['4.5.2', '4.6.1'])
    expect(labelled(v).filter((m) => !m.name.startsWith('turn_traffic_'))).toEqual([]);
});

test('4.14.0 has three gauges: the allocations and two of the rate limit table', () => {
  const gauges = metricsFor('4.14.0', families).filter((m) => m.type === 'gauge');
  expect(gauges.map((m) => m.name)).toEqual([
    'turn_total_allocations',
    'turn_ratelimit_occupied_buckets',
    'turn_ratelimit_total_buckets',
  ]);
});
