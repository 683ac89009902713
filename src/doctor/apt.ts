import { chmod, readdir, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import type { Exec } from '../io/exec.ts';
import { diskErrors, exists, makeFolder, remove, writeText } from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { APT_FOLDER, type AptFiles } from './apt-install.ts';

/** Folders of apt's additional configuration, and their paths on this machine. */
const PARTS = { 'sources.list.d': '/etc/apt/sources.list.d', 'preferences.d': '/etc/apt/preferences.d' };

/**
 * Creates the private configuration for one installation, runs some work with it, and removes it. Never writes to /etc/apt
 * or to the machine's own package lists.
 * @throws APT_LOCKED if another turnbuild is installing
 */
export async function withAptFolder<T>(files: AptFiles, work: () => Promise<T>): Promise<T> {
  const parent = dirname(APT_FOLDER);
  const lock = await lockFolder(parent).catch((error: unknown) => {
    throw error instanceof TurnbuildError && error.code === 'RELEASE_LOCKED' ? busy(error) : error;
  });
  try {
    await remove(APT_FOLDER);
    await diskErrors(layOut(files));
    return await work();
  } finally {
    await remove(APT_FOLDER);
    await lock.release();
    // Another turnbuild may have taken the lock already.
    await rmdir(parent).catch(() => {});
  }
}

async function layOut(files: AptFiles): Promise<void> {
  for (const name of ['lists/partial', 'cache/archives/partial', ...Object.keys(PARTS)])
    await makeFolder(join(APT_FOLDER, name));
  // apt downloads as the user _apt, who must be able to enter these folders whatever the umask is.
  for (const dir of [dirname(APT_FOLDER), APT_FOLDER, join(APT_FOLDER, 'lists'), join(APT_FOLDER, 'cache')])
    await chmod(dir, 0o755);
  for (const [name, dir] of Object.entries(PARTS)) {
    const parts = await readdir(dir).catch(() => []);
    for (const part of parts) await symlink(join(dir, part), join(APT_FOLDER, name, part));
  }
  for (const [name, text] of Object.entries(files)) await writeText(join(APT_FOLDER, name), text);
}

function busy(cause: TurnbuildError): TurnbuildError {
  return new TurnbuildError(
    'APT_LOCKED',
    'Another turnbuild process is installing packages on this machine',
    {
      cause,
      hint: 'Wait until it has finished, then run the same command again.',
    },
  );
}

/** Which of these Debian packages are installed; none without dpkg. */
export async function installedPackages(names: readonly string[], exec: Exec): Promise<Set<string>> {
  const { stdout } = await exec({
    file: 'dpkg-query',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg's
    args: ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names],
    effect: 'read',
  });
  const lines = stdout.split('\n').map((line) => line.split(' '));
  return new Set(lines.flatMap(([name = '', status]) => (status === 'installed' ? [name] : [])));
}

/** dpkg's report of packages that are not fully installed; empty if there are none. */
export async function auditPackages(exec: Exec): Promise<string> {
  const { stdout } = await exec({ file: 'dpkg', args: ['--audit'], effect: 'read', env: { LC_ALL: 'C' } });
  return stdout.trim();
}

/** Writes files that do not exist yet; returns a function that removes them again. */
export async function writeNewFiles(files: Readonly<Record<string, string>>): Promise<() => Promise<void>> {
  const undo: (() => Promise<void>)[] = [];
  for (const [file, content] of Object.entries(files)) {
    if (await exists(file)) continue;
    const folder = await makeFolder(dirname(file));
    await writeText(file, content);
    undo.push(async () => {
      await remove(file);
      if (folder !== undefined) await rmdir(folder).catch(() => {});
    });
  }
  return async () => {
    for (const step of undo) await step();
  };
}
