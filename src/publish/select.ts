import { differs } from './actions.ts';
import { isNewer, releaseOf, releasesIn } from './releases.ts';

/** A package in an index. */
interface Listed {
  name: string;
  version: string;
  architecture: string;
  sha256: string;
}

const isSame = (a: Listed, b: Listed) =>
  a.name === b.name && a.version === b.version && a.architecture === b.architecture;

/**
 * The new packages that an index does not list yet.
 * @param where the repository, for messages
 * @throws PUBLISHED_DIFFERS if it lists different content of the same version
 */
export function missingFrom<N extends Listed>(
  listed: readonly Listed[],
  fresh: readonly N[],
  where: string,
): N[] {
  return fresh.filter((own) => {
    const before = listed.find((each) => isSame(each, own));
    if (before === undefined) return true;
    if (before.sha256 === own.sha256) return false;
    throw differs(
      `${where} already has ${own.name} ${own.version} for ${own.architecture} with different content: sha256 ${before.sha256}; this one's is ${own.sha256}`,
    );
  });
}

/** The packages that stay when a release becomes the newest one of a channel. */
export function upTo<P extends Listed>(listed: readonly P[], release: string): P[] {
  return listed.filter(({ version }) => !isNewer(version, release));
}

/** The packages of a release. */
export function ofRelease<P extends Listed>(listed: readonly P[], release: string): P[] {
  return listed.filter(({ version }) => releaseOf(version) === release);
}

/** The packages that stay when releases are withdrawn. */
export function without<P extends Listed>(listed: readonly P[], releases: readonly string[]): P[] {
  return listed.filter(({ version }) => !releases.includes(releaseOf(version) ?? ''));
}

/** The packages of the newest releases, and those that belong to no release of turnbuild. */
export function newestReleases<P extends Listed>(listed: readonly P[], count: number): P[] {
  const kept = new Set(releasesIn(listed).slice(-count));
  return listed.filter(({ version }) => {
    const release = releaseOf(version);
    return release === undefined || kept.has(release);
  });
}
