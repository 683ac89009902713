import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { TurnbuildError } from '../errors.ts';

/** Maximum size of a document in bytes. The largest manifests have a few megabytes. */
export const MAX_DOCUMENT = 64 * 1024 ** 2;

/** Flags to open a file without waiting for a FIFO's writer and without acquiring a controlling terminal. */
export const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a regular file for reading. Anything else may block a thread in the kernel, which neither a signal nor an exit can stop. Checks the
 * open file, so that it cannot be replaced between check and use.
 * @param how.follow false also refuses symbolic links
 * @throws FILE_ERROR for a FIFO, a socket or a device; system errors, EISDIR for a folder
 */
export async function openRegular(file: string, { follow = true } = {}): Promise<FileHandle> {
  const handle = await open(file, READ_AT_ONCE | (follow ? 0 : constants.O_NOFOLLOW)).catch(
    (error: NodeJS.ErrnoException) => {
      // A socket, or a device without a driver.
      throw error.code === 'ENXIO' ? notRegular(file, 'socket') : error;
    },
  );
  try {
    requireRegular(file, await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Reads a regular file. Also works for files in /proc, which report a size of 0.
 * @throws FILE_ERROR if it is not a regular file or has more than `maxBytes`
 */
export async function readRegular(file: string, maxBytes: number): Promise<Buffer> {
  const handle = await openRegular(file);
  const chunks: Buffer[] = [];
  let read = 0;
  try {
    if ((await handle.stat()).size > maxBytes) throw tooLarge(file, maxBytes);
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      read += (chunk as Buffer).length;
      if (read > maxBytes) throw tooLarge(file, maxBytes);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    // A kernel log looks like a regular file but never ends.
    throw (error as NodeJS.ErrnoException).code === 'EAGAIN' ? notRegular(file, 'device') : error;
  } finally {
    await handle.close();
  }
  return Buffer.concat(chunks);
}

function requireRegular(file: string, found: Stats): void {
  if (found.isFile()) return;
  if (found.isDirectory())
    throw Object.assign(new Error('EISDIR'), { code: 'EISDIR', syscall: 'read', path: file });
  throw notRegular(file, found.isFIFO() ? 'FIFO' : 'device');
}

function notRegular(file: string, kind: string): TurnbuildError {
  return new TurnbuildError('FILE_ERROR', `${file} is a ${kind}, not a regular file`);
}

export function tooLarge(file: string, maxBytes: number): TurnbuildError {
  return new TurnbuildError('FILE_ERROR', `${file} is larger than ${maxBytes / 1024 ** 2} MiB`);
}
