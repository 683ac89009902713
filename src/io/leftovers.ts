import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { remove } from './files.ts';

/** Whether a process of this machine still runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** This process, for a mark on what it makes outside of folders: `HOST:PID`. */
export function owner(): string {
  return `${hostname()}:${process.pid}`;
}

/** Whether what has this mark was made on this machine by a process that is gone. */
export function isAbandoned(mark: string): boolean {
  const [host, pid] = mark.split(':');
  return host === hostname() && !isAlive(Number(pid));
}

/** A folder to work in before the finished thing is moved to `path`; named by this process. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** Removes what killed processes have left under temporaryName(path). */
export async function removeLeftovers(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) ? /^(\d+)\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid))) await remove(join(dirname(path), name));
  }
}
