import { TurnbuildError } from '../errors.ts';
import { sha256Text } from '../io/files.ts';
import type { Manifest } from '../manifest/schema.ts';
import { parseManifest } from '../manifest/store.ts';
import type { Channel } from './plan.ts';

/** A release that is published, or was. */
export interface PublishedRelease {
  /** `4.18.0+turnbuild-1` */
  release: string;
  version: string;
  revision: number;
  /** Why it was withdrawn; undefined: it was not. */
  withdrawn: string | undefined;
  /** Undefined: nothing says how it was built. @throws RECORD_INVALID */
  manifest(): Promise<Manifest | undefined>;
}

/** What a place of publication says about its releases. */
export interface PublishedReleases {
  /** Its address, for messages. */
  where: string;
  /** The newest release of a channel, which may be a withdrawn one if the channel has no other. @throws RECORD_INVALID */
  newest(channel: Channel): Promise<PublishedRelease | undefined>;
  /** A release that was published to any channel, whether or not it is still offered. @throws RECORD_INVALID */
  find(release: string): Promise<PublishedRelease | undefined>;
  /** Address of a draft of a release, which an interrupted run may have left; undefined if there is none, or drafts are not visible. */
  draftOf(release: string): string | undefined;
}

/** Version and revision of a release: `4.18.0+turnbuild-2` -> 4.18.0, 2. Undefined if turnbuild did not name it. */
export function partsOf(release: string): { version: string; revision: number } | undefined {
  const [, version, revision] = /^(.+)\+turnbuild-(\d+)$/.exec(release) ?? [];
  return version === undefined ? undefined : { version, revision: Number(revision) };
}

/** The name of a release. */
export const releaseName = (version: string, revision: number) => `${version}+turnbuild-${revision}`;

/** @param where of the text, for messages @throws RECORD_INVALID, MANIFEST_NEWER */
export function recordIn(where: string, bytes: Uint8Array): Manifest {
  try {
    return parseManifest(where, Buffer.from(bytes).toString('utf8'), sha256Text);
  } catch (error) {
    if (!(error instanceof TurnbuildError) || error.code === 'MANIFEST_NEWER') throw error;
    throw new TurnbuildError(
      'RECORD_INVALID',
      `${error.message}. It is not a record of turnbuild, or damaged`,
      {
        cause: error,
        hint: 'Publish its release again: that replaces the record. To build a certain release: turnbuild due VERSION.',
      },
    );
  }
}
