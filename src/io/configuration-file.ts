import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { usageError } from '../errors.ts';

/** A turnserver.conf is a few kilobytes; with thousands of denied ranges it is some hundred. */
const MAX_BYTES = 1024 * 1024;

const NAME_ONE = 'Name the file that turnserver -c is started with, e.g. /etc/turnserver.conf.';

/**
 * Reads a turnserver.conf, from a pipe, too. Text that is not UTF-8 is taken byte by byte, as turnserver takes it.
 * @throws TurnbuildError CONFIG_NOT_FOUND, or CONFIG_INVALID for what cannot be one
 */
export async function readConfigurationFile(file: string): Promise<string> {
  const bytes = await readAtMost(file, MAX_BYTES + 1).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw usageError('CONFIG_NOT_FOUND', `There is no file ${file}`, NAME_ONE);
    if (error.code === 'EISDIR')
      throw usageError('CONFIG_INVALID', `${file} is a folder`, 'Name the turnserver.conf in it.');
    throw error;
  });
  const wide = bytes.length > 1 && [0xfeff, 0xfffe].includes(bytes.readUInt16BE());
  if (wide)
    throw usageError(
      'CONFIG_INVALID',
      `${file} is UTF-16, which turnserver does not read`,
      'Save it as UTF-8, without a byte order mark.',
    );
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    throw usageError(
      'CONFIG_INVALID',
      `${file} is not a turnserver.conf: it is no text (there is a NUL at byte ${nul + 1})`,
      NAME_ONE,
    );
  if (bytes.length > MAX_BYTES)
    throw usageError('CONFIG_INVALID', `${file} is not a turnserver.conf: it is larger than 1 MiB`, NAME_ONE);
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}

async function readAtMost(file: string, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: bytes - 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
