import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { makeFolder } from './files.ts';

/** Held while a release works in a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a folder: one release at a time. A lock whose process is gone is taken over.
 * @throws RELEASE_LOCKED if a living process on this machine, or any on another, holds it
 */
export async function lockFolder(dir: string): Promise<FolderLock> {
  await makeFolder(dir);
  const file = join(dir, '.lock');
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname() }));
      await handle.close();
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await readHolder(file);
      if (holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid)))
        throw lockedError(dir, file, holder);
      await rm(file, { force: true });
    }
  }
  throw lockedError(dir, file, { pid: 0, host: 'unknown' });
}

async function readHolder(file: string): Promise<{ pid: number; host: string } | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as { pid: number; host: string };
    return typeof value.pid === 'number' && typeof value.host === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function lockedError(dir: string, file: string, holder: { pid: number; host: string }): TurnbuildError {
  return new TurnbuildError(
    'RELEASE_LOCKED',
    `Another release works in ${dir} (process ${holder.pid} on ${holder.host})`,
    {
      hint: `Wait for it, or use another --out. If that process is gone, remove ${file}.`,
    },
  );
}
