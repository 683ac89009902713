import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { makeFolder } from './files.ts';
import { isAlive } from './leftovers.ts';

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
  // Written whole under a name of its own, then linked: nobody ever reads half a lock.
  const own = `${file}.${process.pid}-${randomUUID().slice(0, 8)}`;
  await writeFile(own, JSON.stringify({ pid: process.pid, host: hostname() }));
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await link(own, file);
        return { release: () => rm(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const holder = await readHolder(file);
        if (isHeld(holder)) throw lockedError(dir, file, holder);
        await takeAway(file, `${own}.stale`);
      }
    }
    throw lockedError(dir, file, (await readHolder(file)) ?? { pid: 0, host: 'unknown' });
  } finally {
    await rm(own, { force: true });
  }
}

interface Holder {
  pid: number;
  host: string;
}

function isHeld(holder: Holder | undefined): holder is Holder {
  return holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
}

/** Removes a stale lock. Whoever took the folder over in the meantime gets the lock back that was moved by mistake. */
async function takeAway(file: string, aside: string): Promise<void> {
  await rename(file, aside).catch(() => {});
  if (isHeld(await readHolder(aside))) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Holder;
    return typeof value.pid === 'number' && typeof value.host === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function lockedError(dir: string, file: string, holder: Holder): TurnbuildError {
  return new TurnbuildError(
    'RELEASE_LOCKED',
    `Another release works in ${dir} (process ${holder.pid} on ${holder.host})`,
    {
      hint: `Wait for it, or use another --out. If that process is gone, remove ${file}.`,
    },
  );
}
