import { TurnbuildError, usageError } from '../errors.ts';
import { fetch } from '../io/fetch.ts';
import { isLoopback } from '../io/proxy.ts';
import { shownUrl } from '../io/shown-url.ts';

/** Redirects that are followed: a renamed repository takes one. */
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

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

/** How GitHub's API is asked. */
export interface GithubAccess {
  /** Address of the API, without what is before its host, and without a slash at its end. */
  baseUrl: string;
  /** The same with a user name and password. */
  ownUrl: string;
  /** `fetch` that goes nowhere else. */
  request: (url: string, init?: RequestInit) => Promise<Response>;
}

/** @throws GITHUB_API_INVALID; GITHUB_INSECURE for an address to which neither a token nor a password may go */
export function githubAccess(address: string, withToken: boolean): GithubAccess {
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol))
    throw usageError(
      'GITHUB_API_INVALID',
      `GITHUB_API_URL is not an address: ${shownUrl(address)}`,
      'For example https://api.github.com, or unset it.',
    );
  const { origin, username, password } = base;
  requireConfidential(base, withToken);
  const withLogin = (url: URL) => Object.assign(url, { username, password }).href;
  base.username = '';
  base.password = '';
  const baseUrl = base.href.replace(/\/+$/, '');
  // The next page is wherever the answer's Link header says, and the token would go along. Looked at here, where the address is the one
  // that is asked: before, it may still be a template. So is a redirect, whose answer would count as the API's.
  const request = async (given: string, init?: RequestInit): Promise<Response> => {
    let url = new URL(given);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      if (url.origin !== origin)
        throw unexpected(`continues at ${url.origin}, not at ${origin}`, ' The token was not sent.');
      const response = await fetch(withLogin(url), { ...init, redirect: 'manual' });
      const location = response.headers.get('location');
      if (!REDIRECTS.includes(response.status) || location === null) return response;
      await response.body?.cancel();
      if (!URL.canParse(location, url.href)) throw unexpected('continues at what is no address');
      url = new URL(location, url.href);
    }
    throw unexpected(`redirects more than ${MAX_REDIRECTS} times`);
  };
  return { baseUrl, ownUrl: withLogin(new URL(baseUrl)).replace(/\/+$/, ''), request };
}

/** What is secret goes to an address that is encrypted, or of this machine. */
function requireConfidential(
  { protocol, hostname, origin, username, password }: URL,
  withToken: boolean,
): void {
  if (protocol === 'https:' || isLoopback(hostname)) return;
  const refuse = (what: string, hint: string) =>
    new TurnbuildError('GITHUB_INSECURE', `${origin} is not encrypted, so ${what} not sent to it`, { hint });
  if (withToken)
    throw refuse('GITHUB_TOKEN is', 'Use an https address in GITHUB_API_URL, or unset GITHUB_TOKEN.');
  if (username !== '' || password !== '')
    throw refuse(
      'the user name and password in GITHUB_API_URL are',
      'Use an https address, or one without a user name and password.',
    );
}

function unexpected(what: string, sent = ''): TurnbuildError {
  return new TurnbuildError('GITHUB_UNEXPECTED', `GitHub's answer ${what}`, {
    hint: `Is there a proxy between?${sent}`,
  });
}
