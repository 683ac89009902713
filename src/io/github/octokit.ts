import { randomUUID } from 'node:crypto';
import type { Octokit as Client } from '@octokit/rest';
import { TurnbuildError } from '../../errors.ts';
import { type GithubAccess, githubAccess } from './access.ts';

/** The repository of a GitHub server, and how to reach it. */
export interface GithubPlace {
  owner: string;
  name: string;
  /** Address of the API. */
  api: string;
  /** Undefined: anonymous requests, which read public repositories. */
  token: string | undefined;
  /** The commit for new tags; undefined: the head of the default branch. */
  commit?: string | undefined;
  signal: AbortSignal;
  /** Tells the user why turnbuild waits. */
  tell: (line: string) => void;
}

/** Maximum seconds to wait for a limit, and how many times a request is repeated because of one. */
const MAX_WAIT = 15 * 60;
const MAX_LIMITED = 5;

/** Octokit that repeats what may pass, and waits for limits. `isLimited` tells whether a request that failed did so because of a limit. */
export async function openOctokit({ api, token, signal, tell }: GithubPlace) {
  const [{ Octokit }, { retry }, { throttling }] = await Promise.all([
    import('@octokit/rest'),
    import('@octokit/plugin-retry'),
    import('@octokit/plugin-throttling'),
  ]);
  const access = githubAccess(api, token !== undefined);
  const silent = () => {};
  const wait = (what: string) => async (seconds: number, _: object, __: object, count: number) => {
    if (count >= MAX_LIMITED || seconds > MAX_WAIT) return false;
    tell(`GitHub's ${what} limit is reached. Waiting ${seconds} seconds.`);
    await pause(seconds * 1000, signal);
    return true;
  };
  const octokit: Client = new (Octokit.plugin(retry, throttling))({
    userAgent: 'turnbuild',
    ...(token === undefined ? {} : { auth: token }),
    baseUrl: access.baseUrl,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: complete(access.request), signal },
    // A limit is the other plugin's task.
    retry: { doNotRetry: [400, 401, 403, 404, 410, 422, 429, 451] },
    throttle: {
      // Clients with the same id share the plugin's queues.
      id: randomUUID(),
      onRateLimit: wait('rate'),
      onSecondaryRateLimit: wait('secondary rate'),
      // The handlers wait: the plugin's own timer would outlast an interruption.
      retryAfterBaseValue: 0,
    },
  });
  return { octokit, access };
}

/**
 * `fetch` that waits for the whole response, so that a connection that breaks in the middle is an error. Octokit takes the rest as an empty
 * response.
 */
function complete(request: GithubAccess['request']): GithubAccess['request'] {
  return async (url, init) => {
    const response = await request(url, init);
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(await response.arrayBuffer(), { status, statusText, headers });
  };
}

/** Waits, unless the signal aborts. @throws INTERRUPTED */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (end: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      end();
    };
    const abort = () => done(() => reject(interrupted()));
    const timer = setTimeout(() => done(resolve), ms);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}

export const interrupted = () =>
  new TurnbuildError('INTERRUPTED', 'Interrupted. Run the same command again to finish.');
