import { expect, it } from 'vitest';
import { shownUrl } from '../../../src/io/shown-url.ts';

it.each([
  ['https://example.org/coturn.tar.gz', 'https://example.org/coturn.tar.gz'],
  ['https://example.org/c.tar.gz?token=s3cret&v=1', 'https://example.org/c.tar.gz?token=REDACTED&v=REDACTED'],
  ['https://me:s3cret@example.org/c.tar.gz', 'https://example.org/c.tar.gz'],
  ['no address', 'no address'],
])('%s is shown as %s', (address, expected) => expect(shownUrl(address)).toBe(expected));
