import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TurnbuildError } from '../errors.ts';

/** Links that may follow one another, as the kernel counts them. */
const MAX_LINKS = 40;
const WRITABLE = 0o022;
const BY_GROUP = 0o020;
const STICKY = 0o1000;

/**
 * Sees that nobody but this user and root can change the cache: not its files, and not the folders and links that lead to it (as
 * sshd's StrictModes). In a folder with the sticky bit, like /tmp, others can change neither. What is not there is safe.
 * @param uid whose cache it is; undefined where the system has no such numbers, and nothing is checked
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
  // Looked at all at once, at the end: whether one of them has an access control list.
  const unlisted: string[] = [];
  let byGroup: string | undefined;
  const look = async (path: string, found: Stats, isAbove: boolean) => {
    if (found.uid !== uid && found.uid !== 0) refuse(path, `belongs to user ${found.uid}`);
    // A link has no permissions of its own.
    if (found.isSymbolicLink()) return;
    const others = found.mode & WRITABLE;
    const isOwn = others === 0 || (others === BY_GROUP && (await isOwnGroup(found.gid)));
    // With a list, the group's permissions are those of everybody in it, and new files may get other ones than their folder has (acl(5)).
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
      // Another process may have removed it since.
      if (found === undefined) continue;
      await look(path, found, false);
      if (found.isDirectory()) await search(path);
      if (!found.isSymbolicLink()) continue;
      // Whatever it leads to is part of the cache.
      const target = resolve(folder, await readlink(path));
      await lead(target, 1);
      if ((await stat(path).catch(() => undefined))?.isDirectory() === true)
        await search(await realpath(path));
    }
  };
  // Relative links in it count from where it really is.
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

const MAX_OUTPUT = 16 * 1024 * 1024;
/** Paths of one call of `ls`: a command line has room for so many. */
const BATCH = 500;

/** The first of these that has an access control list: `ls` marks it with a plus. Without `ls`, the one that `otherwise` names is taken to. */
async function firstWithList(
  paths: readonly string[],
  otherwise: string | undefined,
): Promise<string | undefined> {
  const env = { ...process.env, LC_ALL: 'C' };
  for (let at = 0; at < paths.length; at += BATCH) {
    const batch = paths.slice(at, at + BATCH);
    const { stdout, code } = await promisify(execFile)('ls', ['-ld', '--', ...batch], {
      env,
      maxBuffer: MAX_OUTPUT,
    })
      .then((done) => ({ stdout: done.stdout, code: 0 }))
      // Of what is gone since, it complains, and lists the others.
      .catch((error: { stdout?: string; code?: unknown }) => ({
        stdout: error.stdout ?? '',
        code: error.code,
      }));
    if (code === 'ENOENT') return otherwise;
    const line = stdout.split('\n').find((each) => /^\S{10}\+/.test(each));
    if (line !== undefined) return batch.find((path) => line.endsWith(` ${path}`)) ?? batch[0];
  }
  return undefined;
}

/** Whether a group is this user's own, with nobody else in it: the private group that many systems give each user. */
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
