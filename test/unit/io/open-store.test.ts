import { describe, expect, it } from 'vitest';
import { bucketPlace, isAddress, openStore } from '../../../src/io/open-store.ts';

const signal = new AbortController().signal;

describe('openStore', () => {
  it('takes everything without a scheme for a folder', async () => {
    expect((await openStore('/srv/packages', signal)).address).toBe('/srv/packages');
    expect(['s3://a', 'S3://a', 'gs://a', './s3:/a', 's3', 'C:/a'].filter(isAddress)).toEqual([
      's3://a',
      'S3://a',
      'gs://a',
    ]);
  });

  it.each(['ftp://packages', 'https://example.org', 'constructor://a'])('refuses %s', async (word) => {
    await expect(openStore(word, signal)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      hint: expect.stringContaining('s3://BUCKET/PREFIX'),
    });
  });
});

describe('bucketPlace', () => {
  it.each([
    ['packages', 'packages', ''],
    ['packages/', 'packages', ''],
    ['my-packages.example.org/a/b~1/', 'my-packages.example.org', 'a/b~1'],
  ])('%s', (rest, bucket, prefix) => {
    expect(bucketPlace(`s3://${rest}`, rest)).toEqual({ bucket, prefix });
  });

  it.each([
    '',
    'ab',
    'Packages',
    '-packages',
    'packages-',
    'a..b',
    '192.168.0.1',
    'x'.repeat(64),
    'packages//a',
    'packages/../a',
    'packages/a b',
    'packages/a+b',
    'packages/a?b',
  ])('refuses "%s"', (rest) => {
    expect(() => bucketPlace(`s3://${rest}`, rest)).toThrow(/^Invalid (bucket name|folder) /);
  });
});
