import { posix } from 'node:path';
import { TurnbuildError } from '../errors.ts';

export interface Limits {
  entries: number;
  /** Total bytes of all files. */
  totalBytes: number;
  fileBytes: number;
}

/** Limits of a source tarball. coturn has about 300 entries and 2 MiB. */
export const LIMITS: Limits = {
  entries: 20_000,
  totalBytes: 256 * 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
};
/** A quarter of PATH_MAX, which leaves room for the build folder; and NAME_MAX of Linux's file systems. */
const PATH_BYTES = 1024;
const NAME_BYTES = 255;
/** Limits of nesting and of symbolic links: coturn has six levels and a dozen links. */
const MAX_PARTS = 32;
const MAX_LINKS = 1000;
/** Maximum links that Linux follows before ELOOP. */
const LINK_HOPS = 40;

export function unsafe(entry: string, what: string): TurnbuildError {
  return new TurnbuildError(
    'SOURCE_ARCHIVE_UNSAFE',
    `The tar file is malicious or damaged: ${JSON.stringify(entry)} ${what}`,
    { hint: 'Do not unpack it with other tools. Get the sources from elsewhere.' },
  );
}

/** The error for a tar file that would fill the memory or the disk. `what` is the exceeded limit. */
export function tarLimit(entry: string, what: string): TurnbuildError {
  return unsafe(entry, `makes the tar file contain ${what}, far more than coturn's sources have`);
}

/** An entry's name without leading `./` and trailing `/`; '' for `./` itself. Refuses names that file systems may interpret differently. */
export function checkedPath(name: string): string {
  if (name === '') throw unsafe(name, 'has no name');
  if (name.startsWith('/')) throw unsafe(name, 'is absolute');
  if (/^[a-zA-Z]:/.test(name)) throw unsafe(name, 'is absolute on Windows');
  checkText(name, name);
  if (Buffer.byteLength(name) > PATH_BYTES) throw unsafe(name, 'has a name that is too long');
  if (name === '.' || name === './') return '';
  const parts = name.replace(/^\.\//, '').replace(/\/$/, '').split('/');
  if (parts.length > MAX_PARTS) throw unsafe(name, `has more than ${MAX_PARTS} path components`);
  if (parts.some((part) => part === '..' || part === '.' || part === ''))
    throw unsafe(name, 'has "..", "." or an empty path component');
  if (parts.some((part) => Buffer.byteLength(part) > NAME_BYTES))
    throw unsafe(name, 'has a path component that is too long');
  return parts.join('/');
}

/** Refuses control and invisible characters, because a terminal, log or reviewer would see a different name than the file system. */
function checkText(entry: string, text: string): void {
  if (text.includes('\\')) throw unsafe(entry, 'has a backslash in its name or target');
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]/u.test(text))
    throw unsafe(entry, 'has a control or invisible character in its name or target');
}

/** Normalizes a name like the most lenient file systems. Files with equal results would overwrite each other there. */
function folded(path: string): string {
  return path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** Registers the names of a tar file and refuses two names for the same file, because the second would overwrite the first. */
export function createNameRegister(): { add(path: string, type: 'file' | 'directory' | 'symlink'): void } {
  const seen = new Map<string, { path: string; type: string; explicit: boolean }>();
  /** @returns whether the name is new */
  const claim = (path: string, type: string, explicit: boolean): boolean => {
    const key = folded(path);
    const other = seen.get(key);
    if (other === undefined) {
      seen.set(key, { path, type, explicit });
      return true;
    }
    if (other.path !== path) throw unsafe(path, `is the same as ${other.path} on some file systems`);
    if (other.explicit && explicit) throw unsafe(path, 'occurs twice');
    if (other.type !== type) throw unsafe(path, `is both a ${other.type} and a ${type}`);
    other.explicit ||= explicit;
    return false;
  };
  return {
    add(path, type) {
      // All parents of a registered folder are registered.
      for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent))
        if (!claim(parent, 'directory', false)) break;
      claim(path, type, true);
    },
  };
}

interface Linkable {
  path: string;
  type: 'file' | 'directory' | 'symlink';
  target: string;
}

/** Requires that every symbolic link stays in the tree, including all links on its path. Dangling links are allowed. */
export function checkLinks(entries: readonly Linkable[]): void {
  const links = new Map(
    entries.filter((entry) => entry.type === 'symlink').map((entry) => [entry.path, entry.target]),
  );
  const [[beyond] = []] = [...links].slice(MAX_LINKS);
  if (beyond !== undefined) throw tarLimit(beyond, `more than ${MAX_LINKS} symbolic links`);
  for (const [path, target] of links) {
    if (target === '' || target.startsWith('/') || /^[a-zA-Z]:/.test(target))
      throw unsafe(path, `points to ${JSON.stringify(target)}`);
    if (Buffer.byteLength(target) > PATH_BYTES) throw unsafe(path, 'has a target that is too long');
    if (target.split('/').length > MAX_PARTS)
      throw unsafe(path, `has a target with more than ${MAX_PARTS} path components`);
    checkText(path, target);
    followLink(path, links);
  }
}

/** Resolves a link step by step, like the kernel, replacing each link on the way by its target. */
function followLink(path: string, links: ReadonlyMap<string, string>): void {
  const at = path.split('/').slice(0, -1);
  const steps = (links.get(path) ?? '').split('/');
  for (let hops = 0; steps.length > 0; ) {
    const step = steps.shift() ?? '';
    if (step === '' || step === '.') continue;
    if (step === '..') {
      if (at.pop() === undefined) throw unsafe(path, `points outside the tree, to ${links.get(path)}`);
      continue;
    }
    at.push(step);
    const next = at.length > MAX_PARTS ? undefined : links.get(at.join('/'));
    if (next === undefined) continue;
    hops += 1;
    if (hops > LINK_HOPS) throw unsafe(path, 'is part of a link cycle');
    at.pop();
    steps.unshift(...next.split('/'));
  }
}
