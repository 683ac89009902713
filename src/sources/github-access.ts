import { TurnbuildError, usageError } from '../errors.ts';
import { fetch } from '../io/fetch.ts';
import { isLoopback } from '../io/proxy.ts';
import { shownUrl } from '../io/shown-url.ts';

/** Limit for redirects: a renamed repository takes one. */
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * The value of GITHUB_TOKEN; undefined if it is empty, as in a CI job without the secret. Removes the newline of a token
 * that was read from a file.
 * @throws GITHUB_TOKEN_MALFORMED for a value that is invalid in a header; the error of `fetch` would print the token
 */
export function readToken(value = ''): string | undefined {
  const token = value.replace(/\r?\n$/, '');
  if (token === '') return undefined;
  if (/^[!-~]+$/.test(token)) return token;
  throw usageError(
    'GITHUB_TOKEN_MALFORMED',
    'GITHUB_TOKEN contains a space, a line break or a non-ASCII character',
    'Set it to the token alone, or unset it.',
  );
}

/** Access to GitHub's API. */
export interface GithubAccess {
  /** Address of the API, without user name, password and trailing slash. */
  baseUrl: string;
  /** The API's address including user name and password. */
  ownUrl: string;
  /** `fetch` that refuses any other origin. */
  request: (url: string, init?: RequestInit) => Promise<Response>;
}

/** @throws GITHUB_API_INVALID; GITHUB_INSECURE if a token or password would be sent unencrypted */
export function githubAccess(address: string, withToken: boolean): GithubAccess {
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol))
    throw usageError(
      'GITHUB_API_INVALID',
      `Invalid GITHUB_API_URL: ${shownUrl(address)}`,
      'Set it to an http or https URL, e.g. https://api.github.com, or unset it.',
    );
  const { origin, username, password } = base;
  requireConfidential(base, withToken);
  const withLogin = (url: URL) => Object.assign(url, { username, password }).href;
  base.username = '';
  base.password = '';
  const baseUrl = base.href.replace(/\/+$/, '');
  // A Link header could send the token to any host, and a redirect's target would count as the API. Both are checked here, because the
  // address may be a template until now.
  const request = async (given: string, init?: RequestInit): Promise<Response> => {
    let url = new URL(given);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      if (url.origin !== origin)
        throw unexpected(`leads to ${url.origin} instead of ${origin}`, ' The token was not sent.');
      const response = await fetch(withLogin(url), { ...init, redirect: 'manual' });
      const location = response.headers.get('location');
      if (!REDIRECTS.includes(response.status) || location === null) return response;
      await response.body?.cancel();
      if (!URL.canParse(location, url.href)) throw unexpected('redirects to an invalid URL');
      url = new URL(location, url.href);
    }
    throw unexpected(`redirects more than ${MAX_REDIRECTS} times`);
  };
  return { baseUrl, ownUrl: withLogin(new URL(baseUrl)).replace(/\/+$/, ''), request };
}

/** Secrets are sent only over TLS or to this machine. */
function requireConfidential(
  { protocol, hostname, origin, username, password }: URL,
  withToken: boolean,
): void {
  if (protocol === 'https:' || isLoopback(hostname)) return;
  const refuse = (what: string, hint: string) =>
    new TurnbuildError('GITHUB_INSECURE', `${origin} is not encrypted, so ${what} not sent to it`, { hint });
  if (withToken)
    throw refuse('GITHUB_TOKEN is', 'Use an https URL in GITHUB_API_URL, or unset GITHUB_TOKEN.');
  if (username !== '' || password !== '')
    throw refuse(
      'the user name and password in GITHUB_API_URL are',
      'Use an https URL, or one without a user name and password.',
    );
}

function unexpected(what: string, sent = ''): TurnbuildError {
  return new TurnbuildError('GITHUB_UNEXPECTED', `GitHub's response ${what}`, {
    hint: `Check whether a proxy responded instead.${sent}`,
  });
}
