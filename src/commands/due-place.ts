import { resolve } from 'node:path';
import { TurnbuildError, usageError } from '../errors.ts';
import { exists } from '../io/files.ts';
import { readToken } from '../io/github/access.ts';
import { githubReleases } from '../io/github/releases.ts';
import { localStore } from '../io/local-store.ts';
import { isAddress, openStore } from '../io/open-store.ts';
import { readPublished } from '../io/published-file.ts';
import { shownUrl } from '../io/shown-url.ts';
import { releasesOnGithub } from '../publish/github/published.ts';
import type { PublishedReleases } from '../publish/published.ts';
import { type ReadableRepository, recordedReleases } from '../publish/recorded.ts';
import type { Session } from '../run/session.ts';
import { destinationsOption, githubName, urlOption } from './repository.ts';

/** Options that say what is compared. */
export interface PlaceOptions {
  to?: string[];
  repo?: string;
  url?: string;
  githubRepo?: string;
}

/**
 * Opens the releases that `turnbuild due` compares: those of an apt or dnf repository, whose record is stored after all destinations of a
 * publication, or those on GitHub if there is no such repository. Undefined: nothing says where.
 * @throws OPTION_INVALID, FILE_ERROR, and the errors of the repository's service
 */
export async function openPublished(
  session: Session,
  options: PlaceOptions,
): Promise<PublishedReleases | undefined> {
  const { publish } = session;
  const given = options.to ?? publish.to;
  const to = given === undefined ? undefined : destinationsOption(given);
  const isStored = to === undefined ? options.githubRepo === undefined : to.some((each) => each !== 'github');
  if (isStored) {
    const repository = await openRepository(session, options);
    if (repository !== undefined) return recordedReleases(repository);
  }
  const name = options.githubRepo ?? publish.github;
  if (to?.includes('github') !== true && name === undefined) return undefined;
  return openReleases(session, name);
}

/** The repository's folder if this machine has it, otherwise its URL, which needs no credentials, otherwise its bucket. */
async function openRepository(
  { io, publish }: Session,
  options: PlaceOptions,
): Promise<ReadableRepository | undefined> {
  const repo = options.repo ?? publish.repo ?? '';
  const url = urlOption(options.url ?? publish.url);
  const isFolder = repo !== '' && !isAddress(repo);
  const dir = resolve(repo);
  if (isFolder && (await exists(dir)))
    return { where: dir, read: (path, maxBytes) => localStore(dir).read(path, maxBytes) };
  if (url !== undefined) {
    const address = (path: string) => `${url}/${path.replaceAll('+', '%2B')}`;
    return {
      where: shownUrl(url),
      read: (path, maxBytes) => readPublished(address(path), { maxBytes, signal: io.signal }),
    };
  }
  if (isFolder)
    throw usageError(
      'ARGUMENT_MISSING',
      `--url is missing: this machine has no folder ${dir}, so turnbuild can't find out what is published`,
      'Pass the URL of the repository. If the folder is to be created by the first publication, create it now.',
    );
  if (repo === '') return undefined;
  const store = await openStore(repo, io.signal);
  return { where: store.address, read: (path, maxBytes) => store.read(path, maxBytes) };
}

async function openReleases({ io, output }: Session, option: string | undefined): Promise<PublishedReleases> {
  const { owner, name, api } = githubName(option);
  const token = readToken(process.env.GITHUB_TOKEN) ?? readToken(process.env.GH_TOKEN, 'GH_TOKEN');
  try {
    const place = { owner, name, api, token, signal: io.signal, tell: output.line };
    return await releasesOnGithub(await githubReleases(place));
  } catch (error) {
    throw reading(error, token !== undefined);
  }
}

/** What to do about an error of a request that only reads. */
function reading(error: unknown, hasToken: boolean): unknown {
  if (!(error instanceof TurnbuildError)) return error;
  const { code, message } = error;
  if (code === 'GITHUB_RATE_LIMITED' && !hasToken)
    return new TurnbuildError(code, message.replace('this token', 'requests without a token'), {
      cause: error,
      hint: 'Set GITHUB_TOKEN, or GH_TOKEN, or run the same command again later.',
    });
  if (code !== 'GITHUB_REPOSITORY_UNKNOWN') return error;
  return new TurnbuildError(code, hasToken ? message : message.replace(', or the token may not see it', ''), {
    cause: error,
    hint: 'Check --github-repo. A private repository needs a token that may read its contents: in a workflow, `permissions: contents: read`.',
  });
}
