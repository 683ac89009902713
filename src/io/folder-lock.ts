import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { makeFolder } from './files.ts';
import { asUnwritable } from './folders.ts';
import { isAlive } from './leftovers.ts';

/** Held while a release works in a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** How often a lock is asked for again while others take a stale one over, and the milliseconds between. */
const TRIES = 50;
const PAUSE_MS = 20;
/** Milliseconds between two looks at a lock that somebody holds. */
const WAIT_MS = 200;

/**
 * Takes the lock of a folder: one process at a time. A lock whose process is gone is taken over.
 * @param wait waits for a lock that is held, until this is aborted; without it a held lock is an error
 * @throws FOLDER_UNWRITABLE, RELEASE_LOCKED if a living process on this machine, or any on another, holds it; INTERRUPTED while waiting
 */
export async function lockFolder(dir: string, wait?: AbortSignal): Promise<FolderLock> {
  await makeFolder(dir);
  const file = join(dir, '.lock');
  const id = randomUUID();
  // Written whole under a name of its own, then linked: nobody ever reads half a lock.
  const own = `${file}.${id}`;
  await writeFile(own, JSON.stringify({ pid: process.pid, host: hostname(), id })).catch((error: unknown) => {
    throw asUnwritable(dir, error);
  });
  try {
    for (let attempt = 0; attempt < TRIES; ) {
      const holder = (await linked(own, file)) ? OWN : await readHolder(file);
      if (holder === OWN || (isStale(holder) && (await takeOver(own, file, holder))))
        return { release: () => rm(file, { force: true }) };
      if (wait?.aborted === true) throw interrupted(dir);
      if (holder !== ABSENT && isHeld(holder)) {
        if (wait === undefined) throw lockedError(dir, file, holder);
        await pause(WAIT_MS);
        continue;
      }
      attempt += 1;
      await pause(PAUSE_MS);
    }
    throw lockedError(dir, file, { pid: 0, host: 'unknown' });
  } finally {
    await rm(own, { force: true });
  }
}

/** There is no lock: it has just been given back. */
const ABSENT = 'absent';
/** It is ours. */
const OWN = 'own';

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function interrupted(dir: string): TurnbuildError {
  return new TurnbuildError('INTERRUPTED', `Interrupted while waiting for another process in ${dir}`);
}

function isStale(holder: Holder | undefined | typeof ABSENT): holder is Holder | undefined {
  return holder !== ABSENT && !isHeld(holder);
}

interface Holder {
  pid: number;
  host: string;
  id?: string;
}

function isHeld(holder: Holder | undefined): holder is Holder {
  return holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
}

/** Gives a file a second name, if nothing has that name yet. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/**
 * Replaces a stale lock by one's own. Whoever has made the marker with that lock's name may, and nobody else; so a lock is
 * never replaced that is not the one that was found stale.
 */
async function takeOver(own: string, file: string, stale: Holder | undefined): Promise<boolean> {
  const marker = markerOf(file, stale);
  if (!(await linked(own, marker))) return false;
  try {
    const now = await readHolder(file);
    if (now === ABSENT || isHeld(now) || markerOf(file, now) !== marker) return false;
    await rename(own, file);
    return true;
  } finally {
    await rm(marker, { force: true });
  }
}

function markerOf(file: string, holder: Holder | undefined): string {
  return `${file}.stale-${holder?.id ?? holder?.pid ?? 'unknown'}`;
}

/** Who holds a lock; undefined if the file doesn't say, because it was cut off or is none of ours. */
async function readHolder(file: string): Promise<Holder | undefined | typeof ABSENT> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Holder;
    return typeof value.pid === 'number' && typeof value.host === 'string' ? value : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? ABSENT : undefined;
  }
}

function lockedError(dir: string, file: string, holder: Holder): TurnbuildError {
  return new TurnbuildError(
    'RELEASE_LOCKED',
    `Another release works in ${dir} (process ${holder.pid} on ${holder.host})`,
    {
      hint: `Wait for it, or use another --out. If that process is gone, remove ${file}*.`,
    },
  );
}
