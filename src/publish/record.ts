import { join } from 'node:path';
import { readBytes, sha256Bytes } from '../io/files.ts';
import type { Store } from '../io/store.ts';
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

/**
 * Adds the release's manifest to the last of a publication's jobs, as its last file: whoever reads it can rely on everything else being
 * published.
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
