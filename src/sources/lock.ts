import { TurnbuildError } from '../errors.ts';
import { imageDigest } from '../recipe/schema.ts';

/** A lock file: digests that pin the sources of coturn versions and the official images. */
export interface SourceLock {
  schema: 1;
  sources: Record<string, LockedSource>;
  /** Digests of the official images that base images are made from, by name and tag: `debian:trixie-slim` -> `sha256:…`. */
  images?: Record<string, string>;
}

export interface LockedSource {
  /** SHA-256 of the tarball by provider: GitHub and Debian pack the same tree differently. */
  sha256s: Partial<Record<string, string>>;
  /** Digest of the normalised tree: the same from every provider. */
  tree: string;
  /** Newest file time, Unix seconds. */
  epoch: number;
  commit?: string;
  gitTree?: string;
}

/** A fetched source, to be checked against the lock. */
export interface FoundSource {
  provider: string;
  sha256: string;
  tree: string;
  epoch: number;
  commit?: string;
  gitTree?: string;
}

/** Replacing a pin must be a deliberate edit, visible in version control. */
const REPIN = 'To pin it again, remove its entry from the lock file and use --update-lock.';

/**
 * Accepts only the pinned source. Sources are compared by their trees, so another provider's tarball of the same tree is
 * accepted. A tarball from a pinned provider must not change.
 * @throws SOURCE_UNPINNED, SOURCE_TAG_MOVED, SOURCE_SHA256_MISMATCH, SOURCE_TREE_MISMATCH
 */
export function checkLock(lock: SourceLock, version: string, found: FoundSource): void {
  const pinned = lock.sources[version];
  if (pinned === undefined) {
    throw new TurnbuildError(
      'SOURCE_UNPINNED',
      `coturn ${version} (sha256 ${found.sha256}, tree ${found.tree}) is not in the lock file`,
      {
        hint: 'Verify the sources, then pin them: run the same command with --update-lock. A file or a URL can be pinned for one run with --sha256.',
      },
    );
  }
  const moved = (what: string, was: string | undefined, is: string | undefined) => {
    if (was !== undefined && is !== undefined && was !== is) {
      throw new TurnbuildError(
        'SOURCE_TAG_MOVED',
        `The tag of coturn ${version} has moved: its ${what} is ${is}, and was ${was} when it was pinned`,
        {
          hint: `A release should never change. Find out why before you build from it. ${REPIN}`,
        },
      );
    }
  };
  moved('commit', pinned.commit, found.commit);
  moved('tree id', pinned.gitTree, found.gitTree);
  if (pinned.tree !== found.tree) {
    throw new TurnbuildError(
      'SOURCE_TREE_MISMATCH',
      `The files of coturn ${version} differ from the pinned ones: tree ${found.tree}, pinned ${pinned.tree}`,
      {
        hint: `The sources were modified. Do not use them until you know why. ${REPIN}`,
      },
    );
  }
  const sha256 = pinned.sha256s[found.provider];
  // GitHub generates tarballs on request and does not guarantee their bytes. The tree was checked above.
  if (sha256 !== undefined && sha256 !== found.sha256 && found.provider !== 'github') {
    throw new TurnbuildError(
      'SOURCE_SHA256_MISMATCH',
      `The tarball of coturn ${version} has the sha256 ${found.sha256}, but the lock file pins ${sha256}`,
      {
        hint: `A published tarball should never change. Find out why before you use it. ${REPIN}`,
      },
    );
  }
}

/** Returns the lock with a source pinned. Keeps other providers' pins of the same tree. */
export function pinSource(lock: SourceLock, version: string, found: FoundSource): SourceLock {
  const old = lock.sources[version];
  const kept = old?.tree === found.tree ? old : undefined;
  const sha256s = { ...kept?.sha256s, [found.provider]: found.sha256 };
  const commit = found.commit ?? kept?.commit;
  const gitTree = found.gitTree ?? kept?.gitTree;
  const entry: LockedSource = {
    sha256s,
    tree: found.tree,
    epoch: found.epoch,
    ...(commit === undefined ? {} : { commit }),
    ...(gitTree === undefined ? {} : { gitTree }),
  };
  return { ...lock, sources: { ...lock.sources, [version]: entry } };
}

/** Returns the lock with official images pinned. Replaces their older pins. */
export function pinImages(lock: SourceLock, images: Readonly<Record<string, string>>): SourceLock {
  return { ...lock, images: { ...lock.images, ...images } };
}

/** Text of a lock file -> lock. Throws LOCK_INVALID with the file and the problem. */
export function parseLock(file: string, text: string): SourceLock {
  const invalid = (what: string) =>
    new TurnbuildError('LOCK_INVALID', `${file}: ${what}`, { hint: 'Restore it from version control.' });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('not JSON');
  }
  const lock = value as Partial<SourceLock> | null;
  if (lock?.schema !== 1) throw invalid(`schema ${String(lock?.schema)} is not supported; expected 1`);
  if (lock.sources === null || typeof lock.sources !== 'object' || Array.isArray(lock.sources))
    throw invalid('sources is not an object');
  for (const [version, entry] of Object.entries(lock.sources)) {
    const hashes = [entry?.tree, ...Object.values(entry?.sha256s ?? {})];
    if (hashes.some((hash) => typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)))
      throw invalid(`the entry of ${version} has a malformed digest`);
    if ([entry.commit, entry.gitTree].some((id) => id !== undefined && typeof id !== 'string'))
      throw invalid(`the entry of ${version} has a malformed commit or tree id`);
    if (!Number.isInteger(entry.epoch)) throw invalid(`the entry of ${version} has no epoch`);
  }
  const { sources, images } = lock;
  if (images === undefined) return { schema: 1, sources };
  if (images === null || typeof images !== 'object' || Array.isArray(images))
    throw invalid('images is not an object');
  for (const [name, digest] of Object.entries(images))
    if (!imageDigest.safeParse(digest).success) throw invalid(`the image ${name} has a malformed digest`);
  return { schema: 1, sources, images };
}
