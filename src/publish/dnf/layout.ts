import type { Channel } from '../plan.ts';

/** Folder of the dnf repositories. */
export const ROOT = 'dnf';

/** Where a repository's metadata are, relative to its base URL. */
export const REPODATA = 'repodata';

/** Name of the repository of source packages. */
export const SOURCE = 'source';

/** The file that dnf starts from: one line, the base URL of the current metadata. */
export function mirrorListPath(channel: Channel, architecture: string): string {
  return `${baseFolder(channel, architecture)}/mirrorlist`;
}

/** Base of a repository for clients that use a plain `baseurl`. @param architecture rpm's name, or `source` */
export function baseFolder(channel: Channel, architecture: string): string {
  return `${ROOT}/${channel}/${architecture}`;
}

/**
 * Base of one state of a repository, which never changes. It is beside the plain one, so that packages have the same relative path from both.
 * @param content digest of what it lists
 */
export function stateFolder(channel: Channel, architecture: string, content: string): string {
  return `${baseFolder(channel, architecture)}-${content.slice(0, 16)}`;
}

/** Path of an .rpm, relative to the whole repository. */
export function poolPath(file: string): string {
  return `${ROOT}/pool/${file}`;
}

/** Path of the pool, relative to a base. */
export const POOL_FROM_BASE = '../../pool/';

/** Path of the .repo file of a channel, relative to the whole repository. */
export function repoFilePath(channel: Channel): string {
  return `${ROOT}/coturn-${channel}.repo`;
}
