import { rmSync, statSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { diskErrors, makeFolder, remove } from './files.ts';
import { asUnwritable } from './folders.ts';
import { isAlive } from './leftovers.ts';

/**
 * Provides a folder of its own for temporary files, which only this user can read. It is removed afterwards, also when the process ends
 * early; those of processes that were killed are removed first.
 * @param parent an existing or new folder
 * @param name first part of the folder's name
 */
export async function withWorkFolder<T>(
  parent: string,
  name: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  await makeFolder(parent);
  await sweep(parent, name);
  const made = mkdtemp(join(parent, `${name}.${process.pid}.`)).catch((error: unknown) => {
    throw asUnwritable(parent, error);
  });
  const folder = await diskErrors(made);
  const removeNow = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeNow);
  try {
    return await use(folder);
  } finally {
    process.off('exit', removeNow);
    await remove(folder);
  }
}

/** Removes this user's folders of dead processes. Others may not be removable, and need not be. */
async function sweep(parent: string, name: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    const [start, pid = '', random] = entry.split('.');
    if (start !== name || random === undefined || !/^\d+$/.test(pid) || isAlive(Number(pid))) continue;
    const folder = join(parent, entry);
    if (statSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.()) await remove(folder);
  }
}
