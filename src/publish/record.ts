import { join } from 'node:path';
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
import type { Channel } from './plan.ts';
import { describeAll } from './reading.ts';

/** Path of the manifest of the release that was last published to a channel, relative to the repository. `turnbuild due` reads it. */
export function recordPath(channel: Channel): string {
  return `releases/${channel}.json`;
}

/** A manifest with every check of every package has less than 1 MiB. */
export const MAX_RECORD_BYTES = 32 * 1024 ** 2;

/**
 * Adds the release's manifest, with the digests of signed packages, to the last of a publication's jobs, as its last file: whoever reads it can rely on everything else being
 * published. The record of a newer release stays, because `turnbuild due` would otherwise release that one again.
 */
export async function withRecord(
  jobs: readonly PlannedJob[],
  changes: readonly { channel: Channel; change: Change }[],
  store: Store,
): Promise<PlannedJob[]> {
  const last = jobs.at(-1);
  const published = changes.find(({ change }) => change.verb === 'publish');
  if (last === undefined || published?.change.verb !== 'publish') return [...jobs];
  const path = recordPath(published.channel);
  const own = withPublished(published.change.manifest, publishedBy(jobs));
  const bytes = Buffer.from(formatManifest(own, sha256Text));
  const before = await recorded(store, path);
  if (before !== undefined && compareDebianVersions(before, releaseOf(own)) > 0) return [...jobs];
  const stored = await describeAll(store, [path]);
  const action = storeClientFile(path, bytes, { where: store.address, stored, sha256: sha256Bytes });
  return [...jobs.slice(0, -1), storedLast(last, action, bytes, store)];
}

const publishedBy = (jobs: readonly PlannedJob[]) => jobs.flatMap(({ published = [] }) => published);

/**
 * Records the digests of signed packages in the manifest of the release's folder, which must be locked. Steps that another run has added
 * meanwhile stay.
 * @param dir the release's folder
 */
export async function recordPublished(dir: string, files: readonly PublishedFile[]): Promise<void> {
  const file = join(dir, 'manifest.json');
  const before = await readText(file);
  const manifest = parseManifest(file, before, sha256Text);
  const text = formatManifest(withPublished(manifest, files), sha256Text);
  if (text !== before) await writeText(file, text);
}

/** The same for the jobs of a publication. */
export async function recordJobs(
  jobs: readonly PlannedJob[],
  changes: readonly { change: Change }[],
): Promise<void> {
  const files = publishedBy(jobs);
  for (const { change } of changes)
    if (change.verb === 'publish' && files.length > 0) await recordPublished(change.dir, files);
}

/** Version and revision, which order like a Debian version. */
const releaseOf = ({ coturn }: Manifest) => `${coturn.version}-${coturn.revision}`;

/** The recorded release; undefined if there is none, or if its record is damaged and has to be replaced. */
async function recorded(store: Store, path: string): Promise<string | undefined> {
  const bytes = await store.read(path, MAX_RECORD_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return releaseOf(parseManifest(path, bytes.toString(), sha256Text));
  } catch {
    return undefined;
  }
}
