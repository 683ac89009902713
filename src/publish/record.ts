import { join } from 'node:path';
import { readBytes, sha256Bytes, sha256Text } from '../io/files.ts';
import type { Store } from '../io/store.ts';
import type { Manifest } from '../manifest/schema.ts';
import { parseManifest } from '../manifest/store.ts';
import { compareDebianVersions } from '../plan/debian-version.ts';
import { storeClientFile } from './actions.ts';
import type { Change } from './change.ts';
import type { PlannedJob } from './job.ts';
import { alsoStoring } from './perform.ts';
import type { Channel } from './plan.ts';
import { describeAll } from './reading.ts';

/** Path of the manifest of the release that was last published to a channel, relative to the repository. `turnbuild due` reads it. */
export function recordPath(channel: Channel): string {
  return `releases/${channel}.json`;
}

/** A manifest with every check of every package has less than 1 MiB. */
export const MAX_RECORD_BYTES = 32 * 1024 ** 2;

/**
 * Adds the release's manifest to the last of a publication's jobs, as its last file: whoever reads it can rely on everything else being
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
  const bytes = await readBytes(join(published.change.dir, 'manifest.json'));
  const own = parseManifest(path, bytes.toString(), sha256Text);
  const before = await recorded(store, path);
  if (before !== undefined && compareDebianVersions(before, releaseOf(own)) > 0) return [...jobs];
  const stored = await describeAll(store, [path]);
  const action = storeClientFile(path, bytes, { where: store.address, stored, sha256: sha256Bytes });
  const { destination } = last;
  return [
    ...jobs.slice(0, -1),
    {
      ...last,
      destination: { ...destination, actions: [...destination.actions, action] },
      afterAll: [action],
      apply: alsoStoring(last, path, bytes, store),
    },
  ];
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
