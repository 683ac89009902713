import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { TurnbuildError } from '../errors.ts';
import { type Exec, runProcess } from '../io/exec.ts';
import { READ_AT_ONCE } from '../io/regular-file.ts';
import { readTar, type TarEntry } from '../io/tar-blocks.ts';
import {
  checkedPath,
  checkLinks,
  createNameRegister,
  LIMITS,
  type Limits,
  tarLimit,
  unsafe,
} from '../io/tar-rules.ts';
import { withUnpacked } from '../io/unpacked-file.ts';
import { BEGIN, formatOf, notTar, recognised } from './file-formats.ts';
import { beneathTop, type DatedEntry } from './tarball-layout.ts';

/** One entry of a source tree. */
export interface SourceEntry {
  path: string;
  type: 'file' | 'directory' | 'symlink';
  executable: boolean;
  content: Buffer;
  /** Target of a symlink, as written. */
  target: string;
}

export interface SourceTree {
  entries: SourceEntry[];
  /** Unix seconds. */
  newestMtime: number;
  /** The commit of a `git archive`, from its pax header. */
  gitCommit?: string;
}

export interface ReadTarballOptions {
  /** Overrides default limits. */
  limits?: Partial<Limits>;
  /** Runs xz or zstd, for a .tar.xz or .tar.zst. */
  exec?: Exec;
  /** Receives the file's SHA-256 before anything is parsed. */
  check?: (sha256: string) => void;
}

/** Size of the headers, padding and end mark of the largest allowed tarball. */
const overhead = (limits: Limits) => limits.entries * 1024 + 1024 * 1024;

/**
 * Reads a .tar.gz, .tar.xz, .tar.zst or .tar of sources into memory once, so that the checked bytes are the parsed bytes even if the
 * file changes. Writes none of the files in it, so a hostile tarball cannot overwrite anything (xz and zstd unpack only the tar, into a
 * temporary folder).
 * @throws SOURCE_ARCHIVE_UNSAFE (names the entry), SOURCE_ARCHIVE_CORRUPT, SOURCE_NOT_TAR, SOURCE_LAYOUT, XZ_MISSING, ZSTD_MISSING
 */
export async function readSourceTarball(file: string, options: ReadTarballOptions = {}): Promise<SourceTree> {
  const limits = { ...LIMITS, ...options.limits };
  const maxBytes = limits.totalBytes + overhead(limits);
  try {
    const bytes = await bytesOf(file, maxBytes);
    options.check?.(createHash('sha256').update(bytes).digest('hex'));
    const format = formatOf(bytes.subarray(0, BEGIN), file);
    const read = (chunks: AsyncIterable<Buffer> | Iterable<Buffer>, packed: string) =>
      readTree(recognised(chunks, file, packed), limits);
    const unpacking = { exec: options.exec ?? runProcess, maxBytes, shown: file };
    if (format === undefined) return await readTree([bytes], limits);
    switch (format.what) {
      case 'a gzip file':
        return await read(gunzip(bytes), 'gzip');
      case 'a Zstandard file':
        return await withUnpacked(bytes, { ...unpacking, format: 'zstd' }, (tar) =>
          read(createReadStream(tar), 'Zstandard'),
        );
      case 'an xz file':
        return await withUnpacked(bytes, { ...unpacking, format: 'xz' }, (tar) =>
          read(createReadStream(tar), 'xz'),
        );
      default:
        throw notTar(file, format);
    }
  } catch (error) {
    if (error instanceof TurnbuildError) throw error;
    throw corrupt(file, error);
  }
}

/** Refuses everything but regular files: a FIFO would block, and a device may be endless. */
async function bytesOf(file: string, maxBytes: number): Promise<Buffer> {
  const handle = await open(file, READ_AT_ONCE);
  try {
    const found = await handle.stat();
    if (!found.isFile())
      throw notTar(file, { what: found.isDirectory() ? 'a folder' : 'not a regular file' });
    if (found.size > maxBytes) throw tarLimit('(the tar file)', `more than ${maxBytes} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

async function* gunzip(bytes: Buffer): AsyncGenerator<Buffer> {
  const unzip = createGunzip();
  unzip.end(bytes);
  for await (const chunk of unzip) yield chunk as Buffer;
  // zlib silently ignores data after the compressed stream.
  if (unzip.bytesWritten !== bytes.length) throw new Error('there is data after the end of the gzip stream');
}

async function readTree(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  limits: Limits,
): Promise<SourceTree> {
  const names = createNameRegister();
  const entries: DatedEntry[] = [];
  let allInDot = true;
  let gitCommit: string | undefined;
  const raw = readTar(bounded(chunks, limits), limits, (commit) => {
    gitCommit = commit;
  });
  for await (const entry of raw) {
    const path = checkedPath(entry.name);
    const type = typeOf(entry);
    allInDot &&= entry.name === '.' || entry.name.startsWith('./');
    names.add(path, type);
    entries.push({
      path,
      type,
      executable: type === 'file' && (entry.mode & 0o111) !== 0,
      content: entry.content,
      target: entry.target,
      mtime: entry.mtime,
    });
  }
  const tree = beneathTop(entries, allInDot);
  if (tree.length === 0) throw new Error('it is empty');
  checkLinks(tree);
  const newestMtime = tree.reduce((newest, { mtime }) => Math.max(newest, mtime), 0);
  return {
    entries: tree.map(({ mtime: _, ...entry }) => entry),
    newestMtime,
    ...(gitCommit === undefined ? {} : { gitCommit }),
  };
}

/** Stops a decompression bomb while it unpacks, whether the data is in files, in headers or after the end. */
async function* bounded(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  limits: Limits,
): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limits.totalBytes + overhead(limits))
      throw tarLimit('(the tar file)', `more than ${limits.totalBytes} bytes`);
    yield chunk;
  }
}

const TYPES: Record<string, SourceEntry['type'] | undefined> = { 0: 'file', 2: 'symlink', 5: 'directory' };
const REFUSED: Record<string, string | undefined> = {
  1: 'a hard link',
  3: 'a character device',
  4: 'a block device',
  6: 'a FIFO',
  7: 'a contiguous file',
  S: 'a sparse file',
};

function typeOf(entry: TarEntry): SourceEntry['type'] {
  const type = TYPES[entry.type];
  if (type === undefined) {
    const what = REFUSED[entry.type] ?? `of the unknown type ${JSON.stringify(entry.type)}`;
    throw unsafe(entry.name, `is ${what}; only files, folders and symbolic links are allowed`);
  }
  if (type !== 'directory' && (entry.mode & 0o7000) !== 0)
    throw unsafe(entry.name, 'is setuid, setgid or sticky');
  // Old tars marked folders this way; current tools disagree about it.
  if (type !== 'directory' && entry.name.endsWith('/'))
    throw unsafe(entry.name, 'is a file whose name ends with "/"');
  if (type !== 'file' && entry.content.length > 0) throw unsafe(entry.name, 'has content but is not a file');
  if (type !== 'symlink' && entry.target !== '')
    throw unsafe(entry.name, 'has a link target but is not a link');
  return type;
}

/** How our reader, zlib, xz and zstd report a truncated file. */
const CUT_OFF = /the archive is truncated|unexpected (end of|EOF)|premature end/i;

function corrupt(file: string, cause: unknown): TurnbuildError {
  const what = cause instanceof Error ? cause.message : String(cause);
  if (CUT_OFF.test(what))
    return new TurnbuildError('SOURCE_ARCHIVE_CORRUPT', `${file} is a truncated tar file`, {
      cause,
      hint: 'The download was probably interrupted: download it again, and compare the size with the published one.',
    });
  return new TurnbuildError('SOURCE_ARCHIVE_CORRUPT', `${file} is not a valid tar file: ${what}`, {
    cause,
    hint: 'Download it again. If the error persists, the published file is damaged.',
  });
}
