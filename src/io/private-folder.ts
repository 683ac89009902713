import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { runProcess } from './exec.ts';

/** Maximum number of consecutive links, as in the kernel. */
const MAX_LINKS = 40;
const WRITABLE = 0o022;
const BY_GROUP = 0o020;
const STICKY = 0o1000;

/**
 * Requires that only this user and root can change the cache, its files, and the folders and links that lead to it (like
 * sshd's StrictModes). Parent folders may have the sticky bit, like /tmp. A missing folder is safe.
 * @param uid the cache's owner; undefined on systems without user ids, where nothing is checked
 * @throws CACHE_UNSAFE
 */
export async function requirePrivate(
  dir: string,
  uid: number | undefined = process.getuid?.(),
): Promise<void> {
  if (uid === undefined) return;
  const refuse = (path: string, why: string) => {
    throw unsafe(dir, path, why);
  };
  // Paths to check for access control lists, in one batch at the end.
  const unlisted: string[] = [];
  let byGroup: string | undefined;
  const look = async (path: string, found: Stats, isAbove: boolean) => {
    if (found.uid !== uid && found.uid !== 0) refuse(path, `belongs to user ${found.uid}`);
    // Links have no permissions.
    if (found.isSymbolicLink()) return;
    const others = found.mode & WRITABLE;
    const isOwn = others === 0 || (others === BY_GROUP && (await isOwnGroup(found.gid)));
    // With an access control list, the group bits are a mask for all its entries, and new files may get other permissions (acl(5)).
    if (isOwn && (!isAbove || others !== 0)) unlisted.push(path);
    if (isOwn && others !== 0) byGroup ??= path;
    if (isOwn || (isAbove && (found.mode & STICKY) !== 0)) return;
    refuse(path, `can be changed by other users (mode ${modeOf(found)})`);
  };

  const lead = async (path: string, links: number): Promise<void> => {
    if (links > MAX_LINKS) refuse(path, 'is a dangling symlink or part of a link cycle');
    for (const each of [...foldersAbove(path), path]) {
      const found = await statOf(each);
      if (found === undefined) return;
      await look(each, found, each !== path);
      if (found.isSymbolicLink()) await lead(resolve(dirname(each), await readlink(each)), links + 1);
    }
  };
  await lead(resolve(dir), 0);

  const searched = new Set<string>();
  const search = async (folder: string): Promise<void> => {
    if (searched.has(folder)) return;
    searched.add(folder);
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      const found = await statOf(path);
      // Another process may have removed it meanwhile.
      if (found === undefined) continue;
      await look(path, found, false);
      if (found.isDirectory()) await search(path);
      if (!found.isSymbolicLink()) continue;
      // The link's target is part of the cache.
      const target = resolve(folder, await readlink(path));
      await lead(target, 1);
      if ((await stat(path).catch(() => undefined))?.isDirectory() === true)
        await search(await realpath(path));
    }
  };
  // Relative links in the cache are relative to its real path.
  await search(await realpath(dir).catch(() => resolve(dir)));
  const listed = await firstWithList(unlisted, byGroup);
  if (listed !== undefined)
    refuse(
      listed,
      `has an access control list that may let other users change it (mode ${modeOf(await lstat(listed))})`,
    );
}

const modeOf = ({ mode }: Stats) => (mode & 0o7777).toString(8).padStart(4, '0');

/** `/`, `/home`, `/home/me` of `/home/me/x`. */
function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}

async function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

/** Maximum paths per call of `ls`, because the length of a command line is limited. */
const BATCH = 500;

/** The first path with an access control list, which `ls` marks with a plus. Without `ls`, returns `otherwise`. */
async function firstWithList(
  paths: readonly string[],
  otherwise: string | undefined,
): Promise<string | undefined> {
  for (let at = 0; at < paths.length; at += BATCH) {
    const batch = paths.slice(at, at + BATCH);
    const args = ['-ld', '--', ...batch];
    const { code, stdout } = await runProcess({ file: 'ls', args, env: { LC_ALL: 'C' }, effect: 'read' });
    // If a path has vanished, ls fails but still lists the others.
    if (code === 127) return otherwise;
    const line = stdout.split('\n').find((each) => /^\S{10}\+/.test(each));
    if (line !== undefined) return batch.find((path) => line.endsWith(` ${path}`)) ?? batch[0];
  }
  return undefined;
}

/** Whether a group is this user's private group, without other members. */
async function isOwnGroup(gid: number): Promise<boolean> {
  const { username, gid: own } = userInfo();
  if (gid !== own) return false;
  const rows = async (file: string) =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  const group = (await rows('/etc/group')).find(([, , id]) => id === String(gid));
  const members = (group?.[3] ?? '').split(',').filter((name) => name !== '');
  const users = (await rows('/etc/passwd'))
    .filter((row) => row[3] === String(gid))
    .map(([name = '']) => name);
  return group !== undefined && [...members, ...users].every((name) => name === username);
}

function unsafe(dir: string, path: string, why: string): TurnbuildError {
  const what = path === resolve(dir) ? 'it' : path;
  return new TurnbuildError('CACHE_UNSAFE', `The cache folder ${dir} is not safe to use: ${what} ${why}`, {
    hint: 'Packages are built from its content. Remove it and make sure that only you can write to that folder, or set TURNBUILD_CACHE to another one.',
  });
}
