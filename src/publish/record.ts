import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { readText, sha256Bytes, sha256Text, writeText } from '../io/files.ts';
import type { Store } from '../io/store.ts';
import { type PublishedFile, withPublished } from '../manifest/published.ts';
import type { Manifest } from '../manifest/schema.ts';
import { formatManifest, parseManifest } from '../manifest/store.ts';
import { compareDebianVersions } from '../plan/debian-version.ts';
import { storeClientFile } from './actions.ts';
import type { Change } from './change.ts';
import type { PlannedJob } from './job.ts';
import { storedLast } from './perform.ts';
import { CHANNELS, type Channel } from './plan.ts';
import { describeAll } from './reading.ts';
import { withOutdatedSboms } from './sboms.ts';
import { noticePath } from './withdrawn.ts';

/** Path of the manifest of a channel's newest release, relative to the repository. `turnbuild due` reads it. */
export function recordPath(channel: Channel): string {
  return `releases/${channel}.json`;
}

/** Path of the manifest of a release that was published, relative to the repository: a channel may return to the release. */
export function manifestPath(release: string): string {
  return `releases/${release}.json`;
}

/** A manifest with every check of every package has less than 1 MiB. */
export const MAX_RECORD_BYTES = 32 * 1024 ** 2;

/** The manifest of a published release. */
interface Recorded {
  release: string;
  bytes: Uint8Array;
}

/** Files to store, in this order, and what the user should know. */
interface Records {
  files: Map<string, Uint8Array>;
  notes: string[];
}

/**
 * Adds the records of the changed channels to the last job, as its last files: whoever reads a record can rely on everything else being done.
 * The record that is replaced is kept under its release's name first. So a run that was killed between leaves either record complete.
 */
export async function withRecords(
  jobs: readonly PlannedJob[],
  changes: readonly { channel: Channel; change: Change }[],
  store: Store,
): Promise<PlannedJob[]> {
  const last = jobs.at(-1);
  if (last === undefined) return [];
  const { files, notes } = await nextRecords(jobs, changes, store);
  const known = {
    where: store.address,
    stored: await describeAll(store, [...files.keys()]),
    sha256: sha256Bytes,
  };
  let job: PlannedJob = { ...last, notes: [...last.notes, ...notes] };
  for (const [path, bytes] of files) job = storedLast(job, storeClientFile(path, bytes, known), bytes, store);
  return [...jobs.slice(0, -1), job];
}

/** A manifest with what each destination has published. */
function withAllPublished(manifest: Manifest, published: readonly (readonly PublishedFile[])[]): Manifest {
  return published.reduce((last, files) => withPublished(last, withOutdatedSboms(last, files)), manifest);
}

const publishedBy = (jobs: readonly PlannedJob[]) =>
  jobs.flatMap(({ published }) => (published === undefined ? [] : [published]));

/**
 * Records the digests of signed packages in the manifest of the release's folder, which must be locked. Steps that another run has added
 * meanwhile stay.
 * @param dir the release's folder
 * @param published of each destination
 */
export async function recordPublished(
  dir: string,
  ...published: readonly (readonly PublishedFile[])[]
): Promise<void> {
  const file = join(dir, 'manifest.json');
  const before = await readText(file);
  const manifest = parseManifest(file, before, sha256Text);
  const text = formatManifest(withAllPublished(manifest, published), sha256Text);
  if (text !== before) await writeText(file, text);
}

/** The same for the jobs of a publication. */
export async function recordJobs(
  jobs: readonly PlannedJob[],
  changes: readonly { change: Change }[],
): Promise<void> {
  const published = publishedBy(jobs);
  for (const { change } of changes)
    if (change.verb === 'publish' && published.length > 0) await recordPublished(change.dir, ...published);
}

async function nextRecords(
  jobs: readonly PlannedJob[],
  changes: readonly { channel: Channel; change: Change }[],
  store: Store,
): Promise<Records> {
  const files = new Map<string, Uint8Array>();
  const notes: string[] = [];
  for (const { channel, change } of changes) {
    if (change.verb === 'refresh' || change.verb === 'gc') continue;
    const path = recordPath(channel);
    const before = await recorded(store, path);
    const own = jobs.filter(({ destination }) => destination.channel === channel);
    const next = await nextRelease(change, { before, jobs: own, all: jobs, store });
    if (typeof next === 'string')
      notes.push(
        `${path} stays as it is, because the repository does not say how ${next} was built. turnbuild due does not know that it is the newest release of ${channel}.`,
      );
    if (typeof next !== 'object') continue;
    const isNew = next.release !== before?.release;
    if (isNew && before !== undefined && (await recorded(store, manifestPath(before.release))) === undefined)
      files.set(manifestPath(before.release), before.bytes);
    if (isNew || change.verb === 'publish') files.set(path, next.bytes);
  }
  for (const { change } of changes) {
    const fresh = change.verb === 'publish' ? recordOf(change, jobs) : undefined;
    if (fresh !== undefined) files.set(manifestPath(fresh.release), fresh.bytes);
  }
  return { files, notes };
}

/**
 * The release that a channel's record will name. An older release that is published does not replace a newer one, because `turnbuild due`
 * would otherwise release that one again.
 * @returns undefined if the record stays; the name of a release whose manifest is not known
 */
async function nextRelease(
  change: Exclude<Change, { verb: 'refresh' | 'gc' }>,
  {
    before,
    jobs,
    all,
    store,
  }: { before: Recorded | undefined; jobs: readonly PlannedJob[]; all: readonly PlannedJob[]; store: Store },
): Promise<Recorded | string | undefined> {
  if (change.verb === 'promote') return (await manifestOf(store, change.release)) ?? change.release;
  if (change.verb === 'publish') {
    const own = recordOf(change, all);
    const isNewer = before !== undefined && compareDebianVersions(before.release, own.release) > 0;
    return isNewer && !(await isWithdrawn(store, before.release)) ? undefined : own;
  }
  if (before === undefined || !change.releases.includes(before.release)) return undefined;
  const left = jobs.flatMap(({ releases }) => releases).sort(compareDebianVersions);
  const newest = left.at(-1);
  return newest === undefined ? undefined : ((await manifestOf(store, newest)) ?? newest);
}

const isWithdrawn = async (store: Store, release: string) =>
  (await store.describe(noticePath(release))) !== undefined;

/** The manifest of a release that is published, with the digests of signed packages. */
function recordOf({ manifest }: Extract<Change, { verb: 'publish' }>, jobs: readonly PlannedJob[]): Recorded {
  const own = withAllPublished(manifest, publishedBy(jobs));
  return { release: own.packageVersion, bytes: Buffer.from(formatManifest(own, sha256Text)) };
}

/** The manifest of a release. Without a record of its own, an older turnbuild has published it: a channel's record may be that of the release. */
async function manifestOf(store: Store, release: string): Promise<Recorded | undefined> {
  for (const path of [manifestPath(release), ...CHANNELS.map(recordPath)]) {
    const found = await recorded(store, path);
    if (found?.release === release) return found;
  }
  return undefined;
}

/** A record; undefined if there is none, or if it is damaged and has to be replaced. */
async function recorded(store: Store, path: string): Promise<Recorded | undefined> {
  const bytes = await store.read(path, MAX_RECORD_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return { release: parseManifest(path, bytes.toString(), sha256Text).packageVersion, bytes };
  } catch (error) {
    // A newer turnbuild wrote it: another record would hide what it says.
    if (error instanceof TurnbuildError && error.code === 'MANIFEST_NEWER') throw error;
    return undefined;
  }
}
