import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadStrength } from '../../../src/config/strength.ts';

const strength = await loadStrength();
/** Each of its characters adds one power of ten. */
const RANDOM = 'q7Z!mP2xK9#vB4nT8$wR1cY6&hJ3dLq7fGkX';

afterEach(() => void vi.restoreAllMocks());

describe('the strength of a secret', () => {
  it.each([
    ['8 random characters', RANDOM.slice(0, 8), 8],
    ['30 random characters', RANDOM.slice(0, 30), 30],
    ['36 random characters, of which 30 suffice', RANDOM, 30],
    ['a repeated word', 'password'.repeat(5), 1.2],
    ['one character and then 10 random ones', `${'a'.repeat(30)}${RANDOM.slice(0, 10)}`, 12.86],
    ['the first 100 characters', `${'a'.repeat(100)}${RANDOM.slice(0, 10)}`, 3.08],
  ])('is that of %s', (_, secret, expected) => expect(strength(secret)).toBeCloseTo(expected, 2));
});

describe('an estimate', () => {
  /** Estimates a secret of this length with mocked estimates. Returns the lengths of the estimated texts and the result. */
  function estimated(length: number, ...estimates: number[]): { lengths: number[]; result: number } {
    const check = vi.spyOn(ZxcvbnFactory.prototype, 'check');
    for (const guessesLog10 of estimates)
      check.mockReturnValueOnce({ guessesLog10 } as ReturnType<ZxcvbnFactory['check']>);
    const result = strength('s'.repeat(length));
    return { lengths: check.mock.calls.map(([text]) => text.length), result };
  }

  it.each([29, 30])('is made once for %i characters', (length) =>
    expect(estimated(length, 5, 7)).toEqual({ lengths: [length], result: 5 }),
  );

  it.each([20, 21])('is made once if 30 characters suffice: 10^%i', (digits) =>
    expect(estimated(31, digits, 7)).toEqual({ lengths: [30], result: digits }),
  );

  it.each([31, 99, 100])('is made again for all %i characters if 30 do not suffice', (length) =>
    expect(estimated(length, 19.9, 25)).toEqual({ lengths: [30, length], result: 25 }),
  );

  it('is made for at most 100 characters', () =>
    expect(estimated(101, 3, 4)).toEqual({ lengths: [30, 100], result: 4 }));
});
