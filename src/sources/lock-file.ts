import { exists, readText, writeText } from '../io/files.ts';
import { parseLock, type SourceLock } from './lock.ts';
import { mergeLocks } from './lock-layers.ts';

/** The lock files that count. */
export interface LockFiles {
  /** Where pins are added. */
  own: string;
  /** Pins that count as well, and are never changed. */
  beneath: string | undefined;
}

/** Reads a lock file; one that isn't there pins nothing. */
export async function readLock(file: string): Promise<SourceLock> {
  return (await exists(file)) ? parseLock(file, await readText(file)) : { schema: 1, sources: {} };
}

/** Text of a lock file, versions and images in order. */
export function formatLock({ schema, sources, images }: SourceLock): string {
  const lock = {
    ...{ schema, sources: sorted(sources) },
    ...(images === undefined ? {} : { images: sorted(images) }),
  };
  return `${JSON.stringify(lock, null, 2)}\n`;
}

function sorted<T>(entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entries).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })),
  );
}

/** Writes a lock file all at once. */
export async function writeLock(file: string, lock: SourceLock): Promise<void> {
  await writeText(file, formatLock(lock));
}

/** The pins of all lock files. @throws LOCK_CONFLICT where two pin one version differently */
export async function readLocks({ own, beneath }: LockFiles): Promise<SourceLock> {
  const lock = await readLock(own);
  if (beneath === undefined) return lock;
  return mergeLocks({ file: beneath, lock: await readLock(beneath) }, { file: own, lock });
}
