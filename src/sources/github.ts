import { TurnbuildError } from '../errors.ts';
import { untilReset } from '../io/download-refusal.ts';
import { githubAccess } from './github-access.ts';

/** What a release's tag stands for. */
export interface GithubTag {
  tag: string;
  commit: string;
  /** Id of the commit's tree: it names the files, whichever tarball has them. */
  gitTree: string;
  tarballUrl: string;
}

export interface GithubOptions {
  token?: string;
  /** Address of the API; GitHub Enterprise and tests have their own. */
  baseUrl?: string;
  signal?: AbortSignal;
}

export interface GithubSource {
  /** Versions of the published releases, newest first; drafts, prereleases and tags of images are left out. */
  listVersions(): Promise<string[]>;
  resolveTag(version: string): Promise<GithubTag>;
}

/** Tags that name tags: nobody does it twice, but a circle must end. */
const MAX_TAGS = 5;
/** Pages of a hundred releases: coturn has one. */
const MAX_PAGES = 20;
const REPOSITORY = { owner: 'coturn', repo: 'coturn' };

/** coturn's releases through GitHub's API. The client is loaded here, not at the start of turnbuild. */
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
      // A server can name a next page for ever.
      if (count === MAX_PAGES && /rel="?next/.test(headers.link ?? '')) throw unexpected('its releases');
    }
    return all;
  };
  return {
    async listVersions() {
      const all = await ask(allReleases(), 'its releases');
      if (!all.every((release) => typeof release?.tag_name === 'string')) throw unexpected('its releases');
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
        `the tag ${version}`,
      );
      let { sha, type } = objectOf(ref.data, `the tag ${version}`);
      // An annotated tag names a commit, or another tag.
      for (let hops = 0; type === 'tag' && hops < MAX_TAGS; hops++) {
        const annotated = await ask(
          octokit.rest.git.getTag({ ...REPOSITORY, tag_sha: sha }),
          `the tag ${version}`,
        );
        ({ sha, type } = objectOf(annotated.data, `the tag ${version}`));
      }
      if (type !== 'commit')
        throw new TurnbuildError('GITHUB_UNEXPECTED', `The tag ${version} names a ${type}, not a commit`);
      const commit = await ask(
        octokit.rest.git.getCommit({ ...REPOSITORY, commit_sha: sha }),
        `the commit ${sha}`,
      );
      // By commit, not by tag: a tag that moves between two requests can't give another tree.
      return {
        tag: version,
        commit: sha,
        gitTree: shaOf(commit.data?.tree?.sha, `the commit ${sha}`),
        tarballUrl: `${access.ownUrl}/repos/${REPOSITORY.owner}/${REPOSITORY.repo}/tarball/${sha}`,
      };
    },
  };
}

/** What a tag names. @throws GITHUB_UNEXPECTED if the answer has nothing of the kind */
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
    `GitHub's answer about ${what} is not what its API documents`,
    {
      hint: 'Something between this machine and GitHub may have answered in its place.',
    },
  );
}

function explain(error: unknown, what: string, withToken: boolean): TurnbuildError {
  if (error instanceof TurnbuildError) return error;
  // The client wraps what fetch throws.
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
      `GitHub gives no more answers${when}: the limit of this ${withToken ? 'token' : 'address'} is used up`,
      {
        cause: error,
        hint: withToken
          ? 'Wait until the limit resets.'
          : 'Set GITHUB_TOKEN: 5,000 requests an hour instead of 60.',
      },
    );
  }
  if (status === 404) {
    return new TurnbuildError('SOURCE_NOT_FOUND', `GitHub has no coturn release for ${what}`, {
      cause: error,
      hint: 'See `turnbuild plan latest`, or give the tarball: --source FILE.',
    });
  }
  if (status === 401)
    return new TurnbuildError('GITHUB_TOKEN_INVALID', 'GitHub refuses GITHUB_TOKEN', {
      cause: error,
      hint: 'Renew it, or unset it.',
    });
  const text = error instanceof Error ? error.message : String(error);
  return new TurnbuildError('GITHUB_UNREACHABLE', `Cannot query GitHub for ${what}: ${text}`, {
    cause: error,
    hint: "Where GitHub can't be reached: --source debian, or --source FILE.",
  });
}
