import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { download } from '../io/download.ts';
import type { Io } from '../io/index.ts';
import { checkLock, type LockedSource, type SourceLock } from './lock.ts';
import { readSourceTarball, type SourceTree } from './tarball.ts';
import { coturnVersion, treeDigest, writeNormalisedTar } from './tree.ts';

/** A tarball to fetch: its location, and the facts known before it is read. */
export interface SourceCandidate {
  provider: 'github' | 'debian' | 'file' | 'url';
  /** Its name in messages: a path, an address, or the provider's name. */
  location: string;
  /** Expected version; undefined for a file or URL without one. */
  version: string | undefined;
  /** Either `path` or `url` is set. */
  path?: string;
  url?: string;
  /** Expected SHA-256, from the signed index, the lock file or --sha256. */
  sha256?: string | undefined;
  commit?: string;
  gitTree?: string;
  /** Headers of the download, for authorization. */
  headers?: Readonly<Record<string, string>>;
}

/** Sources that were read and checked against the lock file. */
export interface ResolvedSource {
  version: string;
  provider: SourceCandidate['provider'];
  location: string;
  sha256: string;
  /** Digest of the normalised tree: the same for the same sources from any provider. */
  tree: string;
  /** SOURCE_DATE_EPOCH of everything built from them, in Unix seconds: pinned, otherwise the newest file time. */
  epoch: number;
  commit?: string;
  gitTree?: string;
  /** Path of the tarball as downloaded. `source --json` prints this key. */
  archive: string;
}

export interface SourceOptions {
  io: Pick<Io, 'files' | 'lockFolder' | 'signal'>;
  cache: string;
  lock: SourceLock;
  /** Accepts a version that the lock file lacks, to pin it. A pinned version is still checked. */
  updateLock: boolean;
  /** Accepts a version that the lock file lacks, because nothing is built from it. A pinned version is still checked. */
  unpinned: boolean;
  /** --sha256 pins a file or URL for this run, so the lock file is not consulted. */
  pinned: boolean;
  onProgress?: (received: number, total: number | undefined) => void;
}

/**
 * Downloads a candidate or takes it from the cache, parses it defensively, and checks it.
 * @throws SOURCE_* errors; partial output is removed
 */
export async function fetchSource(
  candidate: SourceCandidate,
  options: SourceOptions,
): Promise<ResolvedSource> {
  const tarball = await obtain(candidate, options);
  let sha256 = '';
  const tree = await readSourceTarball(tarball, {
    check: (read) => {
      sha256 = read;
      requireSha256(candidate, read);
    },
  });
  const own = coturnVersion(tree);
  if (own === undefined) {
    throw new TurnbuildError(
      'SOURCE_NOT_COTURN',
      `${candidate.location} does not contain a coturn version (TURN_SERVER_VERSION in src/ns_turn_defs.h)`,
      { hint: whereCoturnIs(tree.entries) },
    );
  }
  const version = candidate.version ?? own;
  if (own !== version) {
    throw new TurnbuildError(
      'SOURCE_VERSION_MISMATCH',
      `${candidate.location} is coturn ${own}, not ${version}`,
    );
  }
  const found: LockedSource & { provider: SourceCandidate['provider']; sha256: string } = {
    provider: candidate.provider,
    sha256,
    sha256s: {},
    tree: treeDigest(tree),
    epoch: tree.newestMtime,
    ...(candidate.commit === undefined ? {} : { commit: candidate.commit }),
    ...(candidate.gitTree === undefined ? {} : { gitTree: candidate.gitTree }),
  };
  requireCommit(candidate, tree.gitCommit);
  // --update-lock adds pins but never replaces one, so a changed release is still an error.
  const known = options.lock.sources[version];
  const mayBeNew = options.updateLock || options.unpinned;
  if (!options.pinned && (known !== undefined || !mayBeNew)) checkLock(options.lock, version, found);
  return {
    version,
    provider: candidate.provider,
    location: candidate.location,
    sha256,
    tree: found.tree,
    // Two providers' tarballs of the same tree may have different file times; the packages must be identical.
    epoch: known?.tree === found.tree ? known.epoch : found.epoch,
    ...(candidate.commit === undefined ? {} : { commit: candidate.commit }),
    ...(candidate.gitTree === undefined ? {} : { gitTree: candidate.gitTree }),
    archive: tarball,
  };
}

function requireSha256({ location, sha256 }: SourceCandidate, read: string): void {
  if (sha256 === undefined || sha256 === read) return;
  throw new TurnbuildError('SOURCE_SHA256_MISMATCH', `${location} has the sha256 ${read}, not ${sha256}`, {
    hint: 'Find out why before you use it: a published tarball should never change.',
  });
}

/** The hint for a tarball without coturn's sources in its top-level folder. */
function whereCoturnIs(entries: readonly { path: string }[]): string {
  const deeper = entries.find(({ path }) => path.endsWith('/src/ns_turn_defs.h'))?.path;
  if (deeper !== undefined) {
    const folder = deeper.slice(0, -'/src/ns_turn_defs.h'.length);
    return `coturn's sources are in its subfolder ${folder}: pack only that folder.`;
  }
  const top = [...new Set(entries.map(({ path }) => path.split('/')[0]))];
  return `Its top-level folder contains ${top.slice(0, 5).join(', ')}${top.length > 5 ? ', ...' : ''}. Use the tarball of a coturn release.`;
}

/** A tarball made by git contains its commit id, which must be the commit that the tag resolved to. */
function requireCommit({ location, commit }: SourceCandidate, own: string | undefined): void {
  if (commit === undefined || own === undefined || commit === own) return;
  throw new TurnbuildError(
    'SOURCE_TREE_MISMATCH',
    `${location}: the tarball is of commit ${own}, but the tag resolved to ${commit}`,
    { hint: 'Run the same command again; if it happens again, do not use these sources.' },
  );
}

/** Path in the cache of the tarball with this SHA-256 (that of its address if the tarball's is unknown). */
export function cachedSource(cache: string, sha256: string): string {
  return `${cacheFolder(cache, sha256)}/source.tar.gz`;
}

function cacheFolder(cache: string, name: string): string {
  return `${cache}/sources/${name}`;
}

async function obtain(candidate: SourceCandidate, { io, cache, onProgress }: SourceOptions): Promise<string> {
  if (candidate.path !== undefined) {
    if (await io.files.exists(candidate.path)) return candidate.path;
    throw new TurnbuildError('SOURCE_NOT_FOUND', `File not found: ${candidate.path}`, {
      hint: '--source takes github, debian, the path of a tarball, or a URL.',
    });
  }
  if (candidate.url === undefined) throw new Error('a source candidate has a path or an address');
  // Named by the expected hash, or else by the address, so that two versions never share a file.
  const name = candidate.sha256 ?? io.files.sha256Text(candidate.url);
  const dir = cacheFolder(cache, name);
  const file = cachedSource(cache, name);
  // If two processes need the same file, one downloads it and the other waits for it.
  const lock = await io.lockFolder(dir, io.signal);
  try {
    if (candidate.sha256 !== undefined && (await io.files.isIntact(file, candidate.sha256))) return file;
    await download({
      url: candidate.url,
      file,
      signal: io.signal,
      ...(candidate.sha256 === undefined ? {} : { sha256: candidate.sha256 }),
      ...(candidate.headers === undefined ? {} : { headers: candidate.headers }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return file;
  } finally {
    await lock.release();
  }
}

/**
 * Reads already checked sources again.
 * @throws SOURCE_TREE_MISMATCH if the tarball has changed since, and the errors of `fetchSource`
 */
export async function readSource({ archive, tree }: ResolvedSource): Promise<SourceTree> {
  const read = await readSourceTarball(archive);
  if (treeDigest(read) === tree) return read;
  throw new TurnbuildError('SOURCE_TREE_MISMATCH', `${archive} was changed while it was in use`, {
    hint: 'Run the same command again when nothing writes to this file.',
  });
}

/** Writes the normalised tar that builds start from, unless it is already up to date. Returns its path. */
export async function writeSource(
  source: ResolvedSource,
  dir: string,
  io: Pick<Io, 'files'>,
): Promise<string> {
  const folder = join(dir, 'work', 'source');
  const file = join(folder, `coturn-${source.version}.tar`);
  const mark = join(folder, 'tree');
  if ((await io.files.exists(mark)) && (await io.files.exists(file))) {
    const [tree, epoch, sha256] = (await io.files.readText(mark)).trim().split(' ');
    if (
      tree === source.tree &&
      epoch === String(source.epoch) &&
      sha256 === (await io.files.sha256File(file))
    )
      return file;
  }
  await io.files.makeFolder(folder);
  await writeNormalisedTar(await readSource(source), source.epoch, file);
  await io.files.writeText(mark, `${source.tree} ${source.epoch} ${await io.files.sha256File(file)}\n`);
  return file;
}
