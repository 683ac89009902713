import { TurnbuildError } from '../errors.ts';
import type { LockedSource, SourceLock } from './lock.ts';

/** A lock, and the file that it was read from. */
export interface ReadLock {
  file: string;
  lock: SourceLock;
}

/**
 * The pins of two lock files. A version that both pin has the digests of both.
 * @param own of the project: its epoch and its images count, because packages have been made with them
 * @throws LOCK_CONFLICT if they pin one version to different content
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
          hint: "A release never changes, so one of the two is wrong. Find out which before you build from either; to go by the built-in pin, remove the entry from the project's lock.",
        },
      );
    }
    sources[version] = { ...other, ...pin, sha256s: { ...other?.sha256s, ...pin.sha256s } };
  }
  // A tag moves on, so two pins of one image do not contradict each other.
  const images = { ...beneath.lock.images, ...own.lock.images };
  return { schema: 1, sources, ...(Object.keys(images).length === 0 ? {} : { images }) };
}

/** What two pins of one version contradict each other in. GitHub does not promise the bytes of its tarballs. */
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
