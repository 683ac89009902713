import { TurnbuildError } from '../errors.ts';
import { untilReset } from '../io/download-refusal.ts';
import { githubAccess } from '../io/github/access.ts';

/** The commit and the tarball of a release's tag. */
export interface GithubTag {
  tag: string;
  commit: string;
  /** Id of the commit's tree, which identifies the files independently of the tarball. */
  gitTree: string;
  tarballUrl: string;
}

export interface GithubOptions {
  token?: string;
  /** Address of the API; GitHub Enterprise and tests use others. */
  baseUrl?: string;
  signal?: AbortSignal;
}

export interface GithubSource {
  /** Versions of the published releases, newest first, without drafts, prereleases and tags of images. */
  listVersions(): Promise<string[]>;
  resolveTag(version: string): Promise<GithubTag>;
}

/** Limit for tags that point to tags, in case of a cycle. */
const MAX_TAGS = 5;
/** Limit for pages of 100 releases; coturn has one. */
const MAX_PAGES = 20;
const REPOSITORY = { owner: 'coturn', repo: 'coturn' };
const RELEASES = "coturn's releases";

/** coturn's releases through GitHub's API. Loads the client only when it is needed, so that turnbuild starts faster. */
export async function createGithubSource(options: GithubOptions): Promise<GithubSource> {
  const { Octokit } = await import('@octokit/rest');
  const { baseUrl = 'https://api.github.com', token } = options;
  const access = githubAccess(baseUrl, token !== undefined);
  const silent = () => {};
  const octokit = new Octokit({
    userAgent: 'turnbuild',
    log: { debug: silent, info: silent, warn: silent, error: silent },
    ...(token === undefined ? {} : { auth: token }),
    baseUrl: access.baseUrl,
    request: {
      fetch: access.request,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
  });
  const ask = <T>(work: Promise<T>, what: string) =>
    work.catch((error: unknown) => {
      if (options.signal?.aborted === true)
        throw new TurnbuildError('INTERRUPTED', 'The request to GitHub was interrupted');
      throw explain(error, what, token !== undefined);
    });
  const allReleases = async () => {
    const pages = octokit.paginate.iterator(octokit.rest.repos.listReleases, {
      ...REPOSITORY,
      per_page: 100,
    });
    let count = 0;
    let all: Awaited<ReturnType<typeof octokit.rest.repos.listReleases>>['data'] = [];
    for await (const { data, headers } of pages) {
      all = all.concat(data);
      count += 1;
      // A server could name a next page forever.
      if (count === MAX_PAGES && /rel="?next/.test(headers.link ?? '')) throw unexpected(RELEASES);
    }
    return all;
  };
  return {
    async listVersions() {
      const all = await ask(allReleases(), RELEASES);
      if (!all.every((release) => typeof release?.tag_name === 'string')) throw unexpected(RELEASES);
      return all
        .filter(
          (release) =>
            !release.draft && !release.prerelease && /^\d+\.\d+\.\d+(\.\d+)?$/.test(release.tag_name),
        )
        .map((release) => release.tag_name);
    },
    async resolveTag(version) {
      const ref = await ask(
        octokit.rest.git.getRef({ ...REPOSITORY, ref: `tags/${version}` }),
        `coturn's tag ${version}`,
      );
      let { sha, type } = objectOf(ref.data, `coturn's tag ${version}`);
      // An annotated tag points to a commit or to another tag.
      for (let hops = 0; type === 'tag' && hops < MAX_TAGS; hops++) {
        const annotated = await ask(
          octokit.rest.git.getTag({ ...REPOSITORY, tag_sha: sha }),
          `coturn's tag ${version}`,
        );
        ({ sha, type } = objectOf(annotated.data, `coturn's tag ${version}`));
      }
      if (type !== 'commit')
        throw new TurnbuildError(
          'GITHUB_UNEXPECTED',
          `coturn's tag ${version} points to a ${type}, expected a commit`,
        );
      const commit = await ask(
        octokit.rest.git.getCommit({ ...REPOSITORY, commit_sha: sha }),
        `coturn's commit ${sha}`,
      );
      // By commit, not by tag: a tag may move between two requests.
      return {
        tag: version,
        commit: sha,
        gitTree: shaOf(commit.data?.tree?.sha, `coturn's commit ${sha}`),
        tarballUrl: `${access.ownUrl}/repos/${REPOSITORY.owner}/${REPOSITORY.repo}/tarball/${sha}`,
      };
    },
  };
}

/** The object that a tag points to. @throws GITHUB_UNEXPECTED if the response has none */
function objectOf(data: { object?: { sha?: unknown; type?: unknown } } | undefined, what: string) {
  return { sha: shaOf(data?.object?.sha, what), type: String(data?.object?.type) };
}

function shaOf(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[0-9a-f]{40}$/.test(value)) return value;
  throw unexpected(what);
}

function unexpected(what: string): TurnbuildError {
  return new TurnbuildError(
    'GITHUB_UNEXPECTED',
    `GitHub's response about ${what} does not match the documented API`,
    {
      hint: 'Check whether a proxy responded instead.',
    },
  );
}

function explain(error: unknown, what: string, withToken: boolean): TurnbuildError {
  if (error instanceof TurnbuildError) return error;
  // The client wraps errors thrown by fetch.
  if (error instanceof Error && error.cause instanceof TurnbuildError) return error.cause;
  const { status, response } = error as { status?: number; response?: { headers: Record<string, string> } };
  const headers = response?.headers ?? {};
  if (
    (status === 403 || status === 429) &&
    (headers['x-ratelimit-remaining'] === '0' || headers['retry-after'] !== undefined)
  ) {
    const when = untilReset(headers['x-ratelimit-reset']);
    return new TurnbuildError(
      'GITHUB_RATE_LIMITED',
      `GitHub's rate limit for this ${withToken ? 'token' : 'IP address'} is exhausted${when}`,
      {
        cause: error,
        hint: withToken
          ? 'Wait until the limit resets.'
          : 'Set GITHUB_TOKEN, which raises the limit from 60 to 5,000 requests an hour.',
      },
    );
  }
  if (status === 404) {
    return new TurnbuildError('SOURCE_NOT_FOUND', `GitHub does not have ${what}`, {
      cause: error,
      hint: 'Try `turnbuild plan latest`, or pass the tarball with --source FILE.',
    });
  }
  if (status === 401)
    return new TurnbuildError('GITHUB_TOKEN_INVALID', 'GitHub rejected GITHUB_TOKEN', {
      cause: error,
      hint: 'Renew it, or unset it.',
    });
  const text = error instanceof Error ? error.message : String(error);
  return new TurnbuildError('GITHUB_UNREACHABLE', `Cannot query GitHub for ${what}: ${text}`, {
    cause: error,
    hint: 'If GitHub is unreachable, use --source debian or --source FILE.',
  });
}
