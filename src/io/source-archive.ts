import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { TurnbuildError } from '../errors.ts';
import { checkedPath, checkLinks, LIMITS, unsafe } from './archive-rules.ts';

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

/**
 * Reads a .tar.gz or .tar of sources wholly into memory. Nothing is written, so a hostile archive has nothing to overwrite.
 * @throws SOURCE_ARCHIVE_UNSAFE (names the entry), SOURCE_ARCHIVE_CORRUPT
 */
export async function readSourceArchive(file: string): Promise<SourceTree> {
  const reader = new TreeReader();
  const parser = new Parser({
    strict: true,
    maxMetaEntrySize: 1024 * 1024,
    onReadEntry: (entry) => reader.take(entry),
  });
  try {
    const source = createReadStream(file);
    const steps = (await isGzip(file)) ? [createGunzip()] : [];
    let size = 0;
    const bounded = async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        size += chunk.length;
        // tar's own overhead is small; what is larger than all limits together can only be a bomb.
        if (size > LIMITS.totalBytes * 1.5)
          throw unsafe('(the archive)', `unpacks to more than ${LIMITS.totalBytes} bytes`);
        reader.rethrow();
        yield chunk;
      }
    };
    const output = async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        reader.feed(chunk);
        parser.write(chunk);
        reader.rethrow();
      }
      await new Promise<void>((resolve, reject) => {
        parser.on('end', resolve);
        parser.on('error', reject);
        parser.end();
      });
    };
    parser.on('error', (error) => reader.fail(error));
    await (steps[0] === undefined
      ? pipeline(source, bounded, output)
      : pipeline(source, steps[0], bounded, output));
    reader.rethrow();
    return reader.finish();
  } catch (error) {
    if (error instanceof TurnbuildError) throw error;
    throw corrupt(file, error);
  }
}

async function isGzip(file: string): Promise<boolean> {
  for await (const chunk of createReadStream(file, { end: 1 })) {
    return (chunk as Buffer)[0] === 0x1f && (chunk as Buffer)[1] === 0x8b;
  }
  return false;
}

function corrupt(file: string, cause: unknown): TurnbuildError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new TurnbuildError('SOURCE_ARCHIVE_CORRUPT', `${file} is not a whole tar archive: ${what}`, {
    cause,
    hint: 'Download it again; if that gives the same, it was published broken.',
  });
}

class TreeReader {
  readonly #entries: SourceEntry[] = [];
  readonly #seen = new Map<string, string>();
  #top: string | undefined;
  #total = 0;
  #count = 0;
  #newest = 0;
  #commit: string | undefined;
  #error: unknown;
  #tail = Buffer.alloc(0);

  take(entry: ReadEntry): void {
    try {
      this.#take(entry);
    } catch (error) {
      this.fail(error);
      entry.resume();
    }
  }

  /** Keeps the last bytes: a tar archive ends in two blocks of zeros, and one that doesn't was cut. */
  feed(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-1024);
  }

  fail(error: unknown): void {
    this.#error ??= error;
  }

  rethrow(): void {
    if (this.#error !== undefined) throw this.#error;
  }

  #take(entry: ReadEntry): void {
    this.#count += 1;
    if (this.#count > LIMITS.entries)
      throw unsafe(entry.path, `is one of more than ${LIMITS.entries} entries`);
    const comment = entry.globalExtended?.comment;
    if (comment !== undefined && /^[0-9a-f]{40}$/.test(comment)) this.#commit = comment;
    const { top, path } = checkedPath(entry.path);
    if (this.#top !== undefined && top !== this.#top)
      throw unsafe(entry.path, `is outside the top-level folder ${this.#top}`);
    if (path === '' && entry.type !== 'Directory')
      throw unsafe(entry.path, 'is the top-level folder, and not a folder');
    this.#top = top;
    const type = entryType(entry);
    if (((entry.mode ?? 0) & 0o7000) !== 0 && type !== 'directory')
      throw unsafe(entry.path, 'is setuid, setgid or sticky');
    if (entry.size > LIMITS.fileBytes) throw unsafe(entry.path, `has more than ${LIMITS.fileBytes} bytes`);
    this.#total += entry.size;
    if (this.#total > LIMITS.totalBytes)
      throw unsafe(entry.path, `makes the archive unpack to more than ${LIMITS.totalBytes} bytes`);
    if (type !== 'file' && entry.size > 0) throw unsafe(entry.path, 'has content, and is no file');
    if (path === '') {
      entry.resume();
      return;
    }
    this.#remember(path, entry.path);
    this.#newest = Math.max(this.#newest, Math.floor((entry.mtime?.getTime() ?? 0) / 1000));
    const chunks: Buffer[] = [];
    const result: SourceEntry = {
      path,
      type,
      executable: type === 'file' && ((entry.mode ?? 0) & 0o111) !== 0,
      content: Buffer.alloc(0),
      target: type === 'symlink' ? (entry.linkpath ?? '') : '',
    };
    this.#entries.push(result);
    entry.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
    entry.on('end', () => {
      result.content = Buffer.concat(chunks);
    });
  }

  /** Two names that some file system takes for one are refused: the second would replace the first. */
  #remember(path: string, original: string): void {
    const folded = path.normalize('NFKC').toLowerCase();
    const other = this.#seen.get(folded);
    if (other !== undefined)
      throw unsafe(
        original,
        other === path ? 'is there twice' : `is the same as ${other} on some file systems`,
      );
    this.#seen.set(folded, path);
  }

  finish(): SourceTree {
    if (this.#entries.length === 0) throw new Error('there is nothing in it');
    if (this.#tail.length < 1024 || this.#tail.some((byte) => byte !== 0))
      throw new Error('its end is missing');
    checkLinks(this.#entries);
    return {
      entries: this.#entries,
      newestMtime: this.#newest,
      ...(this.#commit === undefined ? {} : { gitCommit: this.#commit }),
    };
  }
}

function entryType(entry: ReadEntry): SourceEntry['type'] {
  if (entry.type === 'File' || entry.type === 'OldFile') return 'file';
  if (entry.type === 'Directory' || entry.type === 'GNUDumpDir') return 'directory';
  if (entry.type === 'SymbolicLink') return 'symlink';
  throw unsafe(entry.path, `is a ${entry.type}; sources have only files, folders and symbolic links`);
}
