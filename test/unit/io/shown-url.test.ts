import { expect, it } from 'vitest';
import { shownUrl } from '../../../src/io/shown-url.ts';

it.each([
  ['https://example.org/coturn.tar.gz', 'https://example.org/coturn.tar.gz'],
  ['https://example.org/c.tar.gz?token=s3cret&v=1', 'https://example.org/c.tar.gz?REDACTED'],
  ['https://example.org/c.tar.gz?s3cret', 'https://example.org/c.tar.gz?REDACTED'],
  ['https://example.org/c.tar.gz#token=s3cret', 'https://example.org/c.tar.gz'],
  ['http://me:s3cret@bad host/c?x=s3cret', 'http://REDACTED@bad host/c?REDACTED'],
  ['https://me:s3cret@example.org/c.tar.gz', 'https://example.org/c.tar.gz'],
  ['ftp://me:s3cret@example.org/c', 'ftp://example.org/c'],
  ['git+ssh://me:s3cret@example.org/c?s3cret', 'git+ssh://example.org/c?REDACTED'],
  ['me:s3cret@example.org', 'REDACTED@example.org'],
  ['me:s3c@ret@example.org/c?x=s3cret', 'REDACTED@example.org/c?REDACTED'],
  ['https:me:s3cret@example.org', 'https://example.org/'],
  ['https:me:s3cret@', 'REDACTED@'],
  ['blob:https://me:s3cret@example.org', 'REDACTED@example.org'],
  ['http://me:s3c?ret@bad host', 'http://REDACTED'],
  ['http://bad host/c?token=s3@cret', 'http://REDACTED'],
  ['ubuntu=https://me:s3cret@bad host', 'REDACTED@bad host'],
  ['data:text,x?s3cret', 'data:text,x?REDACTED'],
  ['no address', 'no address'],
  ['http://me:s3cret', 'http://me:REDACTED'],
  ['http://me:s3/cret?x', 'http://me:REDACTED'],
  ['http://me:s3\ncret', 'http://me:REDACTED'],
  ['http://me:123456', 'http://me:REDACTED'],
  ['http://me:s3\ncret@bad host', 'http://REDACTED@bad host'],
  ['http://bad host:3128/c:d', 'http://bad host:3128/c:d'],
])('%s is shown as %s', (address, expected) => expect(shownUrl(address)).toBe(expected));
