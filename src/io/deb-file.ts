import { open, readFile, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { messageOf, TurnbuildError } from '../errors.ts';
import type { Exec } from './exec.ts';
import { readTar } from './tar-blocks.ts';
import { withUnpacked } from './unpacked-file.ts';

/** Fields of a package's control file; continuation lines are joined by spaces. */
export type DebControl = Readonly<Record<string, string>>;

/** Far larger than coturn's packages, which are read into memory. */
const MAX_BYTES = 256 * 1024 * 1024;
const MAX_CONTROL_BYTES = 16 * 1024 * 1024;
const LIMITS = { entries: 1000, totalBytes: MAX_CONTROL_BYTES, fileBytes: MAX_CONTROL_BYTES };
/** dpkg knows three members and skips those whose names begin with an underscore. */
const MAX_MEMBERS = 100;
const AR_MAGIC = '!<arch>\n';
const AR_HEADER = 60;
/** Maximum characters of the fields in `GRAMMAR`: a file name has at most 255 bytes and contains three of them. */
const MAX_FIELD = 100;
/** Fields used in file names and reports. @see deb-control(5), deb-version(7) */
const GRAMMAR = {
  Package: /^[a-z0-9][a-z0-9+.-]+$/,
  Version: /^(\d+:)?\d[A-Za-z0-9.+~]*([-A-Za-z0-9.+~]*-[A-Za-z0-9.+~]+)?$/,
  Architecture: /^[a-z0-9]+(-[a-z0-9]+)*$/,
};
/** Magic numbers of other file types, in hexadecimal. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^edabeedb/, 'an .rpm'],
  [/^504b0304/, 'a ZIP archive'],
  [/^(1f8b|fd377a58|425a68|28b52ffd)/, 'a compressed file'],
  [/^7f454c46/, 'a program'],
];

/**
 * Reads the control file of a binary package, deb(5): an ar archive with debian-binary and control.tar, optionally compressed with gzip, xz
 * or zstd.
 * @throws DEB_NOT_FOUND, DEB_INVALID, XZ_MISSING, ZSTD_MISSING
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
      throw new Error('it has no data.tar; the file may be truncated');
    return parseControl(await controlFile(await unpack(control, exec)));
  } catch (error) {
    if (error instanceof TurnbuildError && error.code !== 'SOURCE_ARCHIVE_UNSAFE') throw error;
    throw invalid(file, messageOf(error));
  }
}

async function readPackage(file: string): Promise<Buffer> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new TurnbuildError('DEB_NOT_FOUND', `File not found: ${file}`);
  });
  if (!found.isFile()) throw invalid(file, 'it is not a regular file');
  if (found.size > MAX_BYTES) throw invalid(file, `it is too large (${found.size} bytes)`);
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    const begin = buffer.subarray(0, bytesRead);
    const other = OTHERS.find(([pattern]) => pattern.test(begin.toString('hex')))?.[1];
    if (begin.toString('latin1') !== AR_MAGIC)
      throw invalid(file, other === undefined ? 'it is not an ar archive' : `it is ${other}`);
  } finally {
    await handle.close();
  }
  return readFile(file);
}

function invalid(file: string, why: string): TurnbuildError {
  return new TurnbuildError('DEB_INVALID', `${file} is not a valid Debian package: ${why}`, {
    hint: 'Pass a .deb, for example one from a release or from `apt-get download coturn`.',
  });
}

interface Member {
  name: string;
  content: Buffer;
}

/** deb(5): a name has 16 bytes, a size ten decimal digits; each member begins at an even offset. */
function arMembers(bytes: Buffer): Member[] {
  const members: Member[] = [];
  for (let at = AR_MAGIC.length; at < bytes.length; ) {
    const header = bytes.toString('latin1', at, at + AR_HEADER);
    const size = /^(.{16}).{32}(\d+) *`\n$/.exec(header);
    if (size === null) throw new Error('a member has an invalid header');
    if (members.length === MAX_MEMBERS) throw new Error(`it has more than ${MAX_MEMBERS} members`);
    const end = at + AR_HEADER + Number(size[2]);
    if (end > bytes.length) throw new Error('it is truncated');
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
      return gunzipped(content);
    case 'control.tar.zst':
      return withUnpacked(content, { format: 'zstd', exec, maxBytes: MAX_CONTROL_BYTES }, (path) =>
        readFile(path),
      );
    case 'control.tar.xz':
      return withUnpacked(content, { format: 'xz', exec, maxBytes: MAX_CONTROL_BYTES }, (path) =>
        readFile(path),
      );
    default:
      throw new Error(`its ${name} has an unknown compression format`);
  }
}

function gunzipped(content: Buffer): Buffer {
  try {
    return gunzipSync(content, { maxOutputLength: MAX_CONTROL_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    throw new Error('its control files unpack to more than 16 MiB');
  }
}

async function controlFile(tar: Buffer): Promise<string> {
  const found: string[] = [];
  for await (const { name, content } of readTar(Readable.from([tar]), LIMITS, () => {}))
    if (posix.normalize(`/${name}`) === '/control') found.push(content.toString());
  // dpkg would use the last one.
  if (found.length > 1) throw new Error('its control.tar has more than one control file');
  const [text] = found;
  if (text === undefined) throw new Error('its control.tar has no control file');
  return text;
}

/** Refuses the same errors as dpkg-deb, and control characters. @see deb822(5) */
function parseControl(text: string): DebControl {
  const fields: Record<string, string> = {};
  const seen = new Set<string>();
  const lines = text.split('\n');
  let last = '';
  let ended = false;
  for (const [index, line] of lines.entries()) {
    if (line === '') {
      ended = last !== '';
      continue;
    }
    if (ended) throw new Error('its control file has more than one paragraph');
    // Only one repetition: a second one after it would backtrack quadratically.
    const name = /^(?!-)[!-9;-~]+(?=:)/.exec(line)?.[0];
    if (name !== undefined) {
      const key = name.toLowerCase();
      if (seen.has(key)) throw new Error(`its control file has more than one ${shortened(name)}`);
      seen.add(key);
      last = name;
      fields[last] = line.slice(name.length + 1).trim();
    } else if (last !== '' && /^[ \t]/.test(line) && line.trim() !== '')
      fields[last] = `${fields[last]} ${line.trim()}`;
    else throw new Error(`line ${index + 1} of its control file, "${shortened(line)}", is not a field`);
  }
  for (const [name, grammar] of Object.entries(GRAMMAR)) {
    const value = fields[name] ?? '';
    if (value === '') throw new Error(`its control file has no ${name}`);
    // The version pattern takes quadratic time, so the length is limited.
    if (value.length > MAX_FIELD || !grammar.test(value))
      throw new Error(`its ${name} "${shortened(value)}" is invalid`);
  }
  const control = lines.findIndex((line) => /[^\P{Cc}\t]/u.test(line));
  if (control >= 0) throw new Error(`line ${control + 1} of its control file has a control character`);
  return fields;
}

function shortened(text: string): string {
  return text.length > MAX_FIELD ? `${text.slice(0, MAX_FIELD)}…` : text;
}
