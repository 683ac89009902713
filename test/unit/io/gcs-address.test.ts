import { expect, it } from 'vitest';
import { encodedName, parseGcsAddress } from '../../../src/io/bucket/gcs-address.ts';

it.each([
  ['gs://packages', 'packages', ''],
  ['gs://packages/', 'packages', ''],
  ['gs://packages.example.org/coturn', 'packages.example.org', 'coturn/'],
  ['gs://a-b_c1/x/y+z~1.0//', 'a-b_c1', 'x/y+z~1.0/'],
])('%s', (word, bucket, prefix) => {
  expect(parseGcsAddress(word)).toEqual({ bucket, prefix });
});

it.each([
  'packages',
  's3://packages',
  'GS://packages',
  'gs://',
  'gs:///prefix',
  'gs://ab',
  'gs://Packages',
  'gs://-packages',
  'gs://packages-',
  'gs://a..b',
  `gs://${'a'.repeat(64)}`,
  'gs://192.168.1.1',
  'gs://google-packages',
  'gs://my-google',
  'gs://user:password@packages',
  'gs://packages/a//b',
  'gs://packages/../b',
  'gs://packages/.well-known',
  'gs://packages/a b',
  'gs://packages/a?b',
  'gs://packages/a#b',
  'gs://packages/a%2fb',
  'gs://packages/a\nb',
  `gs://packages/${'a'.repeat(200)}`,
])('refuses %j', (word) => {
  expect(() => parseGcsAddress(word)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
});

it('encodes all characters that have a meaning in a path', () => {
  expect(encodedName("a/b+c d~e-f_g.h!'()*%?#&=:@")).toBe(
    'a%2Fb%2Bc%20d~e-f_g.h%21%27%28%29%2A%25%3F%23%26%3D%3A%40',
  );
});
