import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { diskFullError, TurnbuildError } from '../errors.ts';
import type { Exec } from './exec.ts';
import { diskErrors, naming } from './files.ts';

export interface UnpackOptions {
  format: keyof typeof FORMATS;
  exec: Exec;
  /** The program is stopped when it has written this many bytes. */
  maxBytes: number;
  /** Name of the source in error messages. */
  shown?: string;
}

/**
 * Separate programs, because they are fast and their memory can be limited. The limits suffice for all standard compression levels (xz -9
 * needs 65 MiB, zstd --ultra -22 needs 128 MiB).
 */
const FORMATS = {
  xz: { suffix: 'xz', limit: '--memlimit-decompress=256MiB', missing: 'XZ_MISSING', package: 'xz-utils' },
  zstd: { suffix: 'zst', limit: '--memory=134217728', missing: 'ZSTD_MISSING', package: 'zstd' },
} as const;
const WATCH_MS = 20;

/**
 * Decompresses a file or buffer into a temporary folder, calls `use` with the result's path, and removes it. Node 20 supports neither xz nor
 * Zstandard, and `exec` decodes output as text, so the program writes a file.
 * @throws XZ_MISSING, ZSTD_MISSING, DISK_FULL, SOURCE_ARCHIVE_UNSAFE if it is larger than `maxBytes`, or unpacks to more, Error if it is damaged
 */
export async function withUnpacked<T>(
  source: string | Buffer,
  { format, exec, maxBytes, shown = typeof source === 'string' ? source : 'its content' }: UnpackOptions,
  use: (unpacked: string) => Promise<T>,
): Promise<T> {
  const { suffix, limit, missing, package: name } = FORMATS[format];
  // Callers take other errors for those of a damaged file.
  const dir = await diskErrors(mkdtemp(join(tmpdir(), `turnbuild-${format}-`)));
  const packed = `content.${suffix}`;
  const unpacked = join(dir, 'content');
  const tooLarge = new AbortController();
  const watch = setInterval(() => {
    stat(unpacked).then(
      ({ size }) => size > maxBytes && tooLarge.abort(),
      () => {},
    );
  }, WATCH_MS);
  const refuse = (what: string) =>
    new TurnbuildError(
      'SOURCE_ARCHIVE_UNSAFE',
      `The tar file is malicious or damaged: ${shown} ${what} more than ${maxBytes} bytes`,
    );
  try {
    if (typeof source === 'string') await symlink(resolve(source), join(dir, packed));
    else await diskErrors(naming(join(dir, packed), writeFile(join(dir, packed), source)));
    // Millions of empty blocks would also take long.
    if ((await stat(join(dir, packed))).size > maxBytes) throw refuse('has');
    // --force: accept links. --keep: keep the source. --no-sparse: otherwise the watched size would not grow with the output.
    const options = ['--decompress', '--keep', '--force', '--quiet', '--no-sparse', limit];
    const result = await exec(
      { file: format, args: [...options, packed], cwd: dir, effect: 'read' },
      { signal: tooLarge.signal },
    ).catch((error: unknown) => Promise.reject(tooLarge.signal.aborted ? refuse('unpacks to') : error));
    if (result.code === 127)
      throw new TurnbuildError(missing, `${shown} is compressed with ${format}, which is not installed`, {
        hint: `Install it: apt-get install ${name}`,
      });
    if (/no space left on device/i.test(result.stderr))
      throw diskFullError({ code: 'ENOSPC', path: unpacked });
    if (result.code !== 0)
      throw new Error(`${format} failed: ${result.stderr.trim().replaceAll(packed, shown)}`);
    if ((await stat(unpacked)).size > maxBytes) throw refuse('unpacks to');
    return await use(unpacked);
  } finally {
    clearInterval(watch);
    await rm(dir, { recursive: true, force: true });
  }
}
