import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { download } from '../io/download.ts';
import type { Io } from '../io/index.ts';
import { checkLock, type LockedSource, type SourceLock } from './lock.ts';
import { readSourceTarball, type SourceTree } from './tarball.ts';
import { coturnVersion, treeDigest, writeNormalisedTar } from './tree.ts';

/** One tarball that could be used: where it is, and what is known of it before it is read. */
export interface SourceCandidate {
  provider: 'github' | 'debian' | 'file' | 'url';
  /** What the user or the provider calls it: a path, an address, or the archive's suite. */
  location: string;
  /** Version that it is said to be; undefined for a file or URL without one. */
  version: string | undefined;
  /** A path or an https address. */
  path?: string;
  url?: string;
  /** Expected SHA-256: of the signed index, of the lock, or of --sha256. */
  sha256?: string | undefined;
  commit?: string;
  gitTree?: string;
  /** Sent with the request for the address: who asks. */
  headers?: Readonly<Record<string, string>>;
}

/** Sources that are read, checked against the lock, and normalised. */
export interface ResolvedSource {
  version: string;
  provider: SourceCandidate['provider'];
  location: string;
  sha256: string;
  /** Digest of the normalised tree: the same for the same sources from any provider. */
  tree: string;
  /** SOURCE_DATE_EPOCH of everything made of them, Unix seconds: the pinned one, else the newest file time. */
  epoch: number;
  commit?: string;
  gitTree?: string;
  /** The tarball as it was downloaded. `source --json` prints it under this name. */
  archive: string;
}

export interface SourceOptions {
  io: Pick<Io, 'files' | 'lockFolder' | 'signal'>;
  cache: string;
  lock: SourceLock;
  /** Pins a version that the lock hasn't got; one that it has is held against it all the same. */
  updateLock: boolean;
  /** A version that the lock hasn't got is read all the same: nothing is built of it. */
  unpinned: boolean;
  /** The user gave the SHA-256 by hand: that pins a file or URL for this run. */
  pinned: boolean;
  onProgress?: (received: number, total: number | undefined) => void;
}

/**
 * Downloads a candidate (or finds it in the cache), reads it defensively, and checks it.
 * @throws SOURCE_* errors; nothing is left half-written
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
      `${candidate.location} has no coturn version in it (TURN_SERVER_VERSION in src/ns_turn_defs.h)`,
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
  // A pin is added by --update-lock, and never replaced: a release that has changed is an error there, too.
  const known = options.lock.sources[version];
  const mayBeNew = options.updateLock || options.unpinned;
  if (!options.pinned && (known !== undefined || !mayBeNew)) checkLock(options.lock, version, found);
  return {
    version,
    provider: candidate.provider,
    location: candidate.location,
    sha256,
    tree: found.tree,
    // Two providers' tarballs of one tree may differ in their times; what is made of them must not.
    epoch: known?.tree === found.tree ? known.epoch : found.epoch,
    ...(candidate.commit === undefined ? {} : { commit: candidate.commit }),
    ...(candidate.gitTree === undefined ? {} : { gitTree: candidate.gitTree }),
    archive: tarball,
  };
}

function requireSha256({ location, sha256 }: SourceCandidate, read: string): void {
  if (sha256 === undefined || sha256 === read) return;
  throw new TurnbuildError('SOURCE_SHA256_MISMATCH', `${location} has the sha256 ${read}, not ${sha256}`, {
    hint: 'Find out why before you use it: a published tarball does not change by itself.',
  });
}

/** What to do about a tarball that has no coturn at its top. */
function whereCoturnIs(entries: readonly { path: string }[]): string {
  const deeper = entries.find(({ path }) => path.endsWith('/src/ns_turn_defs.h'))?.path;
  if (deeper !== undefined) {
    const folder = deeper.slice(0, -'/src/ns_turn_defs.h'.length);
    return `coturn's sources are in its folder ${folder}: pack that folder alone.`;
  }
  const top = [...new Set(entries.map(({ path }) => path.split('/')[0]))];
  return `In its top-level folder there is ${top.slice(0, 5).join(', ')}${top.length > 5 ? ', ...' : ''}. Give the tarball of a coturn release.`;
}

/** A tarball that git has made names its commit; it must be the one that the tag was resolved to. */
function requireCommit({ location, commit }: SourceCandidate, own: string | undefined): void {
  if (commit === undefined || own === undefined || commit === own) return;
  throw new TurnbuildError(
    'SOURCE_TREE_MISMATCH',
    `${location} is a tarball of the commit ${own}, not of ${commit}, which the tag names`,
    { hint: 'Run the same command again; if it happens again, do not use these sources.' },
  );
}

/** Where the cache keeps the tarball of this sha256 (or, where none is known, of the sha256 of its address). */
export function cachedSource(cache: string, sha256: string): string {
  return `${cacheFolder(cache, sha256)}/source.tar.gz`;
}

function cacheFolder(cache: string, name: string): string {
  return `${cache}/sources/${name}`;
}

async function obtain(candidate: SourceCandidate, { io, cache, onProgress }: SourceOptions): Promise<string> {
  if (candidate.path !== undefined) {
    if (await io.files.exists(candidate.path)) return candidate.path;
    throw new TurnbuildError('SOURCE_NOT_FOUND', `There is no file ${candidate.path}`, {
      hint: '--source takes github, debian, the path of a tarball, or an address.',
    });
  }
  if (candidate.url === undefined) throw new Error('a source candidate has a path or an address');
  // Named by what it must be, or by where it is from: two versions never meet in one file.
  const name = candidate.sha256 ?? io.files.sha256Text(candidate.url);
  const dir = cacheFolder(cache, name);
  const file = cachedSource(cache, name);
  // Two processes that want the same file: one fetches it, the other waits and finds it.
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
 * Reads sources again that were checked before.
 * @throws SOURCE_TREE_MISMATCH if the tarball has been changed since; and as `fetchSource`
 */
export async function readSource({ archive, tree }: ResolvedSource): Promise<SourceTree> {
  const read = await readSourceTarball(archive);
  if (treeDigest(read) === tree) return read;
  throw new TurnbuildError('SOURCE_TREE_MISMATCH', `${archive} was changed while it was in use`, {
    hint: 'Run the same command again when nothing writes to this file.',
  });
}

/** Writes the normalised tar that builds start from, unless the very same one is there. Returns its path. */
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
