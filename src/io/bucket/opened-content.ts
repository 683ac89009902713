import { createHash } from 'node:crypto';
import { TurnbuildError } from '../../errors.ts';
import { naming, sha256Bytes, sha256File } from '../files.ts';
import { openRegular } from '../regular-file.ts';
import type { Content } from '../store.ts';

/** A content to send, with its digests. */
export interface OpenedContent {
  /** In bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string;
  /** Base64, as services compare it. */
  md5: string;
  /** `length` bytes from `start`. @throws ARTIFACT_CHANGED if the file has become shorter */
  read(start: number, length: number): Promise<Buffer>;
}

/** SHA-256 of a content, lower-case hex. */
export async function digestOf(content: Content): Promise<string> {
  return 'file' in content ? sha256File(content.file) : sha256Bytes(content.bytes);
}

/** Bytes at once while a file is hashed. */
const PIECE = 1024 ** 2;

/**
 * Opens a content and computes its digests. A file is read, not loaded, so its size does not matter.
 * @param name for messages
 * @throws ARTIFACT_CHANGED if the content is not that of its sha256; FILE_ERROR
 */
export async function withContent<T>(
  name: string,
  content: Content,
  use: (opened: OpenedContent) => Promise<T>,
): Promise<T> {
  if ('bytes' in content) {
    const { buffer, byteOffset, length } = content.bytes;
    const bytes = Buffer.from(buffer, byteOffset, length);
    const read = async (start: number, count: number) => bytes.subarray(start, start + count);
    return use(await measured(name, content.sha256, bytes.length, read));
  }
  const { file } = content;
  const handle = await naming(file, openRegular(file));
  try {
    const { size } = await handle.stat();
    const read = async (start: number, count: number) => {
      const bytes = Buffer.allocUnsafe(count);
      let done = 0;
      while (done < count) {
        const { bytesRead } = await naming(file, handle.read(bytes, done, count - done, start + done));
        if (bytesRead === 0) throw changed(name);
        done += bytesRead;
      }
      return bytes;
    };
    return await use(await measured(name, content.sha256, size, read));
  } finally {
    await handle.close();
  }
}

async function measured(
  name: string,
  expected: string | undefined,
  size: number,
  read: OpenedContent['read'],
): Promise<OpenedContent> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  for (let start = 0; start < size; start += PIECE) {
    const piece = await read(start, Math.min(PIECE, size - start));
    sha256.update(piece);
    md5.update(piece);
  }
  const found = sha256.digest('hex');
  if (expected !== undefined && found !== expected) throw changed(name);
  return { size, sha256: found, md5: md5.digest('base64'), read };
}

function changed(name: string): TurnbuildError {
  return new TurnbuildError('ARTIFACT_CHANGED', `The content of ${name} changed while it was being stored`, {
    hint: 'Another run may be changing the release. Run the same command again.',
  });
}
