import { randomUUID } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { makeFolder } from './files.ts';
import { asUnwritable } from './folders.ts';
import { isAlive } from './leftovers.ts';
import { readRegular } from './regular-file.ts';

/** Held while a release uses a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** How often a lock is asked for again while others take a stale one over, and the milliseconds between. */
const TRIES = 50;
const PAUSE_MS = 20;
/** Milliseconds between two looks at a lock that somebody holds. */
const WAIT_MS = 200;
/** Milliseconds of waiting after which the user is told. */
const QUIET_MS = 3000;
/** Bytes of a lock; ours has about a hundred. */
const MAX_BYTES = 1024 ** 2;

/**
 * Takes the lock of a folder: one process at a time. A lock whose process is gone is taken over.
 * @param wait waits for a lock that is held, until this is aborted; without it a held lock is an error
 * @param tell is told once by whom the lock is held, if that takes longer than a few seconds
 * @throws FOLDER_UNWRITABLE, RELEASE_LOCKED if a living process on this machine, or any on another, holds it; INTERRUPTED while waiting
 */
export async function lockFolder(
  dir: string,
  wait?: AbortSignal,
  tell: (line: string) => void = () => {},
): Promise<FolderLock> {
  await makeFolder(dir);
  const file = join(dir, '.lock');
  const id = randomUUID();
  // Written completely under a unique name, then linked, so that no process reads half a lock.
  const own = `${file}.${id}`;
  await writeFile(own, JSON.stringify({ pid: process.pid, host: hostname(), id })).catch((error: unknown) => {
    throw asUnwritable(dir, error);
  });
  let waited = 0;
  try {
    for (let attempt = 0; attempt < TRIES; ) {
      const holder = (await linked(own, file)) ? OWN : await readHolder(file);
      if (holder === OWN || (isStale(holder) && (await takeOver(own, file, holder))))
        return { release: () => rm(file, { force: true }) };
      if (wait?.aborted === true) throw interrupted(dir);
      if (holder !== ABSENT && isHeld(holder)) {
        if (wait === undefined) throw lockedError(dir, file, holder);
        await pause(WAIT_MS);
        waited += WAIT_MS;
        if (waited === QUIET_MS) tell(waitingLine(file, holder));
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
  return new TurnbuildError('INTERRUPTED', `Interrupted while waiting for the process that uses ${dir}`);
}

function waitingLine(file: string, { pid, host }: Holder): string {
  return `Waiting for process ${pid} on ${host}, which holds ${file}. If that process no longer exists, remove the file.`;
}

function isStale(holder: Holder | undefined | typeof ABSENT): holder is Holder | undefined {
  return holder !== ABSENT && !isHeld(holder);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The kernel's own limit is lower; 0 and negative numbers are groups of processes to kill(2). */
const MAX_PID = 2 ** 31 - 1;

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

/**
 * Who holds a lock; undefined if the file doesn't say, because it was cut off or is none of ours.
 * @throws FILE_ERROR for a FIFO, a device or a huge file; the system's errors: a lock that can't be read may be held
 */
async function readHolder(file: string): Promise<Holder | undefined | typeof ABSENT> {
  try {
    return holderIn(JSON.parse((await readRegular(file, MAX_BYTES)).toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ABSENT;
    throw error;
  }
}

/** What a lock says. Its id becomes a part of a file's name, so anything but a UUID is none. */
function holderIn(value: unknown): Holder | undefined {
  const { pid, host, id } = (value ?? {}) as Partial<Record<keyof Holder, unknown>>;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || pid > MAX_PID) return undefined;
  if (typeof host !== 'string' || host === '') return undefined;
  return typeof id === 'string' && UUID.test(id) ? { pid, host, id } : { pid, host };
}

function lockedError(dir: string, file: string, holder: Holder): TurnbuildError {
  return new TurnbuildError(
    'RELEASE_LOCKED',
    `Another turnbuild run is using ${dir} (process ${holder.pid} on ${holder.host})`,
    {
      hint: `Wait until it finishes, or use another --out. If that process no longer exists, remove ${file}*.`,
    },
  );
}
