import { expect, it } from 'vitest';
import { shortAddress } from '../../../src/config/range-syntax.ts';

// The result of inet_aton(3) for each.
it.each([
  ['70000', '0.1.17.112'],
  ['1.2.3', '1.2.0.3'],
  ['10.1', '10.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['010.0.0.1', '8.0.0.1'],
  ['4294967295', '255.255.255.255'],
  ['4294967296', undefined],
  ['1.2.3.256', undefined],
  ['1.256.3', undefined],
  ['09.0.0.1', undefined],
  ['10.0.0.1', undefined],
  ['::1', undefined],
  ['1e3', undefined],
  ['-1', undefined],
  ['', undefined],
])('the legacy notation %s is %s', (text, address) => expect(shortAddress(text)).toBe(address));
