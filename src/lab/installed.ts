import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The server's root, in which the package is installed. */
export const TARGET = '/target';
/** Maximum size in bytes of a file read from a package's root. Real ones are a thousand times smaller. */
const MAX_BYTES = 16 << 20;
/** The kernel's limit (path_resolution(7)). */
const MAX_LINKS = 40;

/** An account of the installed root. It has numeric ids because the package defines what names mean. */
export interface Account {
  uid: number;
  /** The primary group, then the others. */
  groups: readonly number[];
}

/**
 * Resolves a path of the installed root, following links as a process inside that root would.
 * @param path absolute, e.g. `/lib/systemd/system/coturn.service`
 * @throws if the path does not exist or has too many links
 */
export function resolveBeneath(root: string, path: string): string {
  const left = path.split('/');
  let reached = '/';
  let links = 0;
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    // Like the kernel, `posix.join` stops at the root.
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
 * Reads a text file of the installed root, which the package controls: links never lead out of that root, and only regular files of
 * limited size are read. Call it only while no code of the package runs, because that could change the path meanwhile.
 * @throws if the file does not exist, is not a regular file, or is too large
 */
export function readInstalled(path: string, root = TARGET): string {
  const descriptor = openSync(
    resolveBeneath(root, path),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    const { size } = fstatSync(descriptor);
    if (!fstatSync(descriptor).isFile()) throw new Error(`${path} in the package is not a regular file`);
    if (size > MAX_BYTES) throw new Error(`${path} in the package is too large: ${size} bytes`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Whether a path exists in the installed root. */
export function isInstalled(path: string, root = TARGET): boolean {
  try {
    resolveBeneath(root, path);
    return true;
  } catch {
    return false;
  }
}

/** Files of the installed root, read before any code of the package ran there. */
export interface InstalledFiles {
  has(path: string): boolean;
  /** @throws if the file could not be read at that time */
  read(path: string): string;
}

/**
 * Reads files of the installed root once and keeps their content. Once the package's code runs, it may change them, or replace a folder by
 * a link between path resolution and open.
 */
export function recordInstalled(paths: readonly string[], root = TARGET): InstalledFiles {
  const files = new Map(paths.map((path) => [path, attemptToRead(path, root)]));
  const recorded = (path: string) => {
    const file = files.get(path);
    if (file === undefined) throw new Error(`${path} in the package was not recorded`);
    return file;
  };
  return {
    has: (path) => recorded(path).exists,
    read(path) {
      const { text, error } = recorded(path);
      if (text === undefined) throw error;
      return text;
    },
  };
}

function attemptToRead(path: string, root: string): { exists: boolean; text?: string; error?: unknown } {
  try {
    return { exists: true, text: readInstalled(path, root) };
  } catch (error) {
    return { exists: isInstalled(path, root), error };
  }
}

/**
 * Looks up a user in the account files (passwd(5), group(5)).
 * @throws if the user does not exist or is root
 */
export function accountOf(user: string, files: { passwd: string; group: string }): Account {
  const entries = (text: string) => text.split('\n').map((line) => line.split(':'));
  const entry = entries(files.passwd).find(([name]) => name === user);
  const number = (text: string | undefined) => (/^\d+$/.test(text ?? '') ? Number(text) : undefined);
  const [uid, gid] = [number(entry?.[2]), number(entry?.[3])];
  if (uid === undefined || gid === undefined)
    throw new Error(`the package has not created the account "${user}"`);
  if (uid === 0)
    throw new Error(`the package's account "${user}" has uid 0, but turnserver must not run as root`);
  const others = entries(files.group)
    .filter(([, , , members = '']) => members.split(',').includes(user))
    .flatMap(([, , id]) => number(id) ?? []);
  return { uid, groups: [gid, ...others.filter((id) => id !== gid)] };
}
