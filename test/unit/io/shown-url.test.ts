import { expect, it } from 'vitest';
import { shownUrl } from '../../../src/io/shown-url.ts';

it.each([
  ['https://example.org/coturn.tar.gz', 'https://example.org/coturn.tar.gz'],
  ['https://example.org/c.tar.gz?token=s3cret&v=1', 'https://example.org/c.tar.gz?REDACTED'],
  ['https://example.org/c.tar.gz?s3cret', 'https://example.org/c.tar.gz?REDACTED'],
  ['https://example.org/c.tar.gz#token=s3cret', 'https://example.org/c.tar.gz'],
  ['http://me:s3cret@bad host/c?x=s3cret', 'http://REDACTED@bad host/c?REDACTED'],
  ['https://me:s3cret@example.org/c.tar.gz', 'https://example.org/c.tar.gz'],
  ['no address', 'no address'],
])('%s is shown as %s', (address, expected) => expect(shownUrl(address)).toBe(expected));
