import { describe, expect, it } from 'vitest';
import {
  counted,
  cpuPerPacket,
  geometricMean,
  packetsPerSecond,
  ratioOf,
  schedule,
  studentT,
} from '../../../scripts/bench/rounds.js';

describe('schedule', () => {
  it('alternates which of two sides goes first', () => {
    expect(schedule(3, ['ours', 'debian'])).toEqual([
      ['ours', 'debian'],
      ['debian', 'ours'],
      ['ours', 'debian'],
      ['debian', 'ours'],
    ]);
  });

  it('rotates three sides through every position', () => {
    expect(schedule(2, ['portable', 'ours', 'debian'])).toEqual([
      ['portable', 'ours', 'debian'],
      ['ours', 'debian', 'portable'],
      ['debian', 'portable', 'ours'],
    ]);
  });

  it('adds a first round that is not counted', () => {
    const rounds = schedule(5, ['ours', 'debian']).map((_, i) => i);
    expect(rounds).toEqual([0, 1, 2, 3, 4, 5]);
    expect(counted(rounds)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('the figures of a run', () => {
  const run = {
    ...{ seconds: 2, byPeers: 300, byClients: 100, sent: 1000, serverSeconds: 0.002, loadSeconds: 1 },
    ...{ startMs: 10, residentKib: 9000 },
  };

  it('count received packets, not sent ones', () => {
    expect(packetsPerSecond(run)).toBe(200);
    expect(cpuPerPacket(run)).toBe(5);
  });
});

describe('ratioOf', () => {
  it('matches a paired t interval of the logarithms computed by hand', () => {
    // ln 2, ln 4, ln 8 = 1, 2, 3 times ln 2: mean 2 ln 2, standard deviation ln 2, t(2) = 4.303, so the half width is
    // 4.303 / sqrt 3 = 2.4843 times ln 2. The interval is 4 / 2^2.4843 = 4 / 5.5957 to 4 x 5.5957.
    const { ratio, low, high } = ratioOf([2, 4, 8].map((value) => [value, 1]));
    expect(ratio).toBeCloseTo(4, 10);
    expect(low).toBeCloseTo(2 ** (2 - 4.303 / Math.sqrt(3)), 10);
    expect(high).toBeCloseTo(2 ** (2 + 4.303 / Math.sqrt(3)), 10);
    expect(low).toBeCloseTo(0.715, 3);
    expect(high).toBeCloseTo(22.383, 3);
  });

  it('is paired: a slowdown of both sides does not change it', () => {
    const { ratio, low, high } = ratioOf([
      [99, 100],
      [9.9, 10],
      [0.99, 1],
    ]);
    for (const value of [ratio, low, high]) expect(value).toBeCloseTo(0.99, 10);
  });

  it('is inverted if the sides are swapped', () => {
    const pairs = [
      [9, 10],
      [11, 10],
      [10, 11],
      [8, 10],
    ] as const;
    const there = ratioOf(pairs);
    const back = ratioOf(pairs.map(([of, to]) => [to, of]));
    expect(back.ratio).toBeCloseTo(1 / there.ratio, 10);
    expect(back.low).toBeCloseTo(1 / there.high, 10);
    expect(back.high).toBeCloseTo(1 / there.low, 10);
  });

  it('refuses a single pair, which has no spread', () =>
    expect(() => ratioOf([[1, 1]])).toThrow(/two pairs/));

  it('contains the true ratio in about 95 of 100 experiments', () => {
    // A seeded generator (mulberry32) and Box-Muller: five pairs whose log-ratios have mean ln 0.98 and a spread of 5 %.
    let state = 1;
    const uniform = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const experiments = Array.from({ length: 4000 }, () =>
      ratioOf(Array.from({ length: 5 }, () => [0.98 * Math.exp(0.05 * normal()), 1] as const)),
    );
    const covering = experiments.filter(({ low, high }) => low <= 0.98 && 0.98 <= high).length / 4000;
    // Three standard errors of a proportion of 0.95 with n = 4000.
    expect(Math.abs(covering - 0.95)).toBeLessThan(0.0104);
  });
});

describe('studentT', () => {
  it('returns the quantiles of published tables', () => {
    expect(studentT(1)).toBe(12.706);
    expect(studentT(4)).toBe(2.776);
    expect(studentT(19)).toBe(2.093);
    expect(studentT(30)).toBe(2.042);
  });

  it('decreases with each degree of freedom, stays constant beyond the table, and refuses 0', () => {
    for (let degrees = 2; degrees <= 30; degrees++)
      expect(studentT(degrees)).toBeLessThan(studentT(degrees - 1));
    expect(studentT(1000)).toBe(2.042);
    expect(() => studentT(0)).toThrow(RangeError);
  });
});

it('geometricMean is the nth root of the product, and refuses an empty list', () => {
  expect(geometricMean([1, 10, 100])).toBeCloseTo(10, 10);
  expect(() => geometricMean([])).toThrow(RangeError);
});
