import { TurnbuildError } from '../errors.ts';
import type { Store } from '../io/store.ts';
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
    `coturn ${release} was withdrawn: ${change.reason}\n\nIts packages are no longer offered. Install another version.\n`;
  return new Map(change.releases.map((release) => [noticePath(release), Buffer.from(text(release))]));
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
