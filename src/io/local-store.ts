import { chmod, copyFile, link, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { diskErrors, makeFolder, naming, remove, sha256File, sizeOf } from './files.ts';
import { type HeldFolderLock, lockFolder } from './folder-lock.ts';
import { removeAllLeftovers, removeLeftovers, temporaryName } from './leftovers.ts';
import { readRegular } from './regular-file.ts';
import type { Content, Store } from './store.ts';

/** The folders that turnbuild writes. A web server's folder may have others. */
const OWN = ['apt', 'dnf', 'releases', 'withdrawn'];
/** Readable by a web server, whatever the umask. */
const MODE = 0o644;

/** A store in a folder of this machine. Files are on the disk, not only in memory, when a call returns. */
export function localStore(dir: string): Store {
  const place = (path: string) => join(dir, path);
  let lock: HeldFolderLock | undefined;
  /** Called just before each change: only while this process stands still, another run can take the lock after that. */
  const requireHeld = async () => {
    if (lock !== undefined && !(await lock.isHeld())) throw lockLost(dir);
  };
  return {
    address: dir,
    async read(path, maxBytes) {
      const file = place(path);
      return (await isThere(file)) ? naming(file, readRegular(file, maxBytes)) : undefined;
    },
    async describe(path) {
      const file = place(path);
      if (!(await isThere(file))) return undefined;
      return { size: await sizeOf(file), sha256: await sha256File(file) };
    },
    async list(folder) {
      const path = place(folder);
      return (await isThere(path)) ? readdir(path) : [];
    },
    async listAll(folder) {
      const path = place(folder);
      if (!(await isThere(path))) return [];
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      // Another run may be writing, and remove its temporary files meanwhile.
      const files = entries.filter((entry) => entry.isFile() && !/\.\d+\.tmp$/.test(entry.name));
      return Promise.all(
        files.map(async ({ parentPath, name }) => {
          const { size, mtimeMs } = await stat(join(parentPath, name));
          const own = relative(dir, join(parentPath, name)).split(sep).join('/');
          return { path: own, size, modified: mtimeMs };
        }),
      );
    },
    create: (path, content) =>
      written(place(path), content, async (temporary, file) => {
        await requireHeld();
        try {
          await link(temporary, file);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
          throw error;
        }
        return true;
      }),
    async replace(path, content) {
      await written(place(path), content, async (temporary, file) => {
        await requireHeld();
        await rename(temporary, file);
      });
    },
    async remove(path) {
      const file = place(path);
      if (!(await isThere(file))) return;
      await requireHeld();
      await naming(file, rm(file));
      await synced(dirname(file));
      await removeEmpty(dirname(file), dir);
    },
    async lock() {
      const own = await lockFolder(dir).catch((error: unknown) =>
        Promise.reject(asRepositoryError(dir, error)),
      );
      // A killed process leaves its temporary file even beside a file that it had finished.
      for (const name of OWN) await removeAllLeftovers(join(dir, name));
      for (const name of ['key.asc', 'index.html']) await removeLeftovers(join(dir, name));
      lock = own;
      return {
        async release() {
          lock = undefined;
          await own.release();
        },
      };
    },
  };
}

function lockLost(dir: string): TurnbuildError {
  return new TurnbuildError(
    'PUBLISH_LOCK_LOST',
    `This run lost its lock on ${dir}: ${join(dir, '.lock')} was removed or replaced`,
    { hint: 'Make sure that no other run is publishing there, and run the same command again.' },
  );
}

/** Whether a file exists. Any other reason why it cannot be seen is an error: it would be replaced. */
async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Removes a folder and its parents below another folder, as long as they are empty. */
async function removeEmpty(folder: string, below: string): Promise<void> {
  for (let path = folder; path.startsWith(below + sep); path = dirname(path)) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

/** The error of a folder's lock, in words about a repository. */
function asRepositoryError(dir: string, error: unknown): unknown {
  if (!(error instanceof TurnbuildError)) return error;
  const { code, message } = error;
  if (code === 'FOLDER_UNWRITABLE')
    return new TurnbuildError(code, message, {
      cause: error,
      hint: 'Make it writable, or choose another folder with --repo.',
    });
  if (code !== 'RELEASE_LOCKED') return error;
  return new TurnbuildError('PUBLISH_LOCKED', message.replace('is using', 'is publishing to'), {
    cause: error,
    hint: `Wait until it finishes. If that process no longer exists, remove ${join(dir, '.lock')}*.`,
  });
}

/** Writes a temporary file beside a file, and puts it in its place. */
async function written<T>(
  file: string,
  content: Content,
  put: (temporary: string, file: string) => Promise<T>,
): Promise<T> {
  await makeFolder(dirname(file));
  const temporary = temporaryName(file);
  try {
    const writing =
      'file' in content ? copyFile(content.file, temporary) : writeFile(temporary, content.bytes);
    await diskErrors(naming(file, writing));
    await chmod(temporary, MODE);
    await synced(temporary);
    if (content.sha256 !== undefined && (await sha256File(temporary)) !== content.sha256)
      throw new TurnbuildError(
        'ARTIFACT_CHANGED',
        `The content of ${file} changed while it was being stored`,
        {
          hint: 'Another run may be changing the release. Run the same command again.',
        },
      );
    const result = await naming(file, put(temporary, file));
    await synced(dirname(file));
    return result;
  } finally {
    await remove(temporary);
  }
}

/** Waits until a file's content, or a folder's names, are on the disk. */
async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await diskErrors(naming(path, handle.sync()));
  } finally {
    await handle.close();
  }
}
