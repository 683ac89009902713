import { describe, expect, it } from 'vitest';
import { requireRequest } from '../../../src/sources/choice.ts';

describe('requireRequest', () => {
  it.each(['>=4.7 <4.6', '>4.6.0 <4.6.1', '4.6.1 4.6.2', '>=4.7 <4.6 || <0.0.0'])(
    'refuses the empty range %s',
    async (range) => {
      await expect(requireRequest(range)).rejects.toMatchObject({
        code: 'VERSION_INVALID',
        message: `The range "${range}" is empty: no version satisfies it`,
      });
    },
  );

  it.each(['>=4.7 <4.6 || >=4.8', '^4.6 ^4.7', '*', '>4.6.1 <4.6.3', 'latest', '4.5.0.1'])(
    'accepts %s',
    async (range) => {
      await expect(requireRequest(range)).resolves.toBeUndefined();
    },
  );
});
