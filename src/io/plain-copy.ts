import { createWriteStream } from 'node:fs';
import { type FileHandle, readlink, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { diskErrors, makeFolder, naming, remove } from './files.ts';
import { openRegular, tooLarge } from './regular-file.ts';

/**
 * Copies a regular file beneath a folder that somebody else may be changing. What was opened is examined and copied, so that no link that
 * takes the file's place meanwhile, or that of a folder above it, leads to another file.
 * @param from.path beneath the folder
 * @param to replaced if it is there; nobody else may write in its folder
 * @param maxBytes more is refused; without it, any size is copied
 * @returns false if there is no such file, or a link leads to it
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
        // It has grown.
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

/** What ways there are for a path to lead to no regular file. */
const NO_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'FILE_ERROR'];

async function openPlain(dir: string, path: string): Promise<FileHandle | undefined> {
  try {
    const file = join(await realpath(dir), path);
    const handle = await openRegular(file, { follow: false });
    // O_NOFOLLOW says nothing of the folders above it. Linux knows the path of the open file itself; elsewhere it is looked up again.
    const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(file));
    if (opened === file) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (NO_FILE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
