import { expect, it } from 'vitest';
import { encodedName, withQuery } from '../../../../src/io/bucket/gcs-url.ts';

it('encodes all characters that have a meaning in a path', () => {
  expect(encodedName("a/b+c d~e-f_g.h!'()*%?#&=:@")).toBe(
    'a%2Fb%2Bc%20d~e-f_g.h%21%27%28%29%2A%25%3F%23%26%3D%3A%40',
  );
});

it('adds parameters, without a plus sign', () => {
  expect(withQuery('/o', { prefix: 'a b+c/&', delimiter: '/' })).toBe(
    '/o?prefix=a%20b%2Bc%2F%26&delimiter=%2F',
  );
  expect(withQuery('/o', {})).toBe('/o');
});
