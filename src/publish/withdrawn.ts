import { TurnbuildError } from '../errors.ts';
import type { Store } from '../io/store.ts';
import { compareDebianVersions } from '../plan/debian-version.ts';
import type { Change } from './change.ts';

const FOLDER = 'withdrawn';

/** Path of the notice about a withdrawn release, relative to the repository. */
export function noticePath(release: string): string {
  return `${FOLDER}/${release}.txt`;
}

/** The notices about the releases that a change withdraws: path -> content. */
export function notices(change: Change): Map<string, Uint8Array> {
  if (change.verb !== 'withdraw') return new Map();
  const text = (release: string) =>
    `coturn ${release} was withdrawn: ${change.reason}\n\nIts packages are no longer offered. A machine that has it keeps it until you install another version:\n\n    apt-get install --allow-downgrades 'coturn=VERSION*'\n    dnf downgrade coturn\n`;
  return new Map(change.releases.map((release) => [noticePath(release), Buffer.from(text(release))]));
}

/** Maximum bytes of a notice. */
export const MAX_NOTICE = 64 * 1024;

/** The release in the text of a notice, and why it was withdrawn; undefined if turnbuild did not write it. */
export function noticeIn(text: string): { release: string; reason: string } | undefined {
  const [, release, reason] = /^coturn (\S+) was withdrawn: ([\s\S]*?)\n\nIts packages/.exec(text) ?? [];
  return release === undefined || reason === undefined ? undefined : { release, reason };
}

/**
 * The withdrawn releases, and why, from the newest to the oldest.
 * @param more notices that are about to be stored: path -> content
 */
export async function withdrawnNotices(
  store: Store,
  more: readonly ReadonlyMap<string, Uint8Array>[],
): Promise<{ release: string; reason: string }[]> {
  const own = new Map(more.flatMap((each) => [...each]));
  const paths = new Set([...(await withdrawnReleases(store)).map(noticePath), ...own.keys()]);
  const found = [...paths].map(async (path) => {
    const text = Buffer.from(own.get(path) ?? (await store.read(path, MAX_NOTICE)) ?? '').toString('utf8');
    return noticeIn(text) ?? [];
  });
  return (await Promise.all(found)).flat().sort((a, b) => compareDebianVersions(b.release, a.release));
}

/** The releases that were withdrawn from a repository. */
export async function withdrawnReleases(store: Store): Promise<string[]> {
  const names = await store.list(FOLDER);
  return names.flatMap((name) => /^(.+)\.txt$/.exec(name)?.[1] ?? []);
}

/** @throws RELEASE_WITHDRAWN if the repository has a notice about one of the releases */
export async function requireNotWithdrawn(store: Store, releases: readonly string[]): Promise<void> {
  for (const release of releases)
    if ((await store.describe(noticePath(release))) !== undefined)
      throw new TurnbuildError('RELEASE_WITHDRAWN', `coturn ${release} was withdrawn from ${store.address}`, {
        hint: `${noticePath(release)} there says why. Publish a new --revision instead.`,
      });
}
