import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { listFiles, remove } from './files.ts';

/** Whether a process of this machine is still running. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `HOST:PID` of this process, to mark resources that it creates outside of folders. */
export function owner(): string {
  return `${hostname()}:${process.pid}`;
}

/** Whether a process of this machine that has exited created the resource with this mark. */
export function isAbandoned(mark: string): boolean {
  const [host, pid] = mark.split(':');
  return host === hostname() && !isAlive(Number(pid));
}

/** Temporary name for a file or folder that will be moved to `path`. It contains the process id. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/** Removes temporary files of `path` left behind by killed processes. */
export async function removeLeftovers(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(prefix) ? /^(\d+)\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid))) await remove(join(dirname(path), name));
  }
}

/** Removes temporary files left behind by killed processes, in a folder and its subfolders. */
export async function removeAllLeftovers(dir: string): Promise<void> {
  for (const name of await listFiles(dir)) {
    const pid = /\.(\d+)\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await remove(join(dir, name));
  }
}
