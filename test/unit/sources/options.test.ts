import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import { parseSource } from '../../../src/sources/options.ts';

describe('--source', () => {
  it.each([
    ['github', 'github', 'github'],
    ['https://example.org/c.tar.gz', 'url', 'https://example.org/c.tar.gz'],
    [' HTTP://example.org/c.tar.gz\n', 'url', 'HTTP://example.org/c.tar.gz'],
    ['https:me:s3cret@example.org', 'url', 'https:me:s3cret@example.org'],
    ['./http:/c.tar.gz', 'file', './http:/c.tar.gz'],
    [' c.tar.gz', 'file', ' c.tar.gz'],
  ])('reads %j as %s', (word, provider, location) =>
    expect(parseSource(word)).toEqual({ provider, location }),
  );

  it.each([
    'ftp://me:s3cret@example.org/c',
    ' git+https://me:s3cret@example.org/c?s3cret',
    'ssh://me:s3cret@example.org/c',
    'http://me:s3cret@',
    'https:me:s3cret@',
    ' http://me:s3cret@bad host/',
  ])('refuses %s without showing its password', (word) => {
    const refused = expect(() => parseSource(word));
    refused.toThrow(TurnbuildError);
    refused.toThrow(/Invalid --source "(?!.*s3cret).*": expected an http or https URL/);
  });
});
