import { TurnbuildError } from '../errors.ts';
import type { LockedSource, SourceLock } from './lock.ts';

/** The content of a lock file, and its path. */
export interface ReadLock {
  file: string;
  lock: SourceLock;
}

/**
 * Merges two lock files. A version pinned in both gets the digests of both.
 * @param own the project's lock file, whose epochs and images take precedence: packages may have been built with them
 * @throws LOCK_CONFLICT if they pin a version to different sources
 */
export function mergeLocks(beneath: ReadLock, own: ReadLock): SourceLock {
  const sources: SourceLock['sources'] = { ...beneath.lock.sources };
  for (const [version, pin] of Object.entries(own.lock.sources)) {
    const other = sources[version];
    const differs = other === undefined ? undefined : difference(other, pin);
    if (differs !== undefined) {
      throw new TurnbuildError(
        'LOCK_CONFLICT',
        `${own.file} and ${beneath.file} pin different sources of coturn ${version}: ${differs}`,
        {
          hint: "A release never changes, so one of the two is wrong. Find out which before you build from either. To use the built-in pin, remove the entry from the project's lock file.",
        },
      );
    }
    sources[version] = { ...other, ...pin, sha256s: { ...other?.sha256s, ...pin.sha256s } };
  }
  // Image tags move, so different digests of an image are not a conflict.
  const images = { ...beneath.lock.images, ...own.lock.images };
  return { schema: 1, sources, ...(Object.keys(images).length === 0 ? {} : { images }) };
}

/** The first difference between two pins of a version, if any. Ignores the digests of GitHub's tarballs, which may change. */
function difference(a: LockedSource, b: LockedSource): string | undefined {
  const pairs: [what: string, a: string | undefined, b: string | undefined][] = [
    ['tree', a.tree, b.tree],
    ['commit', a.commit, b.commit],
    ['git tree', a.gitTree, b.gitTree],
    ...Object.keys(a.sha256s)
      .filter((provider) => provider !== 'github')
      .map((provider): [string, string | undefined, string | undefined] => [
        `sha256 from ${provider}`,
        a.sha256s[provider],
        b.sha256s[provider],
      ]),
  ];
  const found = pairs.find(([, x, y]) => x !== undefined && y !== undefined && x !== y);
  return found === undefined ? undefined : `${found[0]} ${found[2]} and ${found[1]}`;
}
