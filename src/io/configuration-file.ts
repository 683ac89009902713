import { isUtf8 } from 'node:buffer';
import { closeSync, createReadStream, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { TurnbuildError, usageError } from '../errors.ts';
import { READ_AT_ONCE } from './regular-file.ts';

/** A turnserver.conf has a few kilobytes; with thousands of denied ranges, a few hundred. */
const MAX_BYTES = 1024 * 1024;

const NAME_ONE = 'Pass the file that turnserver is started with (-c), for example /etc/turnserver.conf.';
const NAME_DOCUMENT = 'Pass the JSON document that machines get as user data, for example user-data.json.';

/**
 * Reads a turnserver.conf from a file, pipe or terminal. Decodes text that is not UTF-8 byte by byte, as turnserver does.
 * @param signal aborts waiting for a pipe without a writer
 * @throws TurnbuildError CONFIG_NOT_FOUND, CONFIG_INVALID if it cannot be a turnserver.conf, INTERRUPTED
 */
export async function readConfigurationFile(file: string, signal: AbortSignal): Promise<string> {
  const bytes = await readInput(file, NAME_ONE, signal);
  const wide = bytes.length > 1 && [0xfeff, 0xfffe].includes(bytes.readUInt16BE());
  if (wide)
    throw usageError(
      'CONFIG_INVALID',
      `${file} is UTF-16, which turnserver does not support`,
      'Save it as UTF-8, without a byte order mark.',
    );
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    throw usageError(
      'CONFIG_INVALID',
      `${file} is not a turnserver.conf: it is a binary file (NUL at byte ${nul + 1})`,
      NAME_ONE,
    );
  if (bytes.length > MAX_BYTES)
    throw usageError('CONFIG_INVALID', `${file} is not a turnserver.conf: it is larger than 1 MiB`, NAME_ONE);
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

/**
 * Reads a machine's settings document from a file, pipe or terminal.
 * @param signal aborts waiting for a pipe without a writer
 * @throws TurnbuildError CONFIG_NOT_FOUND, CONFIG_INVALID if it is not a file or has more than 1 MiB, INTERRUPTED
 */
export async function readUserData(file: string, signal: AbortSignal): Promise<Buffer> {
  const bytes = await readInput(file, NAME_DOCUMENT, signal);
  if (bytes.length > MAX_BYTES)
    throw usageError(
      'CONFIG_INVALID',
      `${file} is not a settings document: it is larger than 1 MiB`,
      NAME_DOCUMENT,
    );
  return bytes;
}

/** Reads at most one byte more than allowed. */
async function readInput(file: string, hint: string, signal: AbortSignal): Promise<Buffer> {
  return readAtMost(file, MAX_BYTES + 1, signal).catch((error: NodeJS.ErrnoException) => {
    if (signal.aborted)
      throw new TurnbuildError('INTERRUPTED', `Interrupted while reading ${file}`, { cause: error });
    // A device other than a terminal has no more data now, but may have some later.
    if (error.code === 'EAGAIN') throw usageError('CONFIG_INVALID', `${file} is a device`, hint);
    if (error.code === 'ENOENT') throw usageError('CONFIG_NOT_FOUND', `File not found: ${file}`, hint);
    if (error.code === 'EISDIR') throw usageError('CONFIG_INVALID', `${file} is a folder`, hint);
    throw error;
  });
}

async function readAtMost(file: string, bytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const chunk of addAbortSignal(signal, open(file))) {
    chunks.push(chunk as Buffer);
    read += (chunk as Buffer).length;
    if (read >= bytes) break;
  }
  return Buffer.concat(chunks);
}

/** Polls pipes and terminals, because a thread blocked in read(2) would survive Ctrl-C. */
function open(file: string): Readable {
  const fd = openSync(file, READ_AT_ONCE);
  try {
    if (isatty(fd)) return new ReadStream(fd);
    if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return createReadStream(file, { fd });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
