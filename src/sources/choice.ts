import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import semver from 'semver';
import { TurnbuildError, usageError } from '../errors.ts';
import { readToken } from '../io/github/access.ts';
import { shownUrl } from '../io/shown-url.ts';
import { quarantineOf } from '../recipe/advisories.ts';
import { comparableVersion, withoutPrefix } from '../recipe/coturn-version.ts';
import { debianCandidate, debianVersions } from './debian.ts';
import { versionNotFound } from './errors.ts';
import { fetchSource, type ResolvedSource, type SourceCandidate } from './fetch.ts';
import { createGithubSource, type GithubSource } from './github.ts';
import { pinSource, type SourceLock } from './lock.ts';
import { formatLock, readLock, readLocks, writeLock } from './lock-file.ts';
import { parseSource, type SourceContext, sha256Option } from './options.ts';

/** Bytes received so far, and the total if it is known. */
export type DownloadProgress = (received: number, total: number | undefined) => void;

/**
 * Resolves the requested version (an exact one, `latest`, a semver range; a file or URL has its own), then fetches and
 * checks its sources. Without --source, the provider is the one in the lock file, otherwise GitHub.
 */
export async function resolveWanted(
  context: SourceContext,
  asked: string | undefined,
  given: { lock?: SourceLock | undefined; onProgress?: DownloadProgress } = {},
): Promise<ResolvedSource> {
  const wanted = asked === undefined ? undefined : withoutPrefix(asked);
  const { options, recipes, locks, io, cache } = context;
  const lock = given.lock ?? (await readLocks(locks));
  const { provider, location } = chooseProvider(options.source, wanted, lock);
  const sha256 = sha256Option(options.sha256);
  const request = wanted ?? 'latest';
  await requireRequest(request);
  const quarantined = (version: string) =>
    options.allowQuarantined === true ? undefined : quarantineOf(version, recipes.quarantine);
  const select = (versions: readonly string[]) =>
    selectVersion(request, versions, (version) => quarantined(version) === undefined);
  let candidate: SourceCandidate;
  if (provider === 'file' || provider === 'url') {
    const shown = provider === 'file' ? location : shownUrl(location);
    if (wanted !== undefined && !isExact(wanted)) {
      throw usageError(
        'VERSION_INVALID',
        `--source ${shown} is a single version, so "${wanted}" cannot select one`,
        'Give an exact version, or none.',
      );
    }
    if (provider === 'file') await requireFile(location);
    const place = provider === 'file' ? { path: resolve(location) } : { url: location };
    candidate = { provider, location: shown, version: wanted, sha256, ...place };
  } else if (provider === 'debian') candidate = await debianCandidate(context, request, lock, select);
  else candidate = await githubCandidate(context, request, select);
  const source = await fetchSource(candidate, {
    io,
    cache,
    lock,
    updateLock: options.updateLock === true,
    unpinned: options.unpinned === true,
    pinned: sha256 !== undefined && (provider === 'file' || provider === 'url'),
    ...(given.onProgress === undefined ? {} : { onProgress: given.onProgress }),
  });
  if (sha256 !== undefined && source.sha256 !== sha256) {
    throw new TurnbuildError(
      'SOURCE_SHA256_MISMATCH',
      `${source.location} has the sha256 ${source.sha256}, not ${sha256}`,
      {
        hint: "The sources don't match --sha256. Check the digest, and where the sources came from.",
      },
    );
  }
  const bad = quarantined(source.version);
  if (bad !== undefined) throw quarantineError(source.version, bad.reason, bad.reference);
  if (options.updateLock === true && options.dryRun !== true) await pin(context, source);
  return source;
}

async function pin({ locks, output }: SourceContext, source: ResolvedSource): Promise<void> {
  const lock = await readLock(locks.own);
  const pinned = pinSource(lock, source.version, source);
  if (formatLock(pinned) === formatLock(lock)) return;
  await writeLock(locks.own, pinned);
  output.line(`Pinned coturn ${source.version} in ${locks.own}`);
}

/**
 * A missing file fails later, with an error of its own.
 * @throws SOURCE_INVALID for a folder, and for a pipe or device, which can be read only once
 */
async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  if (found.isDirectory()) {
    throw usageError(
      'SOURCE_INVALID',
      `--source ${path} is a folder`,
      `Give a tarball, or pack the folder: tar --exclude=.git -czf coturn.tar.gz -C ${path} .`,
    );
  }
  throw usageError('SOURCE_INVALID', `--source ${path} is not a regular file`, 'Save the tarball in a file.');
}

function chooseProvider(
  source: string | undefined,
  wanted: string | undefined,
  lock: SourceLock,
): ReturnType<typeof parseSource> {
  if (source !== undefined) return parseSource(source);
  const pinned = wanted === undefined ? undefined : lock.sources[wanted];
  const name =
    pinned !== undefined && pinned.sha256s.github === undefined && pinned.sha256s.debian !== undefined
      ? 'debian'
      : 'github';
  return { provider: name, location: name };
}

/**
 * The provider's newest release that is not quarantined.
 * @param request a semver range that it must satisfy, or `latest`
 * @throws SOURCE_NOT_FOUND, and the provider's errors
 */
export async function newestVersion(
  context: SourceContext,
  provider: 'github' | 'debian',
  request = 'latest',
): Promise<string> {
  const versions = await offeredVersions(context, provider);
  const usable = (version: string) => quarantineOf(version, context.recipes.quarantine) === undefined;
  const newest = selectVersion(request, versions, usable);
  if (newest !== undefined) return newest;
  throw versionNotFound(request, NAMES[provider], versions);
}

const NAMES = { github: 'GitHub', debian: 'the Debian archive' } as const;

/** All releases of a provider. @throws the provider's errors */
async function offeredVersions(context: SourceContext, provider: 'github' | 'debian'): Promise<string[]> {
  return provider === 'github' ? (await openGithub(context)).github.listVersions() : debianVersions(context);
}

/**
 * The provider's releases that a request selects, quarantined ones among them, and the newest of all.
 * @param request an exact version, a semver range, or `latest`
 * @returns from the newest release on
 * @throws SOURCE_NOT_FOUND if there is none, and the provider's errors
 */
export async function selectedVersions(
  context: SourceContext,
  provider: 'github' | 'debian',
  request = 'latest',
): Promise<{ selected: string[]; newest: string }> {
  const versions = await offeredVersions(context, provider);
  const selected = matching(request, versions);
  const [newest] = matching('latest', versions);
  if (selected.length > 0 && newest !== undefined) return { selected, newest };
  throw versionNotFound(request, NAMES[provider], versions);
}

async function openGithub({
  io,
}: SourceContext): Promise<{ github: GithubSource; token: string | undefined }> {
  const token = readToken(process.env.GITHUB_TOKEN);
  const baseUrl = process.env.GITHUB_API_URL || undefined;
  const github = await createGithubSource({
    signal: io.signal,
    ...(token === undefined ? {} : { token }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
  });
  return { github, token };
}

async function githubCandidate(
  context: SourceContext,
  request: string,
  select: (versions: readonly string[]) => string | undefined,
): Promise<SourceCandidate> {
  const { github, token } = await openGithub(context);
  const version = isExact(request) ? request : select(await github.listVersions());
  if (version === undefined) throw versionNotFound(request, 'GitHub', []);
  const tag = await github.resolveTag(version);
  return {
    provider: 'github',
    location: `github.com/coturn/coturn ${tag.tag}`,
    version,
    url: tag.tarballUrl,
    commit: tag.commit,
    gitTree: tag.gitTree,
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  };
}

/** Whether a request is a version rather than a range or `latest`. */
export function isExact(word: string): boolean {
  return /^\d+\.\d+\.\d+(\.\d+)?$/.test(word);
}

/** Rejects an invalid request before a provider is queried. Exported for its test. @throws VERSION_INVALID */
export async function requireRequest(request: string): Promise<void> {
  if (isExact(request) || request === 'latest') return;
  if (semver.validRange(request) !== null) {
    if (!isEmptyRange(request)) return;
    throw usageError(
      'VERSION_INVALID',
      `The range "${request}" is empty: no version satisfies it`,
      'For example ">=4.6 <4.7"; separate alternatives with ||.',
    );
  }
  const isFile = await stat(request).then(
    (found) => found.isFile(),
    () => false,
  );
  throw usageError(
    'VERSION_INVALID',
    `Invalid version "${request}": expected X.Y.Z, a semver range, or latest`,
    isFile
      ? `${request} is a file. To build from it: --source ${request}. To verify a package, its name must end in .deb.`
      : 'For example 4.6.1, latest, or "^4.6.0".',
  );
}

/** Tests each alternative on its own: given several, semver tries only the lowest version of all. */
function isEmptyRange(range: string): boolean {
  const alternatives = new semver.Range(range).set;
  return alternatives.every((all) => semver.minVersion(all.map(({ value }) => value).join(' ')) === null);
}

/** The newest version that matches a request: the exact one, or the highest usable one for `latest` or a semver range. */
export function selectVersion(
  request: string,
  versions: readonly string[],
  usable: (version: string) => boolean,
): string | undefined {
  if (isExact(request)) return versions.find((version) => version === request);
  return matching(request, versions.filter(usable))[0];
}

/** The versions that a request selects, from the newest on. */
function matching(request: string, versions: readonly string[]): string[] {
  const range = request === 'latest' ? '*' : request;
  const isWanted = (version: string) =>
    isExact(request) ? version === request : semver.satisfies(comparableVersion(version), range);
  return versions
    .filter(isWanted)
    .sort((a, b) => semver.rcompare(comparableVersion(a), comparableVersion(b)));
}

function quarantineError(version: string, reason: string, reference: string): TurnbuildError {
  return new TurnbuildError(
    'VERSION_QUARANTINED',
    `coturn ${version} must not be shipped: ${reason} (${reference})`,
    {
      hint: 'Choose another version. To test this one anyway: --allow-quarantined.',
    },
  );
}
