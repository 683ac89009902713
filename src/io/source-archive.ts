import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { TurnbuildError } from '../errors.ts';
import {
  archiveLimit,
  checkedPath,
  checkLinks,
  createNameRegister,
  LIMITS,
  type Limits,
  unsafe,
} from './archive-rules.ts';
import { type Exec, runProcess } from './exec.ts';
import { readTar, type TarEntry } from './tar-blocks.ts';
import { withUnxz } from './unxz.ts';

/** One file of a source tree, beneath its top-level folder. */
export interface SourceEntry {
  path: string;
  type: 'file' | 'directory' | 'symlink';
  executable: boolean;
  content: Buffer;
  /** Where a symlink points to, as it is written. */
  target: string;
}

export interface SourceTree {
  entries: SourceEntry[];
  /** Unix seconds. */
  newestMtime: number;
  /** Of a `git archive`, from its pax header. */
  gitCommit?: string;
}

export interface ReadArchiveOptions {
  /** Bounds to put in the place of the usual ones. */
  limits?: Partial<Limits>;
  /** Starts xz, for a .tar.xz. */
  exec?: Exec;
}

/** Headers, padding and the end mark of the largest archive that is allowed. */
const overhead = (limits: Limits) => limits.entries * 1024 + 1024 * 1024;

/**
 * Reads a .tar.gz, .tar.xz or .tar of sources wholly into memory. None of its files is written, so a hostile archive has
 * nothing to overwrite (xz unpacks the tar, not the files, into a temporary folder of its own).
 * @throws SOURCE_ARCHIVE_UNSAFE (names the entry), SOURCE_ARCHIVE_CORRUPT, XZ_MISSING
 */
export async function readSourceArchive(file: string, options: ReadArchiveOptions = {}): Promise<SourceTree> {
  const limits = { ...LIMITS, ...options.limits };
  const maxBytes = limits.totalBytes + overhead(limits);
  try {
    const form = await formatOf(file);
    if (form === 'gzip') return await readTree(gunzip(file), limits);
    if (form === 'tar') return await readTree(createReadStream(file), limits);
    return await withUnxz(file, { exec: options.exec ?? runProcess, maxBytes }, (tar) =>
      readTree(createReadStream(tar), limits),
    );
  } catch (error) {
    if (error instanceof TurnbuildError) throw error;
    throw corrupt(file, error);
  }
}

/** Told by the first bytes: a name says nothing. */
async function formatOf(file: string): Promise<'gzip' | 'xz' | 'tar'> {
  const handle = await open(file);
  try {
    const magic = Buffer.alloc(6);
    await handle.read(magic, 0, magic.length, 0);
    if (magic[0] === 0x1f && magic[1] === 0x8b) return 'gzip';
    return magic.toString('latin1') === '\xfd7zXZ\0' ? 'xz' : 'tar';
  } finally {
    await handle.close();
  }
}

async function* gunzip(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const unzip = createGunzip();
  source.on('error', (error) => unzip.destroy(error));
  source.pipe(unzip);
  try {
    for await (const chunk of unzip) yield chunk as Buffer;
    // zlib stops in silence at what follows the compressed data.
    if (unzip.bytesWritten !== (await stat(file)).size) throw new Error('something follows its end');
  } finally {
    source.destroy();
  }
}

async function readTree(chunks: AsyncIterable<Buffer>, limits: Limits): Promise<SourceTree> {
  const names = createNameRegister();
  const entries: SourceEntry[] = [];
  let top: string | undefined;
  let sawTop = false;
  let newestMtime = 0;
  let gitCommit: string | undefined;
  const raw = readTar(bounded(chunks, limits), limits, (commit) => {
    gitCommit = commit;
  });
  for await (const entry of raw) {
    const place = checkedPath(entry.name);
    const type = typeOf(entry);
    top ??= place.top;
    if (place.top !== top) throw unsafe(entry.name, `is outside the top-level folder ${top}`);
    if (place.path === '') {
      if (type !== 'directory') throw unsafe(entry.name, 'is the top-level folder, and not a folder');
      if (sawTop) throw unsafe(entry.name, 'is there twice');
      sawTop = true;
      continue;
    }
    names.add(place.path, type);
    newestMtime = Math.max(newestMtime, entry.mtime);
    entries.push({
      path: place.path,
      type,
      executable: type === 'file' && (entry.mode & 0o111) !== 0,
      content: entry.content,
      target: entry.target,
    });
  }
  if (entries.length === 0) throw new Error('there is nothing in it');
  checkLinks(entries);
  return { entries, newestMtime, ...(gitCommit === undefined ? {} : { gitCommit }) };
}

/** Stops a bomb while it unpacks, wherever its bytes are: in files, in headers, or behind the end. */
async function* bounded(chunks: AsyncIterable<Buffer>, limits: Limits): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limits.totalBytes + overhead(limits))
      throw archiveLimit('(the archive)', `more than ${limits.totalBytes} bytes`);
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
    throw unsafe(entry.name, `is ${what}; sources have only files, folders and symbolic links`);
  }
  if (type !== 'directory' && (entry.mode & 0o7000) !== 0)
    throw unsafe(entry.name, 'is setuid, setgid or sticky');
  // Old tars marked folders so; today's tools disagree about it.
  if (type !== 'directory' && entry.name.endsWith('/'))
    throw unsafe(entry.name, 'is a file named as a folder');
  if (type !== 'file' && entry.content.length > 0) throw unsafe(entry.name, 'has content, and is no file');
  if (type !== 'symlink' && entry.target !== '')
    throw unsafe(entry.name, 'has a link target, and is no link');
  return type;
}

function corrupt(file: string, cause: unknown): TurnbuildError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new TurnbuildError('SOURCE_ARCHIVE_CORRUPT', `${file} is not a whole tar archive: ${what}`, {
    cause,
    hint: 'Download it again; if that gives the same, it was published broken.',
  });
}
