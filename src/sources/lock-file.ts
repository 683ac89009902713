import { exists, readText, writeText } from '../io/files.ts';
import { parseLock, type SourceLock } from './lock.ts';
import { mergeLocks } from './lock-layers.ts';

/** The lock files in effect. */
export interface LockFiles {
  /** The file to which pins are added. */
  own: string;
  /** A read-only file with further pins, if any. */
  beneath: string | undefined;
}

/** Reads a lock file. A missing file contains no pins. */
export async function readLock(file: string): Promise<SourceLock> {
  return (await exists(file)) ? parseLock(file, await readText(file)) : { schema: 1, sources: {} };
}

/** Lock -> text of a lock file, with versions and images sorted. */
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

/** Writes a lock file atomically. */
export async function writeLock(file: string, lock: SourceLock): Promise<void> {
  await writeText(file, formatLock(lock));
}

/** The merged pins of both lock files. @throws LOCK_CONFLICT if they pin a version to different sources */
export async function readLocks({ own, beneath }: LockFiles): Promise<SourceLock> {
  const lock = await readLock(own);
  if (beneath === undefined) return lock;
  return mergeLocks({ file: beneath, lock: await readLock(beneath) }, { file: own, lock });
}
