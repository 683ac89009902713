import { open, readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { messageOf, TurnbuildError } from '../errors.ts';
import type { Exec } from './exec.ts';
import { readTar } from './tar-blocks.ts';
import { withUnxz } from './unxz.ts';

/** Fields of a package's control file; continuation lines are joined by spaces. */
export type DebControl = Readonly<Record<string, string>>;

/** Far more than coturn's few; a package is read into memory. */
const MAX_BYTES = 256 * 1024 * 1024;
const MAX_CONTROL_BYTES = 16 * 1024 * 1024;
const LIMITS = { entries: 1000, totalBytes: MAX_CONTROL_BYTES, fileBytes: MAX_CONTROL_BYTES };
const AR_MAGIC = '!<arch>\n';
const AR_HEADER = 60;
/** Fields that become names of files and text in reports. @see deb-control(5), deb-version(7) */
const GRAMMAR = {
  Package: /^[a-z0-9][a-z0-9+.-]+$/,
  Version: /^(\d+:)?\d[A-Za-z0-9.+~]*([-A-Za-z0-9.+~]*-[A-Za-z0-9.+~]+)?$/,
  Architecture: /^[a-z0-9]+(-[a-z0-9]+)*$/,
};
/** First bytes of other files, in hexadecimal digits -> what they are. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^edabeedb/, 'an .rpm'],
  [/^504b0304/, 'a ZIP archive'],
  [/^(1f8b|fd377a58|425a68|28b52ffd)/, 'a compressed file'],
  [/^7f454c46/, 'a program'],
];

/**
 * Reads the control file of a binary package, deb(5): an ar archive with debian-binary and control.tar, which may be packed
 * by gzip, xz or zstd.
 * @throws DEB_NOT_FOUND, DEB_INVALID
 */
export async function readDebControl(file: string, exec: Exec): Promise<DebControl> {
  const bytes = await readPackage(file);
  try {
    const members = arMembers(bytes);
    const [first, control] = members;
    if (first?.name !== 'debian-binary' || !first.content.toString().startsWith('2.'))
      throw new Error('it has no debian-binary of version 2');
    if (control === undefined || !control.name.startsWith('control.tar'))
      throw new Error('it has no control.tar');
    if (!members.some(({ name }) => name.startsWith('data.tar')))
      throw new Error('it has no data.tar: is it cut?');
    return parseControl(await controlFile(await unpack(control, exec)));
  } catch (error) {
    if (error instanceof TurnbuildError) throw error;
    throw invalid(file, messageOf(error));
  }
}

async function readPackage(file: string): Promise<Buffer> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new TurnbuildError('DEB_NOT_FOUND', `There is no file ${file}`);
  });
  if (!found.isFile()) throw invalid(file, 'it is no file');
  if (found.size > MAX_BYTES) throw invalid(file, `it has ${found.size} bytes`);
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    const begin = buffer.subarray(0, bytesRead);
    const other = OTHERS.find(([pattern]) => pattern.test(begin.toString('hex')))?.[1];
    if (begin.toString('latin1') !== AR_MAGIC)
      throw invalid(file, other === undefined ? 'it is no ar archive' : `it is ${other}`);
  } finally {
    await handle.close();
  }
  return readFile(file);
}

function invalid(file: string, why: string): TurnbuildError {
  return new TurnbuildError('DEB_INVALID', `${file} is no Debian package: ${why}`, {
    hint: 'Give a .deb, as a release or `apt-get download coturn` makes it.',
  });
}

interface Member {
  name: string;
  content: Buffer;
}

/** deb(5): names are 16 bytes, sizes ten decimal digits; each member begins at an even place. */
function arMembers(bytes: Buffer): Member[] {
  const members: Member[] = [];
  for (let at = AR_MAGIC.length; at < bytes.length; ) {
    const header = bytes.toString('latin1', at, at + AR_HEADER);
    const size = /^(.{16}).{32}(\d+) *`\n$/.exec(header);
    if (size === null) throw new Error('a member has no header');
    const end = at + AR_HEADER + Number(size[2]);
    if (end > bytes.length) throw new Error('it is cut');
    members.push({
      name: (size[1] ?? '').trim().replace(/\/$/, ''),
      content: bytes.subarray(at + AR_HEADER, end),
    });
    at = end + (end % 2);
  }
  return members;
}

async function unpack({ name, content }: Member, exec: Exec): Promise<Buffer> {
  switch (name) {
    case 'control.tar':
      return content;
    case 'control.tar.gz':
      return gunzipSync(content, { maxOutputLength: MAX_CONTROL_BYTES });
    case 'control.tar.zst':
      return unzstd(content);
    case 'control.tar.xz':
      return withUnxz(content, { exec, maxBytes: MAX_CONTROL_BYTES }, (path) => readFile(path));
    default:
      throw new Error(`its ${name} is packed in an unknown way`);
  }
}

/** Piece by piece, because a few kilobytes can expand to gigabytes; and frame by frame, because each one asks for memory of its own. */
function unzstd(content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for (const frame of framesOf(content)) {
    if (windowOf(frame) > MAX_CONTROL_BYTES) throw new Error('its control.tar.zst asks for too much memory');
    const stream = new Decompress((piece) => {
      bytes += piece.length;
      if (bytes > MAX_CONTROL_BYTES)
        throw new Error(`its control.tar is larger than ${MAX_CONTROL_BYTES} bytes`);
      pieces.push(Buffer.from(piece));
    });
    stream.push(frame, true);
  }
  return Buffer.concat(pieces);
}

const ZSTD_MAGIC = 0xfd2fb528;
/** Of a block of this type a single byte is stored (RFC 8878, 3.1.1.2.2). */
const RLE_BLOCK = 1;

/** The Zstandard frames of a file (RFC 8878, 3.1.1). */
function* framesOf(content: Buffer): Generator<Buffer> {
  let begin = 0;
  while (begin < content.length) {
    const frame = content.subarray(begin);
    if (frame.length < 6 || frame.readUInt32LE() !== ZSTD_MAGIC)
      throw new Error('its control.tar.zst is damaged');
    const descriptor = frame[4] ?? 0;
    let at = headerBytes(descriptor);
    for (let last = false; !last; ) {
      if (at + 3 > frame.length) throw new Error('its control.tar.zst is cut');
      const header = frame.readUIntLE(at, 3);
      last = (header & 1) === 1;
      at += 3 + (((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3);
    }
    const hasChecksum = (descriptor & 4) !== 0;
    begin += at + (hasChecksum ? 4 : 0);
    yield frame.subarray(0, begin - content.length + frame.length);
  }
}

/** Bytes of a frame's header with this descriptor: magic, descriptor, window, dictionary id, content size (RFC 8878, 3.1.1.1). */
function headerBytes(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingle ? 0 : 1) + dictionaryBytes(descriptor) + sizeBytes;
}

const dictionaryBytes = (descriptor: number) => [0, 1, 2, 4][descriptor & 3] ?? 0;

/** Bytes that a decoder of a frame sets aside: the window's, or of a single segment the content's. RFC 8878, 3.1.1.1. */
function windowOf(content: Buffer): number {
  const descriptor = content[4] ?? 0;
  if ((descriptor & 0x20) === 0) {
    const window = content[5] ?? 0;
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  const at = 5 + dictionaryBytes(descriptor);
  const size = descriptor >> 6;
  const padded = Buffer.concat([content.subarray(at, at + 8), Buffer.alloc(8)]);
  if (size === 0) return padded.readUInt8();
  if (size === 1) return padded.readUInt16LE() + 256;
  return size === 2 ? padded.readUInt32LE() : Number(padded.readBigUInt64LE());
}

async function controlFile(tar: Buffer): Promise<string> {
  for await (const { name, content } of readTar(Readable.from([tar]), LIMITS, () => {}))
    if (name === './control' || name === 'control') return content.toString();
  throw new Error('its control.tar has no control file');
}

function parseControl(text: string): DebControl {
  const fields: Record<string, string> = {};
  let last = '';
  for (const line of text.split('\n')) {
    const field = /^([!-9;-~]+):\s*(.*)$/.exec(line);
    if (field !== null) {
      last = field[1] ?? '';
      fields[last] = field[2] ?? '';
    } else if (/^[ \t]/.test(line)) fields[last] = `${fields[last]} ${line.trim()}`;
  }
  for (const [name, grammar] of Object.entries(GRAMMAR)) {
    if ((fields[name] ?? '') === '') throw new Error(`its control file has no ${name}`);
    if (!grammar.test(fields[name] ?? '')) throw new Error(`its ${name} "${fields[name]}" is invalid`);
  }
  return fields;
}
