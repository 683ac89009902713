import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The root that the server runs in, in which the package is installed. */
export const TARGET = '/target';
/** Bytes of a file that a package brings; none that is read here has a thousandth of it. */
const MAX_BYTES = 16 << 20;
/** As many links as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** An account of the installed root, in numbers: names mean what the package says. */
export interface Account {
  uid: number;
  /** The primary group, then the others. */
  groups: readonly number[];
}

/**
 * Where a path of the installed root leads, links followed as a process beneath that root would.
 * @param path absolute, e.g. `/lib/systemd/system/coturn.service`
 * @throws if there is none, or links go in circles
 */
export function resolveBeneath(root: string, path: string): string {
  const left = path.split('/');
  let reached = '/';
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    // `posix.join` stops at the root, as `..` does.
    const next = posix.join(reached, part);
    if (!lstatSync(join(root, next)).isSymbolicLink()) {
      reached = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error(`${path}: too many links`);
    const link = readlinkSync(join(root, next));
    if (link.startsWith('/')) reached = '/';
    left.unshift(...link.split('/'));
  }
  return join(root, reached);
}

/**
 * Reads a text file of the installed root. It is the package's: a link leads nowhere but beneath that root, and nothing but a file of a
 * sensible size is read.
 * @throws if there is no such file
 */
export function readInstalled(path: string, root = TARGET): string {
  const descriptor = openSync(
    resolveBeneath(root, path),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    const { size } = fstatSync(descriptor);
    if (!fstatSync(descriptor).isFile()) throw new Error(`${path} of the package is no file`);
    if (size > MAX_BYTES) throw new Error(`${path} of the package has ${size} bytes`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Whether the installed root has such a file. */
export function isInstalled(path: string): boolean {
  try {
    resolveBeneath(TARGET, path);
    return true;
  } catch {
    return false;
  }
}

/**
 * The account of a user, out of the files of accounts (passwd(5), group(5)).
 * @throws if there is none, or it is root
 */
export function accountOf(user: string, files: { passwd: string; group: string }): Account {
  const entries = (text: string) => text.split('\n').map((line) => line.split(':'));
  const entry = entries(files.passwd).find(([name]) => name === user);
  const number = (text: string | undefined) => (/^\d+$/.test(text ?? '') ? Number(text) : undefined);
  const [uid, gid] = [number(entry?.[2]), number(entry?.[3])];
  if (uid === undefined || gid === undefined) throw new Error(`the package has made no account "${user}"`);
  if (uid === 0)
    throw new Error(`the package's account "${user}" is root (uid 0), and turnserver is not run as root`);
  const others = entries(files.group)
    .filter(([, , , members = '']) => members.split(',').includes(user))
    .flatMap(([, , id]) => number(id) ?? []);
  return { uid, groups: [gid, ...others.filter((id) => id !== gid)] };
}
