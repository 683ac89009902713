import { messageOf, TurnbuildError } from '../../errors.ts';
import { withoutSecrets } from '../bucket/secrets.ts';
import { untilReset } from '../download-refusal.ts';
import { networkProblem } from '../network-error.ts';

/** A failed request of Octokit. */
interface Failure {
  status?: number;
  message: string;
  response?: { headers?: Record<string, string | undefined>; data?: { errors?: unknown } };
  cause?: unknown;
}

const PERMISSION =
  'It needs write access to the contents of the repository: in a workflow, `permissions: contents: write`; for a fine-grained token, Contents: Read and write; for a classic token, the scope repo.';

/** A page of a proxy, or GitHub's own when it is overloaded. */
const HTML = /^\s*<(?:!doctype|html)/i;

const workflowsHint = (commit: string) =>
  ` A workflow's token may not create a tag at a commit if workflow files have changed since: if ${commit.slice(0, 12)} is such a commit, run the workflow for the newest one, or use a token that may write workflows.`;

/**
 * Whether a request may succeed if it is repeated, and may have been performed although it failed: the connection broke, timed out, the server
 * had an internal error, or another request was changing the same release (409).
 */
export function isUncertain(error: unknown): boolean {
  if (error instanceof TurnbuildError) return false;
  const { status = 500, cause } = error as Failure;
  return (status >= 500 || status === 409) && !(cause instanceof TurnbuildError);
}

/** Whether a request failed because the name is taken. GitHub REST API, "Upload a release asset": 422 with `already_exists`. */
export function isTaken(error: unknown): boolean {
  const { status, message } = error as Failure;
  return status === 422 && /already_exists/.test(message);
}

/** Whether there is no such thing, or the token may not see it. */
export function isMissing(error: unknown): boolean {
  return (error as Failure).status === 404;
}

/**
 * An error of a request in words. It contains no token, and no address with a signature.
 * @param what was to be done, e.g. `upload coturn.deb`
 * @param repository e.g. `https://github.com/example/coturn-packages`
 * @param isWrite a response of 404 means that the token may not change the repository
 * @param commit where a tag is created: GitHub requires a further permission if workflow files have changed since (cli/cli#9514)
 */
export function githubError(
  error: unknown,
  what: string,
  repository: string,
  isWrite: boolean,
  commit?: string,
): Error {
  if (error instanceof TurnbuildError) return error;
  const { status, message, response, cause } = error as Failure;
  if (cause instanceof TurnbuildError) return cause;
  const headers = response?.headers ?? {};
  const fail = (code: string, why: string, hint: string) =>
    new TurnbuildError(code, `Cannot ${what} in ${repository}: ${why}`, { cause: error, hint });
  const said = HTML.test(message ?? '')
    ? 'an HTML page'
    : withoutSecrets((message ?? '').replace(/ - https:\/\/\S+$/, ''));
  const isLimit =
    /secondary rate/i.test(message) ||
    headers['x-ratelimit-remaining'] === '0' ||
    headers['retry-after'] !== undefined;
  if (status === 429 || (status === 403 && isLimit))
    return fail(
      'GITHUB_RATE_LIMITED',
      `GitHub's limit for this token is exhausted${untilReset(headers['x-ratelimit-reset'])}`,
      'Run the same command again later: completed uploads and changes are not repeated.',
    );
  if (status === 401)
    return fail('GITHUB_TOKEN_INVALID', 'GitHub rejected the token', 'Renew GITHUB_TOKEN, or GH_TOKEN.');
  if (/archived/i.test(message) && status === 403) return archivedError(repository);
  if (status === 403 || (status === 404 && isWrite))
    return fail(
      'GITHUB_FORBIDDEN',
      `the token lacks the permission (${status}: ${said})`,
      PERMISSION + (commit === undefined ? '' : workflowsHint(commit)),
    );
  if (/used by an immutable release/i.test(message))
    return fail(
      'GITHUB_TAG_RESERVED',
      'its tag belonged to an immutable release that was deleted, and GitHub never allows it again',
      'Build and publish the release with a new --revision.',
    );
  if (status === 404)
    return fail(
      'GITHUB_REFUSED',
      `GitHub does not find it (404: ${said})`,
      'It was deleted, or the token may no longer see it. Run the same command again.',
    );
  if (status !== undefined && status < 500)
    return fail(
      'GITHUB_REFUSED',
      `GitHub refused it (${status}: ${said})`,
      "Check the repository's rules for tags and releases, then run the same command again.",
    );
  const problem = networkProblem(cause ?? error);
  const isAnswer = status !== undefined && cause === undefined;
  return fail(
    'GITHUB_UNREACHABLE',
    problem === undefined
      ? isAnswer
        ? `GitHub failed (${status}: ${said})`
        : `no answer from GitHub (${reasonOf(cause ?? error)})`
      : `GitHub is unreachable: ${problem.why}`,
    problem?.hint ?? 'Run the same command again: completed uploads and changes are not repeated.',
  );
}

/** The reason why a connection failed: `fetch failed` alone says nothing. */
function reasonOf(error: unknown): string {
  let text = messageOf(error);
  for (let each = error; each instanceof Error; each = each.cause) text = each.message;
  return withoutSecrets(text);
}

export function archivedError(repository: string): TurnbuildError {
  return new TurnbuildError('GITHUB_FORBIDDEN', `${repository} is archived, so it cannot be changed`, {
    hint: 'Unarchive it in its settings, or publish to another one with --github-repo.',
  });
}

/** The error of a repository that is not there. */
export function unknownRepository(repository: string): TurnbuildError {
  return new TurnbuildError(
    'GITHUB_REPOSITORY_UNKNOWN',
    `GitHub has no repository ${repository}, or the token may not see it`,
    { hint: `Check --github-repo and the token. ${PERMISSION}` },
  );
}
