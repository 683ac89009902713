import { type Pax, parsePax, textOf } from './tar-pax.ts';
import { type Limits, tarLimit, unsafe } from './tar-rules.ts';

/** An entry of a tar file, with long names and pax records applied but not yet validated. */
export interface TarEntry {
  name: string;
  /** The type flag: `0` a file, `2` a symbolic link, `5` a folder, ... */
  type: string;
  mode: number;
  /** Unix seconds. */
  mtime: number;
  target: string;
  content: Buffer;
}

interface RawHeader extends Omit<TarEntry, 'content'> {
  size: number;
}

/** Extended headers for the next entry: pax records and GNU long names. */
interface Overrides {
  pax?: Pax;
  longName?: string;
  longTarget?: string;
}

const BLOCK = 512;
/** Maximum size of a pax header or long name, which holds a path and some numbers. */
const META_BYTES = 64 * 1024;

/**
 * Reads a tar stream block by block, strictly. Common tar readers (including node-tar's Parser) truncate names at a NUL, accept `12x` as a
 * number, let a pax size override the header's, and stop at the end mark. Two tools may therefore read different trees from the same
 * file. This reader treats every ambiguity as an error.
 * @throws Error if it is damaged, SOURCE_ARCHIVE_UNSAFE if an entry's headers contradict each other or exceed the limits
 */
export async function* readTar(
  chunks: AsyncIterable<Buffer>,
  limits: Limits,
  onCommit: (commit: string) => void,
): AsyncGenerator<TarEntry> {
  const blocks = new BlockReader(chunks);
  let overrides: Overrides = {};
  let total = 0;
  for (let count = 0; ; ) {
    const block = await blocks.take(BLOCK);
    if (isZero(block)) {
      if (Object.keys(overrides).length > 0) throw new Error('a long name without an entry');
      if (!isZero(await blocks.take(BLOCK))) throw new Error('the second end-of-archive block is missing');
      return blocks.expectOnlyZeros();
    }
    const header = parseHeader(block);
    count += 1;
    // Extended headers count, too: a million of them are as slow as a million files.
    if (count > limits.entries) throw tarLimit(header.name, `more than ${limits.entries} entries`);
    if ('xgLK'.includes(header.type)) {
      if (header.size > META_BYTES) throw unsafe(header.name, 'is too large an extended header');
      const body = await blocks.takePadded(header.size);
      if (header.type === 'g') {
        const commit = parsePax(body, header.name, true).comment;
        if (commit !== undefined && /^[0-9a-f]{40}$/.test(commit)) onCommit(commit);
      } else addOverride(overrides, header, body);
      continue;
    }
    const entry = apply(header, overrides);
    overrides = {};
    if (header.size > limits.fileBytes)
      throw tarLimit(entry.name, `a file of more than ${limits.fileBytes} bytes`);
    total += header.size;
    if (total > limits.totalBytes) throw tarLimit(entry.name, `more than ${limits.totalBytes} bytes`);
    yield { ...entry, content: await blocks.takePadded(header.size) };
  }
}

function addOverride(overrides: Overrides, header: RawHeader, body: Buffer): void {
  const key = header.type === 'x' ? 'pax' : header.type === 'L' ? 'longName' : 'longTarget';
  if (overrides[key] !== undefined) throw unsafe(header.name, 'is the second extended header of its kind');
  if (key === 'pax') overrides.pax = parsePax(body, header.name, false);
  else overrides[key] = textOf(body.at(-1) === 0 ? body.subarray(0, -1) : body, header.name);
}

function apply(header: RawHeader, { pax = {}, longName, longTarget }: Overrides): Omit<TarEntry, 'content'> {
  const { name, type, mode } = header;
  if (pax.path !== undefined && longName !== undefined)
    throw unsafe(pax.path, `has a second long name, ${longName}`);
  if (pax.linkpath !== undefined && longTarget !== undefined)
    throw unsafe(pax.path ?? name, 'has two long link targets');
  const result = {
    name: pax.path ?? longName ?? name,
    type,
    mode,
    mtime: pax.mtime ?? header.mtime,
    target: pax.linkpath ?? longTarget ?? header.target,
  };
  if (pax.size !== undefined && pax.size !== header.size)
    throw unsafe(result.name, `has the size ${header.size} in one header and ${pax.size} in another`);
  return result;
}

function parseHeader(block: Buffer): RawHeader {
  if (numberOf(block, 148, 8) !== checksum(block)) throw new Error('a header has a wrong checksum');
  const magic = block.toString('latin1', 257, 265);
  if (magic !== 'ustar\x0000' && magic !== 'ustar  \0') throw new Error('a header has no ustar magic');
  const own = fieldOf(block, 0, 100);
  // GNU's format stores times where POSIX has the prefix.
  const prefix = magic === 'ustar\x0000' ? fieldOf(block, 345, 155) : '';
  const name = prefix === '' ? own : `${prefix}/${own}`;
  const flag = block.toString('latin1', 156, 157);
  return {
    name,
    type: flag === '\0' ? '0' : flag,
    mode: numberOf(block, 100, 8),
    size: numberOf(block, 124, 12),
    mtime: numberOf(block, 136, 12),
    target: fieldOf(block, 157, 100),
  };
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  return sum;
}

/** Parses octal digits that end with a space or NUL. GNU's binary numbers, for sizes from 8 GiB and times before 1970, are refused. */
function numberOf(block: Buffer, offset: number, length: number): number {
  const text = block.toString('latin1', offset, offset + length);
  if (!/^ *[0-7]*[ \0]*$/.test(text)) throw new Error('a header has a malformed number');
  const digits = text.replace(/[ \0]/g, '');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** A text field up to its first NUL. All bytes after that must be zero. */
function fieldOf(block: Buffer, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  const text = textOf(end < 0 ? field : field.subarray(0, end), field.toString('latin1'));
  if (end >= 0 && !isZero(field.subarray(end)))
    throw unsafe(text, 'has a NUL in its name, followed by other characters');
  return text;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** Compares in chunks: a callback per byte would take seconds for a decompression bomb. */
function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}

/** Reads a stream in pieces of any size. */
class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Reads exactly `size` bytes. @throws Error if the stream ends before */
  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = size;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new Error('the archive is truncated');
        this.#rest = next.value;
        continue;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  /** Reads an entry's content and discards the padding of its last block. */
  async takePadded(size: number): Promise<Buffer> {
    // Copied, because a view would keep the whole decompressed chunk in memory.
    const content = Buffer.from(await this.take(size));
    const padding = await this.take((BLOCK - (size % BLOCK)) % BLOCK);
    if (!isZero(padding)) throw new Error('the padding of an entry contains data');
    return content;
  }

  async expectOnlyZeros(): Promise<void> {
    for (let chunk = this.#rest; ; ) {
      if (!isZero(chunk)) throw new Error('there is data after the end of the archive');
      const next = await this.#chunks.next();
      if (next.done === true) return;
      chunk = next.value;
    }
  }
}
