import { posix } from 'node:path';
import { TurnbuildError } from '../errors.ts';

/** Bounds of a source archive. coturn has about 300 entries and 2 MiB: these leave room for a long time. */
export const LIMITS = {
  entries: 20_000,
  totalBytes: 256 * 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
  pathBytes: 1024,
  nameBytes: 255,
};

export function unsafe(entry: string, what: string): TurnbuildError {
  return new TurnbuildError(
    'SOURCE_ARCHIVE_UNSAFE',
    `The archive is hostile or broken: ${JSON.stringify(entry)} ${what}`,
    {
      hint: 'Do not unpack it by other means. Get the sources from another place.',
    },
  );
}

/** Splits an entry's name into the top-level folder and the path beneath it; refuses whatever a file system could misread. */
export function checkedPath(name: string): { top: string; path: string } {
  if (name === '') throw unsafe(name, 'has no name');
  if (name.startsWith('/')) throw unsafe(name, 'is absolute');
  if (/^[a-zA-Z]:/.test(name)) throw unsafe(name, 'is absolute on Windows');
  if (name.includes('\\')) throw unsafe(name, 'has a backslash in its name');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f\ufffd]/.test(name))
    throw unsafe(name, 'has a control character, or broken text, in its name');
  if (Buffer.byteLength(name) > LIMITS.pathBytes) throw unsafe(name, 'has too long a name');
  const parts = name
    .replace(/^(\.\/)+/, '')
    .replace(/\/$/, '')
    .split('/');
  if (parts.some((part) => part === '..' || part === '.' || part === ''))
    throw unsafe(name, 'has "..", "." or an empty part in its name');
  if (parts.some((part) => Buffer.byteLength(part) > LIMITS.nameBytes))
    throw unsafe(name, 'has too long a part in its name');
  const [top = '', ...rest] = parts;
  return { top, path: rest.join('/') };
}

interface Linkable {
  path: string;
  type: 'file' | 'directory' | 'symlink';
  target: string;
}

/** Symbolic links stay in the tree, resolved by their text; nothing lies beneath a link or a file. */
export function checkLinks(entries: readonly Linkable[]): void {
  const types = new Map(entries.map((entry) => [entry.path, entry.type]));
  for (const entry of entries) {
    for (let parent = posix.dirname(entry.path); parent !== '.'; parent = posix.dirname(parent)) {
      const type = types.get(parent);
      if (type !== undefined && type !== 'directory')
        throw unsafe(entry.path, `lies beneath ${parent}, which is a ${type}`);
    }
    if (entry.type !== 'symlink') continue;
    if (
      entry.target === '' ||
      entry.target.startsWith('/') ||
      entry.target.includes('\\') ||
      entry.target.includes('\0')
    ) {
      throw unsafe(entry.path, `points to ${JSON.stringify(entry.target)}`);
    }
    checkTarget(entry, types);
  }
}

/** Walks a link's text step by step: neither the whole nor any step may leave the tree or go through another link. */
function checkTarget(entry: Linkable, types: ReadonlyMap<string, Linkable['type']>): void {
  let at = posix.dirname(entry.path);
  for (const part of entry.target.split('/')) {
    if (part === '..' && at === '.') throw unsafe(entry.path, `points out of the tree, to ${entry.target}`);
    at = posix.normalize(posix.join(at, part));
    if (at.startsWith('..')) throw unsafe(entry.path, `points out of the tree, to ${entry.target}`);
    if (types.get(at) === 'symlink') throw unsafe(entry.path, `points to another link, ${at}`);
  }
}
