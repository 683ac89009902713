import { randomUUID } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { diskErrors, makeFolder, naming } from './files.ts';
import { asUnwritable } from './folders.ts';
import { isAlive } from './leftovers.ts';
import { readRegular } from './regular-file.ts';

/** A lock that a turnbuild process holds while it uses a folder. */
export interface FolderLock {
  release(): Promise<void>;
}

/** A lock that can tell whether it was lost. */
export interface HeldFolderLock extends FolderLock {
  /** Whether the lock file is still this process's. Only people remove a lock that is in use. */
  isHeld(): Promise<boolean>;
}

/** Attempts to acquire a lock while other processes take over a stale one, and the milliseconds between. */
const TRIES = 50;
const PAUSE_MS = 20;
/** Polling interval in milliseconds for a held lock. */
const WAIT_MS = 200;
/** Milliseconds of waiting before the user is told. */
const QUIET_MS = 3000;
/** Maximum bytes of a lock file; turnbuild's have about a hundred. */
const MAX_BYTES = 1024 ** 2;

/**
 * Locks a folder for one process at a time. Takes over a lock whose process has exited.
 * @param wait if given, waits for a held lock until this signal aborts; otherwise a held lock is an error
 * @param tell called once with the holder if the wait takes longer than a few seconds
 * @throws FOLDER_UNWRITABLE; DISK_FULL; RELEASE_LOCKED if a running process on this machine, or any process on another, holds the lock; INTERRUPTED
 */
export async function lockFolder(
  dir: string,
  wait?: AbortSignal,
  tell: (line: string) => void = () => {},
): Promise<HeldFolderLock> {
  await makeFolder(dir);
  const file = join(dir, '.lock');
  const id = randomUUID();
  // Written under a unique name and then linked, so that no process reads a partial lock.
  const own = `${file}.${id}`;
  const content = JSON.stringify({ pid: process.pid, host: hostname(), id });
  await diskErrors(naming(file, writeFile(own, content))).catch(async (error: unknown) => {
    await rm(own, { force: true });
    throw asUnwritable(dir, error);
  });
  let waited = 0;
  try {
    for (let attempt = 0; attempt < TRIES; ) {
      const holder = (await linked(own, file)) ? OWN : await readHolder(file);
      if (holder === OWN || (isStale(holder) && (await takeOver(own, file, holder))))
        return heldLock(file, id);
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

function heldLock(file: string, id: string): HeldFolderLock {
  const isHeld = async () => {
    const holder = await readHolder(file);
    return holder !== ABSENT && holder?.id === id;
  };
  return {
    isHeld,
    async release() {
      if (await isHeld()) await rm(file, { force: true });
    },
  };
}

/** The lock has just been released. */
const ABSENT = 'absent';
/** This process holds the lock. */
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
/** The kernel's limit is lower. To kill(2), 0 and negative numbers are process groups. */
const MAX_PID = 2 ** 31 - 1;

interface Holder {
  pid: number;
  host: string;
  id?: string;
}

function isHeld(holder: Holder | undefined): holder is Holder {
  return holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
}

/** Creates a hard link unless the target name exists. Returns whether the link was created. */
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
 * Replaces a stale lock by this process's lock. Only the process that created the stale lock's marker may replace it, so a lock acquired
 * meanwhile is never replaced.
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
 * Reads who holds a lock; undefined if the file is truncated or not turnbuild's.
 * @throws FILE_ERROR for a FIFO, a device or a huge file; system errors, because an unreadable lock may be held
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

/** Parses a lock. Ignores an id that is not a UUID, because it becomes part of a file name. */
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
