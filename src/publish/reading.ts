import type { Exec } from '../io/exec.ts';
import type { Store, StoredFile } from '../io/store.ts';

/** How to read a repository. */
export interface Reading {
  store: Store;
  exec: Exec;
  signal: AbortSignal;
  /** A folder for temporary files. */
  work: string;
  /** File of the public key that must have signed the repository. */
  keyring: string;
}

/** What a store has under some paths. */
export async function describeAll(
  store: Store,
  paths: readonly string[],
): Promise<Map<string, StoredFile | undefined>> {
  const found = await Promise.all(paths.map(async (path) => [path, await store.describe(path)] as const));
  return new Map(found);
}
