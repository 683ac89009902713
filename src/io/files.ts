import { createHash, randomUUID } from 'node:crypto';
import {
  copyFile,
  cp,
  lstat,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { diskFullError, TurnbuildError } from '../errors.ts';
import { makeMissing } from './folders.ts';
import { MAX_DOCUMENT, openRegular, readRegular } from './regular-file.ts';

/** Maximum size of binary files, which are programs. */
const MAX_PROGRAM = 256 * 1024 ** 2;

/** SHA-256 of a regular file, in lower-case hex. @throws FILE_ERROR for a FIFO or a device */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash('sha256');
  const read = async () => {
    const handle = await openRegular(file);
    for await (const chunk of handle.createReadStream()) hash.update(chunk as Buffer);
    return hash.digest('hex');
  };
  return naming(file, read());
}

/** SHA-256 of a text, in lower-case hex. */
export function sha256Text(text: string): string {
  return sha256Bytes(text);
}

/** SHA-256 of bytes, or of a text as UTF-8, in lower-case hex. */
export function sha256Bytes(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Lists all files in a folder recursively, as sorted relative paths; none if the folder does not exist. */
export async function listFiles(dir: string): Promise<string[]> {
  if (!(await exists(dir))) return [];
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

/** Digest of the names and contents of some files in a folder. Without `names`: of all files. */
export async function digestFiles(dir: string, names?: readonly string[]): Promise<string> {
  const all = names === undefined ? await listFiles(dir) : [...names].sort();
  const lines = await Promise.all(all.map(async (name) => `${await sha256File(join(dir, name))}  ${name}`));
  return sha256Text(lines.join('\n'));
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Whether a file exists and has this SHA-256 (lower-case hex). */
export async function isIntact(file: string, sha256: string): Promise<boolean> {
  return (await exists(file)) && (await sha256File(file)) === sha256;
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** @throws FILE_ERROR for a FIFO, a device, or more than 64 MiB */
export async function readText(file: string): Promise<string> {
  return (await naming(file, readRegular(file, MAX_DOCUMENT))).toString('utf8');
}

/** @throws FILE_ERROR for a FIFO, a device, or more than 256 MiB */
export async function readBytes(file: string): Promise<Buffer> {
  return naming(file, readRegular(file, MAX_PROGRAM));
}

/** Writes a temporary file and renames it, so that readers see either the old or the new file, never a partial one. */
export async function writeText(file: string, text: string | Uint8Array): Promise<void> {
  await makeFolder(dirname(file));
  const temporary = `${file}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
  try {
    // Exclusive creation follows no link.
    await diskErrors(naming(file, writeFile(temporary, text, { flag: 'wx' })));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Creates a folder and its parents. @returns the topmost folder that was missing @throws FOLDER_UNWRITABLE, DISK_FULL */
export async function makeFolder(dir: string): Promise<string | undefined> {
  return diskErrors(makeMissing(dir));
}

/** Moves a finished file or folder to its place, replacing any existing one. Both paths must be on the same file system. */
export async function moveInto(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}

export async function copyInto(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await diskErrors((await stat(from)).isDirectory() ? cp(from, to, { recursive: true }) : copyFile(from, to));
}

/** Real path of a regular file in an untrusted folder; undefined if it is not a regular file or is reached through a link. */
export async function plainFile(dir: string, path: string): Promise<string | undefined> {
  const folder = await realpath(dir).catch(() => undefined);
  if (folder === undefined) return undefined;
  const file = join(folder, path);
  const real = await realpath(file).catch(() => undefined);
  return real === file && (await lstat(real)).isFile() ? real : undefined;
}

/** Sets a file's or folder's modification time to now. */
export async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/** Sets a file's modification time. @param seconds since the epoch */
export async function setTime(path: string, seconds: number): Promise<void> {
  await utimes(path, seconds, seconds);
}

/** Removes the subfolders of a folder that were last modified at least `ageMs` milliseconds ago. */
export async function removeOlder(dir: string, ageMs: number): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory() && Date.now() - (await stat(path)).mtimeMs >= ageMs) await remove(path);
  }
}

/**
 * Requires that a folder, whose content a package may control, has only files and folders, and not too much data. Reading a link would read
 * a file of this machine, and reading a FIFO would block.
 * @throws RESULT_UNSAFE after removing the folder
 */
export async function requirePlainFiles(dir: string, maxBytes: number): Promise<void> {
  let bytes = 0;
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    const found = await lstat(path);
    bytes += found.size;
    if (found.isFile() && bytes <= maxBytes) continue;
    await remove(dir);
    const what = found.isFile() ? `more than ${maxBytes} bytes` : `${path}, which is not a regular file`;
    throw new TurnbuildError('RESULT_UNSAFE', `The results of a container contain ${what}`, {
      hint: 'The package or its build may be malicious: inspect both before you continue.',
    });
  }
}

export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

/** Sets the path in an error: some errors have none, others have a temporary file's path, which the user does not know. */
export async function naming<T>(path: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof Error ? Object.assign(error, { path }) : error;
  });
}

/** Converts errors of a full disk to DISK_FULL. */
export async function diskErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskFullError(error) ?? error;
  }
}
