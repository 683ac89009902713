import type { Channel } from '../plan.ts';

/** Folder of the apt repository. */
export const ROOT = 'apt';

/** The component of all packages. */
export const COMPONENT = 'main';

/** The name of a distribution's suite in the repository: `trixie`, or `trixie-testing` for packages on trial. */
export function suiteName(suite: string, channel: Channel): string {
  return channel === 'stable' ? suite : `${suite}-${channel}`;
}

/** Where a suite's files are. */
export function suiteFolder(suite: string): string {
  return `${ROOT}/dists/${suite}`;
}

/** The signed file that apt starts from. There is no Release with a separate signature: apt could see one without the other. */
export function releasePath(suite: string): string {
  return `${suiteFolder(suite)}/InRelease`;
}

/** Where the packages of an architecture are listed, relative to the suite's folder. @param architecture Debian's name */
export function indexFolder(architecture: string): string {
  return `${COMPONENT}/binary-${architecture}`;
}

/** The architecture of an index that turnbuild writes; undefined for any other file. */
export function architectureOf(path: string): string | undefined {
  return /^main\/binary-([a-z0-9]+)\/Packages(?:\.gz)?$/.exec(path)?.[1];
}

/** The name of an index that never changes its content, so that a client with an older InRelease still finds it. */
export function byHashPath(folder: string, sha256: string): string {
  return `${folder}/by-hash/SHA256/${sha256}`;
}

/** Path of a .deb, relative to the apt repository. */
export function poolPath(file: string): string {
  return `pool/${COMPONENT}/c/coturn/${file}`;
}
