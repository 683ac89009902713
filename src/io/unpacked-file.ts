import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import type { Exec } from './exec.ts';

export interface UnpackOptions {
  format: keyof typeof FORMATS;
  exec: Exec;
  /** The program is stopped when it has written this many bytes. */
  maxBytes: number;
  /** What errors call the bytes. */
  shown?: string;
}

/**
 * Programs of their own, because they are fast and bounded whatever they get. Memory: what any file needs that was packed with the usual
 * options (xz -9 takes 65 MiB, zstd --ultra -22 128).
 */
const FORMATS = {
  xz: { suffix: 'xz', limit: '--memlimit-decompress=256MiB', missing: 'XZ_MISSING', package: 'xz-utils' },
  zstd: { suffix: 'zst', limit: '--memory=134217728', missing: 'ZSTD_MISSING', package: 'zstd' },
} as const;
const WATCH_MS = 20;

/**
 * Unpacks a file, or the bytes of one, into a temporary folder, gives the result's path to `use`, and removes it. Node 20 has neither xz nor
 * Zstandard of its own, and a process's output arrives as text, so it goes through a file.
 * @throws XZ_MISSING, ZSTD_MISSING, SOURCE_ARCHIVE_UNSAFE if it is larger than `maxBytes`, or unpacks to more, Error if it is damaged
 */
export async function withUnpacked<T>(
  source: string | Buffer,
  { format, exec, maxBytes, shown = typeof source === 'string' ? source : 'its content' }: UnpackOptions,
  use: (unpacked: string) => Promise<T>,
): Promise<T> {
  const { suffix, limit, missing, package: name } = FORMATS[format];
  const dir = await mkdtemp(join(tmpdir(), `turnbuild-${format}-`));
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
    else await writeFile(join(dir, packed), source);
    // Millions of blocks of nothing take time as well.
    if ((await stat(join(dir, packed))).size > maxBytes) throw refuse('has');
    // --force: links are left alone otherwise. --keep: the source stays. --no-sparse: the size of a sparse file shows only at its end.
    const options = ['--decompress', '--keep', '--force', '--quiet', '--no-sparse', limit];
    const result = await exec(
      { file: format, args: [...options, packed], cwd: dir, effect: 'read' },
      { signal: tooLarge.signal },
    ).catch((error: unknown) => Promise.reject(tooLarge.signal.aborted ? refuse('unpacks to') : error));
    if (result.code === 127)
      throw new TurnbuildError(missing, `${shown} is compressed with ${format}, which is not installed`, {
        hint: `Install it: apt-get install ${name}`,
      });
    if (result.code !== 0)
      throw new Error(`${format} says: ${result.stderr.trim().replaceAll(packed, shown)}`);
    if ((await stat(unpacked)).size > maxBytes) throw refuse('unpacks to');
    return await use(unpacked);
  } finally {
    clearInterval(watch);
    await rm(dir, { recursive: true, force: true });
  }
}
