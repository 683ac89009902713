import type { Store, StoredFile } from '../io/store.ts';
import type { Job } from './job.ts';

/** How to read a repository, which the key in `keyring` must have signed. */
export type Reading = Pick<Job, 'store' | 'exec' | 'signal' | 'work' | 'keyring'>;

/** What a store has under some paths. */
export async function describeAll(
  store: Store,
  paths: readonly string[],
): Promise<Map<string, StoredFile | undefined>> {
  const found = await Promise.all(paths.map(async (path) => [path, await store.describe(path)] as const));
  return new Map(found);
}
