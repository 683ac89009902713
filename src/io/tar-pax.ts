import { unsafe } from './tar-rules.ts';

/** The pax records in use (pax(1), "pax Extended Header"). */
export interface Pax {
  path?: string;
  linkpath?: string;
  size?: number;
  /** Unix seconds. */
  mtime?: number;
  comment?: string;
}

/** Records that do not affect a file's content or path. */
const IGNORED =
  /^(atime|ctime|uid|gid|uname|gname|comment|mtime|LIBARCHIVE\..+|SCHILY\.(dev|ino|nlink|fflags|xattr\..+))$/;
/** Records that redirect entries. They are refused in global headers, where `git archive` writes only a comment. */
const PER_ENTRY = /^(path|linkpath|size)$/;

/**
 * Parses pax records of the form `LENGTH KEY=VALUE\n`. LENGTH is the size of the whole record in bytes.
 * @throws Error if a record is malformed, SOURCE_ARCHIVE_UNSAFE for duplicate or unknown records
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
    if (records.has(key)) throw unsafe(entry, `has two ${key} records`);
    if (global ? PER_ENTRY.test(key) || !IGNORED.test(key) : !PER_ENTRY.test(key) && !IGNORED.test(key))
      throw unsafe(entry, `has a ${JSON.stringify(key)} record, which sources do not need`);
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

/** Decodes UTF-8. Refuses other encodings, because such names mean different files on different systems. */
export function textOf(bytes: Buffer, entry: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw unsafe(entry, 'has a name or record that is not UTF-8');
  }
}
