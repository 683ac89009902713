import { unsafe } from './tar-rules.ts';

/** The pax records that count here (pax(1), "pax Extended Header"). */
export interface Pax {
  path?: string;
  linkpath?: string;
  size?: number;
  /** Unix seconds. */
  mtime?: number;
  comment?: string;
}

/** Records that say nothing about what a file is or where it goes. */
const IGNORED =
  /^(atime|ctime|uid|gid|uname|gname|comment|mtime|LIBARCHIVE\..+|SCHILY\.(dev|ino|nlink|fflags|xattr\..+))$/;
/** What redirects entries; `git archive` writes only a comment into a header for all entries. */
const PER_ENTRY = /^(path|linkpath|size)$/;

/**
 * Parses pax records, `LENGTH KEY=VALUE\n` each; LENGTH counts the whole record in bytes.
 * @throws Error if they are malformed, SOURCE_ARCHIVE_UNSAFE for records that are there twice or aren't known
 */
export function parsePax(body: Buffer, entry: string, global: boolean): Pax {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = body.toString('latin1', at, Math.max(at, space));
    const end = at + Number(digits);
    if (!/^[1-9]\d{0,8}$/.test(digits) || end > body.length || end <= space || body[end - 1] !== 0x0a)
      throw new Error('a pax record is malformed');
    const record = textOf(body.subarray(space + 1, end - 1), entry);
    const equals = record.indexOf('=');
    const key = record.slice(0, Math.max(equals, 0));
    if (key === '') throw new Error('a pax record has no name');
    if (records.has(key)) throw unsafe(entry, `says ${key} twice`);
    if (global ? PER_ENTRY.test(key) || !IGNORED.test(key) : !PER_ENTRY.test(key) && !IGNORED.test(key))
      throw unsafe(entry, `has a ${JSON.stringify(key)} record, which sources have no use for`);
    records.set(key, record.slice(equals + 1));
    at = end;
  }
  return valuesOf(records);
}

function valuesOf(records: ReadonlyMap<string, string>): Pax {
  const pax: Pax = {};
  for (const key of ['path', 'linkpath', 'comment'] as const) {
    const value = records.get(key);
    if (value !== undefined) pax[key] = value;
  }
  const size = records.get('size');
  if (size !== undefined) {
    if (!/^\d{1,15}$/.test(size)) throw new Error('a pax size is malformed');
    pax.size = Number(size);
  }
  const mtime = records.get('mtime');
  if (mtime !== undefined) {
    if (!/^\d{1,11}(\.\d*)?$/.test(mtime)) throw new Error('a pax mtime is malformed');
    pax.mtime = Math.floor(Number(mtime));
  }
  return pax;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes as text. Names in another encoding mean different files on different systems, so they are refused. */
export function textOf(bytes: Buffer, entry: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw unsafe(entry, 'has a name or record that is not UTF-8');
  }
}
