import type { Stats } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TurnbuildError } from '../errors.ts';

/** Why a folder cannot be created or written to, by error code. */
const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  // The parent exists; file systems such as /proc do not support new folders.
  ENOENT: 'this file system does not allow new folders',
  EEXIST: 'a dangling symlink is in its place',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its path contains a link cycle',
};

/**
 * Creates a folder and its missing parents one by one. Node's recursive `mkdir` would loop forever, even on signals, if the system returns
 * ENOENT (in /proc), or report ENOENT for a read-only file system.
 * @returns the topmost folder that was created; undefined if all existed
 * @throws FOLDER_UNWRITABLE
 */
export async function makeMissing(dir: string): Promise<string | undefined> {
  const missing: string[] = [];
  let path = resolve(dir);
  let found = await look(dir, path);
  while (found === undefined && path !== dirname(path)) {
    missing.unshift(path);
    path = dirname(path);
    found = await look(dir, path);
  }
  if (found?.isDirectory() === false) throw unwritable(dir, `${path} is not a folder`);
  for (const each of missing) await makeOne(dir, each);
  return missing[0];
}

/** Status of a path; undefined if it does not exist or one of its parents is a file. */
async function look(dir: string, path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw asUnwritable(dir, error);
  });
}

async function makeOne(dir: string, path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // Another process may have created it meanwhile.
    if ((await look(dir, path))?.isDirectory() !== true) throw asUnwritable(dir, error);
  }
}

/** Converts a system error about a folder to FOLDER_UNWRITABLE; returns any other error unchanged. */
export function asUnwritable(dir: string, error: unknown): unknown {
  const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
  return reason === undefined ? error : unwritable(dir, reason, error);
}

function unwritable(dir: string, reason: string, cause?: unknown): TurnbuildError {
  return new TurnbuildError('FOLDER_UNWRITABLE', `Cannot write to the folder ${dir}: ${reason}`, {
    cause,
    hint: 'Choose another folder: --out for results, TURNBUILD_CACHE for downloads and base images.',
  });
}
