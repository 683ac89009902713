import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { TurnbuildError, usageError } from '../../errors.ts';
import { fetch } from '../fetch.ts';
import { isPage } from '../network-error.ts';
import { isLoopback } from '../proxy.ts';
import { shownUrl } from '../shown-url.ts';

/** Milliseconds without any progress after which a request fails. */
const STALL_MS = 30_000;
/** An upload is answered only after GitHub has stored it. */
const UPLOAD_STALL_MS = 120_000;
/** Limit for redirects: a renamed repository takes one. */
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * The value of GITHUB_TOKEN; undefined if it is empty, as in a CI job without the secret. Removes the newline of a token
 * that was read from a file.
 * @param name of the variable
 * @throws GITHUB_TOKEN_MALFORMED for a value that is invalid in a header; the error of `fetch` would print the token
 */
export function readToken(value = '', name = 'GITHUB_TOKEN'): string | undefined {
  const token = value.replace(/\r?\n$/, '');
  if (token === '') return undefined;
  if (/^[!-~]+$/.test(token)) return token;
  throw usageError(
    'GITHUB_TOKEN_MALFORMED',
    `${name} contains a space, a line break or a non-ASCII character`,
    'Set it to the token alone, or unset it.',
  );
}

/** Access to GitHub's API. */
export interface GithubAccess {
  /** Address of the API, without user name, password and trailing slash. */
  baseUrl: string;
  /** The API's address including user name and password. */
  ownUrl: string;
  /** `fetch` that refuses any other origin, except that of uploads. */
  request: (url: string, init?: GithubRequest) => Promise<Response>;
  /** `fetch` of a file, which may be at any origin: the token is sent only to the API. */
  download: (url: string, init?: GithubRequest) => Promise<Response>;
}

/** A request whose body may be a file. It is read anew for each attempt, so that a failed request can be repeated. */
export type GithubRequest = Omit<RequestInit, 'body'> & { body?: RequestInit['body'] | FileBody };

/** A file as the body of a request. A class, so that Octokit passes it on as it is. */
export class FileBody {
  readonly file: string;
  constructor(file: string) {
    this.file = file;
  }
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
  // GitHub REST API, "Upload a release asset": uploads.github.com; on GHE.com, uploads.SUBDOMAIN.ghe.com.
  const origins = [origin, origin.replace('//api.', '//uploads.')];
  requireConfidential(base, withToken);
  const withLogin = (url: URL) => Object.assign(url, { username, password }).href;
  base.username = '';
  base.password = '';
  const baseUrl = base.href.replace(/\/+$/, '');
  // A Link header could send the token to any host, and a redirect's target would count as the API. Both are checked here, because the
  // address may be a template until now.
  const follow = async (given: string, init: GithubRequest, isFile: boolean): Promise<Response> => {
    let url = new URL(given);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      if (!origins.includes(url.origin)) {
        if (isFile && hops > 0 && (url.protocol === 'https:' || isLoopback(url.hostname)))
          return stored(await fetch(url.href, withoutToken(init), { stallMs: STALL_MS }));
        throw unexpected(`leads to ${url.origin} instead of ${origin}`, ' The token was not sent.');
      }
      const own = { ...withBody(init), redirect: 'manual' } as RequestInit;
      const stallMs = init.body instanceof FileBody ? UPLOAD_STALL_MS : STALL_MS;
      const response = await fetch(withLogin(url), own, { stallMs });
      const location = response.headers.get('location');
      if (!REDIRECTS.includes(response.status) || location === null) {
        // A file may be a page, too. Overloaded, GitHub answers with a page and a status of 500 or more.
        if (!isFile && response.status < 500 && isPage(response)) {
          await response.body?.cancel();
          throw unexpected(`is a web page (status ${response.status}, ${url.host})`);
        }
        return response;
      }
      await response.body?.cancel();
      if (!URL.canParse(location, url.href)) throw unexpected('redirects to an invalid URL');
      url = new URL(location, url.href);
    }
    throw unexpected(`redirects more than ${MAX_REDIRECTS} times`);
  };
  return {
    baseUrl,
    ownUrl: withLogin(new URL(baseUrl)).replace(/\/+$/, ''),
    request: (url, init = {}) => follow(url, init, false),
    download: (url, init = {}) => follow(url, init, true),
  };
}

function withBody({ body, ...others }: GithubRequest): RequestInit {
  if (!(body instanceof FileBody)) return body === undefined ? others : { ...others, body };
  const stream = Readable.toWeb(createReadStream(body.file)) as ReadableStream;
  return { ...others, body: stream, duplex: 'half' } as RequestInit;
}

/** A refusal by the server that stores files is no refusal by GitHub: the signature in the address expires after minutes. */
async function stored(response: Response): Promise<Response> {
  if (response.ok) return response;
  await response.body?.cancel();
  throw new Error(`the server that stores the file responded with status ${response.status}`);
}

function withoutToken({ signal }: GithubRequest): RequestInit {
  return signal === undefined ? {} : { signal };
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
    hint: `Check whether a proxy, or the login page of the network, responded instead.${sent}`,
  });
}
