import { TurnbuildError } from '../errors.ts';
import {
  type AskedRelease,
  isNewerVersion,
  type KnownRelease,
  newerVersions,
  type UpstreamVersion,
} from '../plan/due.ts';
import { CHANNELS, type Channel } from './plan.ts';
import { type PublishedRelease, type PublishedReleases, releaseName } from './published.ts';

/** The newest release that a channel has to be compared with. What is in `stable` needs no release in `testing`. */
export async function newestIn(
  channel: Channel,
  place: PublishedReleases,
): Promise<PublishedRelease | undefined> {
  const own = await place.newest(channel);
  if (channel === 'stable') return own;
  const stable = await place.newest('stable');
  if (stable === undefined || stable.withdrawn !== undefined) return own;
  return own === undefined || own.withdrawn !== undefined || isLater(stable, own) ? stable : own;
}

const isLater = (a: PublishedRelease, b: PublishedRelease) =>
  isNewerVersion(a.version, b.version) || (a.version === b.version && a.revision > b.revision);

/** The releases of the versions that could be due. Versions that are older than the first one without a release are not looked up. */
export async function knownReleases(
  facts: {
    upstream: readonly UpstreamVersion[];
    published: PublishedRelease | undefined;
    firstRevision: number;
  },
  { newest, find }: PublishedReleases,
): Promise<KnownRelease[]> {
  const { published, firstRevision } = facts;
  const known: KnownRelease[] = [];
  // An early turnbuild stored no record of each release.
  for (const channel of CHANNELS) known.push(...present(await newest(channel).catch(unlessUnreadable)));
  for (const { version, quarantine } of newerVersions(facts)) {
    if (quarantine !== undefined) continue;
    known.push(...(await findRevisions(version, [firstRevision], find)));
    if (!known.some((each) => each.version === version) || published === undefined) break;
  }
  if (published === undefined) return known;
  const { version, revision } = published;
  return [...known, ...(await findRevisions(version, [revision + 1, firstRevision], find))];
}

/** The releases of a requested version. Records that can't be read don't matter: a request can replace them. */
export async function askedReleases(
  { version, revision = 1 }: AskedRelease,
  firstRevision: number,
  { newest, find }: PublishedReleases,
): Promise<KnownRelease[]> {
  const recorded = await Promise.all(
    CHANNELS.map(async (channel) => present(await newest(channel).catch(unlessUnreadable))),
  );
  const known = recorded.flat().filter((each) => each.version === version);
  const from = [1, firstRevision, revision, ...known.map((each) => each.revision + 1)];
  const readable = (release: string) => find(release).catch(unlessUnreadable);
  return [...known, ...(await findRevisions(version, from, readable))];
}

function unlessUnreadable(error: unknown): undefined {
  if (error instanceof TurnbuildError && /^RECORD_(?:MISSING|INVALID)$/.test(error.code)) return undefined;
  throw error;
}

const present = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);

/** Revisions may be skipped, e.g. because they were requested. More than these in a row are not expected. */
const GAP = 3;

/** The releases of a version from some revisions on. They are looked up by name, because clients of a web server can't list files. */
async function findRevisions(
  version: string,
  from: readonly number[],
  find: PublishedReleases['find'],
): Promise<PublishedRelease[]> {
  const found = new Map<number, PublishedRelease | undefined>();
  for (const first of from)
    for (let revision = first, missing = 0; missing < GAP; revision++) {
      const each = found.has(revision) ? found.get(revision) : await find(releaseName(version, revision));
      found.set(revision, each);
      missing = each === undefined ? missing + 1 : 0;
    }
  return [...found.values()].filter((each) => each !== undefined);
}
