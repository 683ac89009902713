import { gt } from 'semver';
import { usageError } from '../errors.ts';
import { comparableVersion } from '../recipe/coturn-version.ts';
import type { SourceState } from './outdated.ts';

/** A release that someone asks for: by a version, or by a tag of a packages' repository. */
export interface AskedRelease {
  version: string;
  /** Undefined: not named. */
  revision: number | undefined;
}

/** The newest release that a repository's channel has. */
export interface PublishedRelease {
  version: string;
  revision: number;
  /** Its statically linked libraries, compared with the archive. */
  libraries: readonly Pick<SourceState, 'package' | 'newest' | 'outdated' | 'security'>[];
  /** Why its version must not be shipped; undefined: it may be. */
  quarantine?: string | undefined;
}

/** What a decision depends on. */
export interface DueFacts {
  asked: AskedRelease | undefined;
  /** Undefined: nothing is published. */
  published: PublishedRelease | undefined;
  /** The newest version that may be released. */
  newest: string;
  /** Revision of the first packages of a version. */
  firstRevision: number;
}

/** Whether a release is due, and which. */
export interface Due {
  due: boolean;
  /** If nothing is due, the published one. */
  version: string;
  revision: number;
  /** Why, on one line. */
  reason: string;
}

/**
 * A word that names a release: `4.18.0`, or a tag such as `coturn-4.18.0` or, with the revision of the packages, `coturn-4.18.0-2`.
 * @throws VERSION_INVALID
 */
export function parseAsked(word: string): AskedRelease {
  const [, version, revision] =
    /^(?:coturn-)?v?(\d+\.\d+\.\d+(?:\.\d+)?)(?:-([1-9]\d{0,5}))?$/.exec(word) ?? [];
  if (version !== undefined)
    return { version, revision: revision === undefined ? undefined : Number(revision) };
  throw usageError(
    'VERSION_INVALID',
    `Invalid release "${word}": expected X.Y.Z, coturn-X.Y.Z or coturn-X.Y.Z-REVISION`,
    'Without a version, the newest release is built if it is not published yet.',
  );
}

/** Decides which release a scheduled or requested run has to build. */
export function decideDue({ asked, published, newest, firstRevision }: DueFacts): Due {
  if (asked !== undefined) {
    const same = published?.version === asked.version ? published.revision : undefined;
    const revision = asked.revision ?? same ?? firstRevision;
    return { due: true, version: asked.version, revision, reason: `coturn ${asked.version} was requested.` };
  }
  const first = { due: true, version: newest, revision: firstRevision };
  if (published === undefined)
    return { ...first, reason: `Nothing is published yet; the newest coturn is ${newest}.` };
  const { version, revision, libraries, quarantine } = published;
  if (gt(comparableVersion(newest), comparableVersion(version)))
    return { ...first, reason: `coturn ${newest} is newer than the published ${version}.` };
  if (quarantine !== undefined) {
    const reason = `Nothing is due: the published coturn ${version} must not be shipped any more, and no newer release can replace it. ${quarantine}`;
    return { due: false, version, revision, reason };
  }
  const outdated = libraries.filter((library) => library.outdated);
  if (outdated.length > 0) {
    const changes = outdated.map(
      ({ package: name, newest: offered, security }) => `${name} ${offered}${security ? ' (security)' : ''}`,
    );
    const reason = `Statically linked libraries of coturn ${version} are outdated: ${changes.join(', ')}.`;
    return { due: true, version, revision: revision + 1, reason };
  }
  const rest = libraries.length === 0 ? '' : ', and its statically linked libraries are up to date';
  return {
    due: false,
    version,
    revision,
    reason: `Nothing is due: coturn ${version} (revision ${revision}) is published, no newer release can be shipped${rest}.`,
  };
}
