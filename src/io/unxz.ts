import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import type { Exec } from './exec.ts';

export interface UnxzOptions {
  exec: Exec;
  /** xz is stopped when it has written this many bytes. */
  maxBytes: number;
}

const WATCH_MS = 20;

/**
 * Unpacks an .xz file, or the bytes of one, into a temporary folder, gives the result's path to `use`, and removes it. Node has no xz of its own,
 * and a process's output arrives as text, so it goes through a file.
 * @throws XZ_MISSING, SOURCE_ARCHIVE_UNSAFE if it unpacks to more than `maxBytes`, Error if it is damaged
 */
export async function withUnxz<T>(
  source: string | Buffer,
  options: UnxzOptions,
  use: (unpacked: string) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'turnbuild-xz-'));
  const unpacked = join(dir, 'content');
  const tooLarge = new AbortController();
  const watch = setInterval(() => {
    stat(unpacked).then(
      ({ size }) => size > options.maxBytes && tooLarge.abort(),
      () => {},
    );
  }, WATCH_MS);
  const name = typeof source === 'string' ? source : 'its content';
  const refuse = () =>
    new TurnbuildError(
      'SOURCE_ARCHIVE_UNSAFE',
      `The archive is hostile or broken: ${name} unpacks to more than ${options.maxBytes} bytes`,
    );
  try {
    // --force: xz leaves links alone otherwise. --keep: the source stays.
    if (typeof source === 'string') await symlink(resolve(source), `${unpacked}.xz`);
    else await writeFile(`${unpacked}.xz`, source);
    const result = await options
      .exec(
        {
          file: 'xz',
          args: ['--decompress', '--keep', '--force', '--quiet', `${unpacked}.xz`],
          effect: 'read',
        },
        { signal: tooLarge.signal },
      )
      .catch((error: unknown) => Promise.reject(tooLarge.signal.aborted ? refuse() : error));
    if (result.code === 127) {
      throw new TurnbuildError('XZ_MISSING', `${name} is packed with xz, which is not installed`, {
        hint: 'apt-get install xz-utils',
      });
    }
    if (result.code !== 0) throw new Error(`xz says: ${result.stderr.trim()}`);
    if ((await stat(unpacked)).size > options.maxBytes) throw refuse();
    return await use(unpacked);
  } finally {
    clearInterval(watch);
    await rm(dir, { recursive: true, force: true });
  }
}
