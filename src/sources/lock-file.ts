import { join, resolve } from 'node:path';
import { exists, readText, writeText } from '../io/files.ts';
import { parseLock, type SourceLock } from './lock.ts';

/** The lock file that --lock names, else that of the recipes. */
export function lockFileOf({
  options,
  recipes,
}: {
  options: { lock?: string };
  recipes: { dir: string };
}): string {
  return options.lock === undefined ? join(recipes.dir, 'sources.lock.json') : resolve(options.lock);
}

/** Reads a lock file; one that isn't there pins nothing. */
export async function readLock(file: string): Promise<SourceLock> {
  return (await exists(file)) ? parseLock(file, await readText(file)) : { schema: 1, sources: {} };
}

/** Writes a lock file, versions in order, all at once. */
export async function writeLock(file: string, lock: SourceLock): Promise<void> {
  const sources = Object.fromEntries(
    Object.entries(lock.sources).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })),
  );
  await writeText(file, `${JSON.stringify({ schema: lock.schema, sources }, null, 2)}\n`);
}
