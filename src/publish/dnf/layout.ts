import type { Channel } from '../plan.ts';

/** Folder of the dnf repositories. */
export const ROOT = 'dnf';

/** Where a repository's metadata are, relative to its base URL. */
export const REPODATA = 'repodata';

/** Name of the repository of source packages. */
export const SOURCE = 'source';

/** One repository: the packages of a target for an architecture. Two targets may have packages of the same name. */
export interface RepositoryName {
  channel: Channel;
  target: string;
  /** rpm's name, or `source`. */
  architecture: string;
}

/** Base of a repository for clients that use a plain `baseurl`. */
export function baseFolder({ channel, target, architecture }: RepositoryName): string {
  return `${ROOT}/${channel}/${target}/${architecture}`;
}

/** The file that dnf starts from: one line, the base URL of the current metadata. */
export function mirrorListPath(name: RepositoryName): string {
  return `${baseFolder(name)}/mirrorlist`;
}

/**
 * Base of one state of a repository, which never changes. It is beside the plain one.
 * @param content digest of what it lists
 */
export function stateFolder(name: RepositoryName, content: string): string {
  return `${baseFolder(name)}-${content.slice(0, 16)}`;
}

/** Path of an .rpm, relative to the whole repository. */
export function poolPath(file: string): string {
  return `${ROOT}/pool/${file}`;
}

/** Where the metadata of a repository say that its packages are. */
export interface PackagePlace {
  /** `xml:base` of their locations. Without it, they are relative to the repository's base. */
  base?: string;
  /** Ends with a slash. */
  folder: string;
}

/** As the plain base says it, so that copies of the whole repository and caching proxies work under any URL. */
export const POOL_FROM_BASE: PackagePlace = { folder: '../../../pool/' };

/** As states say it. reposync refuses locations outside of a repository's base. @param url under which clients reach the whole repository */
export function poolAt(url: string): PackagePlace {
  return { base: `${url}/${ROOT}/`, folder: 'pool/' };
}

/** Path of the .repo file of a target and channel, relative to the whole repository. */
export function repoFilePath(target: string, channel: Channel): string {
  return `${ROOT}/coturn-${target}-${channel}.repo`;
}
