import { usageError } from '../errors.ts';

/**
 * The value of GITHUB_TOKEN; undefined if it is empty, as in a CI job without the secret. The end of a line belongs to the file that it was
 * read from.
 * @throws GITHUB_TOKEN_MALFORMED for what no header can have: the error of `fetch` would print it
 */
export function readToken(value = ''): string | undefined {
  const token = value.replace(/\r?\n$/, '');
  if (token === '') return undefined;
  if (/^[!-~]+$/.test(token)) return token;
  throw usageError(
    'GITHUB_TOKEN_MALFORMED',
    'GITHUB_TOKEN has a character that no token has: a space, a line break, or one that is not ASCII',
    'Set it to the token alone, or unset it.',
  );
}
