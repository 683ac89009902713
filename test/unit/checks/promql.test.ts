import { describe, expect, it } from 'vitest';
import { readQuery } from '../../../src/checks/promql.ts';

describe('readQuery', () => {
  it.each([
    ['up{job="coturn"} == 0', ['up']],
    ['8 * sum by (instance) (rate(a_total{x=~"$x"}[$__rate_interval])) / $ports', ['a_total']],
    ['instance:a:sum / on (job) b or vector(0)', ['instance:a:sum', 'b']],
    ['max_over_time((a + a)[1h:5m]) offset 1d', ['a']],
  ])('finds the metrics of %s', (query, metrics) => {
    expect(readQuery(query)).toEqual({ metrics, errors: [] });
  });

  it.each(['rate(a[5m)', 'a b', 'sum by (a', '', '{job="coturn"}', 'a +', 'a{b=c}'])(
    'refuses "%s"',
    (query) => {
      expect(readQuery(query).errors).not.toEqual([]);
    },
  );
});
