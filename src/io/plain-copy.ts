import { createWriteStream } from 'node:fs';
import { type FileHandle, readlink, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { diskErrors, makeFolder, naming, remove } from './files.ts';
import { openRegular, tooLarge } from './regular-file.ts';

/**
 * Copies a regular file from a folder that another process may be changing. Checks and copies the open file, so that replacing the file
 * or a parent folder by a link cannot redirect the copy.
 * @param from.path relative to the folder
 * @param to overwritten if it exists; only this user may be able to write to its folder
 * @param maxBytes maximum size; unlimited by default
 * @returns false if the file does not exist or is reached through a link
 * @throws FILE_ERROR for a larger file
 */
export async function copyPlain(
  { dir, path }: { dir: string; path: string },
  to: string,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  const file = join(dir, path);
  const handle = await openPlain(dir, path);
  if (handle === undefined) return false;
  try {
    const { size, mode } = await handle.stat();
    if (size > maxBytes) throw tooLarge(file, maxBytes);
    await makeFolder(dirname(to));
    const limited = async function* (chunks: AsyncIterable<Buffer>) {
      let read = 0;
      for await (const chunk of chunks) {
        read += chunk.length;
        // The file has grown meanwhile.
        if (read > maxBytes) throw tooLarge(file, maxBytes);
        yield chunk;
      }
    };
    const copy = createWriteStream(to, { mode: mode & 0o777 });
    await diskErrors(naming(to, pipeline(handle.createReadStream({ autoClose: false }), limited, copy)));
    return true;
  } catch (error) {
    await remove(to);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Error codes for paths without a regular file. */
const NO_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'FILE_ERROR'];

async function openPlain(dir: string, path: string): Promise<FileHandle | undefined> {
  try {
    const file = join(await realpath(dir), path);
    const handle = await openRegular(file, { follow: false });
    // O_NOFOLLOW does not apply to parent folders. Linux knows the path of an open file; elsewhere, resolve it again.
    const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(file));
    if (opened === file) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (NO_FILE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
