import { TurnbuildError } from '../errors.ts';

/** Number of leading bytes that identify a format: a tar's magic is at offset 257. */
export const BEGIN = 512;

/** Leading bytes in hexadecimal -> the format's name, and the command that converts a file to a tar. */
const MAGIC: readonly (readonly [RegExp, string, ((file: string) => string)?])[] = [
  [/^1f8b/, 'a gzip file', (file) => `gzip -dc ${file} > coturn.tar`],
  [/^fd377a585a00/, 'an xz file', (file) => `xz -dc ${file} > coturn.tar`],
  [/^28b52ffd/, 'a Zstandard file', (file) => `zstd -dc ${file} > coturn.tar`],
  [/^425a68[31-39]/, 'a bzip2 file', (file) => `bzip2 -dc ${file} > coturn.tar`],
  [/^04224d18/, 'an LZ4 file', (file) => `lz4 -dc ${file} > coturn.tar`],
  [/^5d0000/, 'an LZMA file', (file) => `xz --format=lzma -dc ${file} > coturn.tar`],
  [/^4c5a4950/, 'an lzip file', (file) => `lzip -dc ${file} > coturn.tar`],
  [/^1f9d/, 'a file packed by compress', (file) => `gzip -dc ${file} > coturn.tar`],
  [/^504b0(304|506)/, 'a ZIP archive', (file) => `unzip ${file} -d DIR && tar -cf coturn.tar -C DIR .`],
  [/^377abcaf271c/, 'a 7z archive', (file) => `7z x -oDIR ${file} && tar -cf coturn.tar -C DIR .`],
  [/^526172211a07/, 'a RAR archive', (file) => `unrar x ${file} DIR/ && tar -cf coturn.tar -C DIR .`],
  [/^edabeedb/, 'an .rpm package'],
  [/^7f454c46/, 'a program (ELF)'],
  [/^25504446/, 'a PDF document'],
];

/** The same for formats that begin with text. */
const TEXT: readonly (readonly [RegExp, string, ((file: string) => string)?])[] = [
  [
    /^# v\d git bundle/,
    'a Git bundle',
    (file) => `git clone ${file} DIR && git -C DIR archive --prefix=coturn/ -o coturn.tar HEAD`,
  ],
  [/^!<arch>\ndebian-binary/, 'a .deb package'],
  [/^!<arch>\n/, 'an ar archive'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer, not the file itself'],
  [/^\s*(<!--[\s\S]*?-->\s*)?<(!doctype html|html|head|body)/i, 'a web page'],
];

export interface FileFormat {
  what: string;
  /** The command that converts the file to a tar. */
  toTar?: string;
}

/** A file's format, by its first bytes; undefined for a tar and for unknown bytes. */
export function formatOf(begin: Buffer, file: string): FileFormat | undefined {
  if (begin.length === 0) return { what: 'empty' };
  if (begin.length >= 262 && begin.toString('latin1', 257, 262) === 'ustar') return undefined;
  const hex = begin.subarray(0, 8).toString('hex');
  const text = begin.toString('utf8');
  const [, what, toTar] =
    MAGIC.find(([pattern]) => pattern.test(hex)) ?? TEXT.find(([pattern]) => pattern.test(text)) ?? [];
  if (what !== undefined) return { what, ...(toTar === undefined ? {} : { toTar: toTar(file) }) };
  return isText(text)
    ? { what: `text that begins with ${JSON.stringify(text.trim().slice(0, 60))}` }
    : undefined;
}

/** Text has no control characters; every tar header has some. */
const isText = (text: string) => !/[^\t\n\r\P{Cc}]|\ufffd(?!$)/u.test(text);

/** The error for a file in another format. */
export function notTar(file: string, { what, toTar }: FileFormat): TurnbuildError {
  return new TurnbuildError(
    'SOURCE_NOT_TAR',
    `${file} is ${what}: expected a .tar.gz, .tar.xz, .tar.zst or .tar`,
    {
      hint:
        toTar === undefined
          ? "Get a tarball of coturn's sources, and check the URL that the file came from."
          : `Convert it and use the result: ${toTar}`,
    },
  );
}

/** Checks the format of unpacked data before it is read as a tar. */
export async function* recognised(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  file: string,
  packed: string,
): AsyncGenerator<Buffer> {
  let begin: Buffer | undefined = Buffer.alloc(0);
  const check = (bytes: Buffer) => {
    const format = formatOf(bytes, 'FILE');
    if (format !== undefined) throw notTar(file, { what: `${format.what}, packed with ${packed}` });
  };
  for await (const chunk of chunks) {
    if (begin === undefined) yield chunk;
    else {
      begin = Buffer.concat([begin, chunk]);
      if (begin.length < BEGIN) continue;
      check(begin.subarray(0, BEGIN));
      yield begin;
      begin = undefined;
    }
  }
  if (begin === undefined) return;
  check(begin);
  yield begin;
}
