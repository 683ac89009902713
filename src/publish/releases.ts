import { compareDebianVersions } from '../plan/debian-version.ts';

/**
 * The release that a package belongs to, by the package's version: `4.18.0+turnbuild-1` for `4.18.0+turnbuild-1~deb13`, and for rpm's
 * `4.18.0+turnbuild-1.el9`. Undefined for a version that turnbuild does not make.
 */
export function releaseOf(version: string): string | undefined {
  return /^(?:\d+:)?(.+\+turnbuild-\d+)(?:[~.].*)?$/.exec(version)?.[1];
}

/**
 * The releases that a user's word names: `4.18.0+turnbuild-2` exactly, `4.18.0` every revision.
 * @param known releases
 * @returns from the oldest to the newest, each once
 */
export function namedReleases(word: string, known: Iterable<string>): string[] {
  const wanted = (release: string) => release === word || release.replace(/\+turnbuild-\d+$/, '') === word;
  return [...new Set(known)].filter(wanted).sort(compareDebianVersions);
}

/** Whether a package belongs to a newer release than the given one. */
export function isNewer(version: string, release: string): boolean {
  const own = releaseOf(version);
  return own !== undefined && compareDebianVersions(own, release) > 0;
}

/** The releases of some packages, from the oldest to the newest. */
export function releasesIn(packages: readonly { version: string }[]): string[] {
  const releases = packages.flatMap(({ version }) => releaseOf(version) ?? []);
  return [...new Set(releases)].sort(compareDebianVersions);
}
