/** The fields of a tar header, which can all be wrong on purpose. Unset fields are those of a regular file. */
export interface HeaderFields {
  name?: string | Buffer;
  type?: string;
  mode?: number;
  size?: number;
  /** Unix seconds. */
  mtime?: number;
  target?: string;
  prefix?: string;
  /** `posix` (default), `gnu`, or 8 bytes. */
  magic?: string;
  /** Bytes to put at an offset before the checksum is computed. */
  raw?: readonly [offset: number, bytes: string | Buffer][];
  /** Added to the correct checksum. */
  checksumError?: number;
}

const BLOCK = 512;
const MAGIC: Record<string, string> = { posix: 'ustar\x0000', gnu: 'ustar  \0' };
export const MTIME = 1_600_000_000;

/** One 512-byte header, built without a library, which could refuse invalid fields. */
export function header(fields: HeaderFields = {}): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (offset: number, length: number, value: string | Buffer) =>
    Buffer.from(value).copy(block, offset, 0, length);
  const octal = (offset: number, length: number, value: number) =>
    put(offset, length, `${value.toString(8).padStart(length - 1, '0')}\0`);
  put(0, 100, fields.name ?? 'coturn/file');
  octal(100, 8, fields.mode ?? 0o644);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, fields.size ?? 0);
  octal(136, 12, fields.mtime ?? MTIME);
  put(156, 1, fields.type ?? '0');
  put(157, 100, fields.target ?? '');
  put(257, 8, MAGIC[fields.magic ?? 'posix'] ?? fields.magic ?? '');
  put(345, 155, fields.prefix ?? '');
  for (const [offset, bytes] of fields.raw ?? []) put(offset, BLOCK - offset, bytes);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0) + (fields.checksumError ?? 0);
  put(148, 8, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** A header and its content, padded to whole blocks. The size is the content's unless the fields set another. */
export function entry(fields: HeaderFields, content: string | Buffer = ''): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([
    header({ size: body.length, ...fields }),
    body,
    Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK),
  ]);
}

export const file = (name: string, content: string | Buffer = 'x', fields: HeaderFields = {}) =>
  entry({ name, ...fields }, content);
export const folder = (name: string, fields: HeaderFields = {}) =>
  entry({ name: `${name}/`, type: '5', mode: 0o755, ...fields });
export const link = (name: string, target: string, fields: HeaderFields = {}) =>
  entry({ name, type: '2', target, mode: 0o777, ...fields });

/** A pax extended header; `g` applies to all following entries. */
export function pax(records: readonly [string, string | Buffer][], type: 'x' | 'g' = 'x'): Buffer {
  const body = records.map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length += 1;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return entry({ name: 'PaxHeader', type }, Buffer.concat(body));
}

/** GNU's long name (`L`) or long link target (`K`) of the next entry. */
export function gnuLong(type: 'L' | 'K', text: string | Buffer): Buffer {
  return entry(
    { name: '././@LongLink', type, magic: 'gnu' },
    Buffer.concat([Buffer.from(text), Buffer.alloc(1)]),
  );
}

/** Entries in the top-level folder `coturn/`, and the end marker. */
export function tarOf(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([folder('coturn'), ...parts, Buffer.alloc(2 * BLOCK)]);
}
