import { gt } from 'semver';
import { TurnbuildError, usageError } from '../errors.ts';
import { comparableVersion } from '../recipe/coturn-version.ts';
import type { SourceState } from './outdated.ts';

/** A release that someone asks for: by a version, or by a tag of a packages' repository. */
export interface AskedRelease {
  version: string;
  /** Undefined: not named. */
  revision: number | undefined;
}

/** A release that is published, or was. */
export interface KnownRelease {
  version: string;
  revision: number;
  /** Why it was withdrawn; undefined: it was not. */
  withdrawn?: string | undefined;
}

/** A version that upstream offers. */
export interface UpstreamVersion {
  version: string;
  /** Why it must not be shipped; undefined: it may be. */
  quarantine?: string | undefined;
}

/** What a decision depends on. */
export interface DueFacts {
  /** The channel that is compared. */
  channel: string;
  /** The newest release of the channel. Undefined: nothing is published. */
  published: KnownRelease | undefined;
  /** Why the published version must not be shipped any more; undefined: it may be. */
  quarantine?: string | undefined;
  /** Other releases of the repository, of the versions that could be due: withdrawn ones, and those that the channel does not have. */
  known: readonly KnownRelease[];
  /** The versions that may be selected, from the newest on. */
  upstream: readonly UpstreamVersion[];
  /** A newer version that the project does not select; undefined: none. */
  unselected?: { version: string; range: string } | undefined;
  /** Revision of the first packages of a version. */
  firstRevision: number;
}

/** Whether a release is due, and which. */
export interface Due {
  due: boolean;
  /** If nothing is due, the published one; null: none is. */
  version: string | null;
  revision: number | null;
  /** Why, on one line. */
  reason: string;
  /** What the user can do, on one line; empty: nothing. */
  next: string;
}

/** A decision that depends on the libraries of a published release, compared with the archive. */
export interface Comparison {
  of: KnownRelease;
  decide(libraries: readonly Pick<SourceState, 'package' | 'newest' | 'outdated' | 'security'>[]): Due;
}

const nameOf = ({ version, revision }: KnownRelease) => `${version}+turnbuild-${revision}`;

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

/** Whether a version is newer than another one. */
export function isNewerVersion(a: string, b: string): boolean {
  return gt(comparableVersion(a), comparableVersion(b));
}

/** The versions that could be due because they are newer than what is published, from the newest on. */
export function newerVersions({ upstream, published }: Pick<DueFacts, 'upstream' | 'published'>) {
  return upstream.filter(
    ({ version }) => published === undefined || isNewerVersion(version, published.version),
  );
}

/** The newest release of a version that is known; undefined if there is none. */
function newestOf(version: string, { published, known }: Pick<DueFacts, 'published' | 'known'>) {
  const all = [...(published === undefined ? [] : [published]), ...known];
  return all.filter((each) => each.version === version).sort((a, b) => b.revision - a.revision)[0];
}

/**
 * Decides which release a scheduled run has to build. A withdrawn release is never built again, and nor is another revision of
 * its version, unless someone asks for it.
 */
export function decideDue(facts: DueFacts): Due | Comparison {
  const { published, firstRevision } = facts;
  const blocked: Blocked[] = [];
  for (const { version, quarantine } of newerVersions(facts)) {
    if (quarantine !== undefined) {
      blocked.push({ why: `coturn ${version} must not be shipped: ${sentence(quarantine)}`, next: '' });
      continue;
    }
    const newest = newestOf(version, facts);
    if (newest === undefined || newest.revision < firstRevision)
      return {
        due: true,
        version,
        revision: firstRevision,
        reason: reasonOf(version, newest, facts),
        next: '',
      };
    blocked.push(blockedBy(newest, facts.channel));
    // What is published elsewhere is newer than the rest. Without any release, an older version is no replacement of a withdrawn one.
    if (newest.withdrawn === undefined || published === undefined) break;
  }
  if (facts.unselected !== undefined) {
    const { version, range } = facts.unselected;
    blocked.push({ why: `coturn ${version} is newer, but turnbuild.yaml selects ${range}.`, next: '' });
  }
  if (published === undefined) {
    const why = blocked.length > 0 ? blocked : [{ why: 'Upstream has no release.', next: '' }];
    return nothingDue(undefined, 'Nothing is published.', why);
  }
  return decideRebuild(published, blocked, facts);
}

/** Why a newer version is not due. */
interface Blocked {
  /** A sentence. */
  why: string;
  /** What the user can do: a sentence, or empty. */
  next: string;
}

function reasonOf(version: string, withdrawn: KnownRelease | undefined, { published }: DueFacts): string {
  if (withdrawn !== undefined)
    return `${nameOf(withdrawn)} is replaced by the revision that the project sets.`;
  return published === undefined
    ? `Nothing is published yet; the newest coturn is ${version}.`
    : `coturn ${version} is newer than the published ${published.version}.`;
}

function blockedBy(newest: KnownRelease, channel: string): Blocked {
  const { version, revision, withdrawn } = newest;
  const next = revision + 1;
  return withdrawn === undefined
    ? {
        why: `${nameOf(newest)} is published, but is not the newest release of ${channel}.`,
        next: `To move ${channel} to it: turnbuild promote ${nameOf(newest)} --channel ${channel} --from ${channel === 'stable' ? 'testing' : 'stable'}`,
      }
    : {
        why: `${nameOf(newest)} was withdrawn: ${sentence(withdrawn)}`,
        next: `If coturn ${version} is fixed here, e.g. by a patch, set \`revision: ${next}\` in turnbuild.yaml, or request the release coturn-${version}-${next}.`,
      };
}

/** A sentence on one line. */
function sentence(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function nothingDue(published: KnownRelease | undefined, why: string, blocked: readonly Blocked[]): Due {
  return {
    ...{ due: false, version: published?.version ?? null, revision: published?.revision ?? null },
    reason: ['Nothing is due.', why, ...blocked.map((each) => each.why)].join(' '),
    next: blocked.find((each) => each.next !== '')?.next ?? '',
  };
}

function decideRebuild(
  published: KnownRelease,
  blocked: readonly Blocked[],
  facts: DueFacts,
): Due | Comparison {
  const { version } = published;
  const { quarantine, firstRevision, channel } = facts;
  if (quarantine !== undefined)
    return nothingDue(
      published,
      `The published coturn ${version} must not be shipped any more, and no newer release can replace it. ${sentence(quarantine)}`,
      blocked,
    );
  const newest = newestOf(version, facts) ?? published;
  // The project's revision is that of the newest version, not of the one that is offered instead.
  if (firstRevision > newest.revision && facts.upstream[0]?.version === version) {
    const reason = `coturn ${version} is published with revision ${newest.revision}; the project sets revision ${firstRevision}.`;
    return { due: true, version, revision: firstRevision, reason, next: '' };
  }
  if (published.withdrawn !== undefined)
    return nothingDue(undefined, 'No release is offered.', [blockedBy(newest, channel), ...blocked]);
  return {
    of: newest,
    decide(libraries) {
      const outdated = libraries.filter((library) => library.outdated);
      if (outdated.length > 0) {
        const changes = outdated.map(
          ({ package: name, newest: offered, security }) =>
            `${name} ${offered}${security ? ' (security)' : ''}`,
        );
        const reason = `Statically linked libraries of coturn ${version} are outdated: ${changes.join(', ')}.`;
        return { due: true, version, revision: newest.revision + 1, reason, next: '' };
      }
      const libraryState = libraries.length === 0 ? '' : ' Its statically linked libraries are up to date.';
      const why = `coturn ${version} (revision ${published.revision}) is published.${libraryState}`;
      const own = newest.revision > published.revision ? [blockedBy(newest, channel)] : [];
      return nothingDue(published, why, [...own, ...blocked]);
    },
  };
}

/**
 * Decides which revision of a requested version has to be built: the newest one that there is, so that an interrupted publication is
 * finished, but none that was withdrawn.
 * @throws RELEASE_WITHDRAWN
 */
export function decideAsked(
  asked: AskedRelease,
  { known, firstRevision }: Pick<DueFacts, 'known' | 'firstRevision'>,
): Due {
  const { version } = asked;
  const newest = newestOf(version, { published: undefined, known });
  const free = Math.max(firstRevision, (newest?.revision ?? 0) + 1);
  const usual = newest === undefined ? firstRevision : newest.revision;
  const revision = asked.revision ?? (newest?.withdrawn === undefined ? usual : free);
  const own = known.find((each) => each.version === version && each.revision === revision);
  if (own?.withdrawn !== undefined)
    throw new TurnbuildError(
      'RELEASE_WITHDRAWN',
      `${nameOf(own)} was withdrawn: ${sentence(own.withdrawn)}`,
      {
        hint: `A withdrawn release is never published again. Request the next revision: coturn-${version}-${free}`,
      },
    );
  return { due: true, version, revision, reason: `coturn ${version} was requested.`, next: '' };
}
