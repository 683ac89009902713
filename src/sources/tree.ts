import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Header, Pax } from 'tar';
import { diskErrors } from '../io/files.ts';
import type { SourceEntry, SourceTree } from './tarball.ts';

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
const byPath = (a: SourceEntry, b: SourceEntry) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path));

/**
 * SHA-256 of the tree: each file's path, kind, executable bit and content (or link target), sorted by path.
 * Ignores folders, times and owners, so tarballs of the same tree from different providers have the same digest.
 */
export function treeDigest(tree: SourceTree): string {
  const lines = tree.entries
    .filter((entry) => entry.type !== 'directory')
    .sort(byPath)
    .map(
      (entry) =>
        `${entry.type} ${entry.executable ? 'x' : '-'} ${sha256(entry.type === 'file' ? entry.content : entry.target)} ${entry.path}\n`,
    );
  return sha256(lines.join(''));
}

/** Writes the tree as a reproducible tar with the top-level folder `coturn/`. @param epoch Unix seconds, of every file */
export async function writeNormalisedTar(tree: SourceTree, epoch: number, file: string): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
  try {
    await diskErrors(
      pipeline(Readable.from(blocks(tree, epoch)), createWriteStream(temporary, { flags: 'wx' })),
    );
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function* blocks(tree: SourceTree, epoch: number): Generator<Buffer> {
  for (const entry of tree.entries.filter((each) => each.type !== 'directory').sort(byPath)) {
    const size = entry.type === 'file' ? entry.content.length : 0;
    const header = new Header({
      path: `coturn/${entry.path}`,
      mode: entry.type === 'symlink' ? 0o777 : entry.executable ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      size,
      mtime: new Date(epoch * 1000),
      type: entry.type === 'symlink' ? 'SymbolicLink' : 'File',
      ...(entry.type === 'symlink' ? { linkpath: entry.target } : {}),
    });
    const block = Buffer.alloc(512);
    // Values too long for ustar's fields are truncated there. The pax header before it has the complete values.
    if (header.encode(block)) {
      yield new Pax({
        path: `coturn/${entry.path}`,
        ...(entry.type === 'symlink' ? { linkpath: entry.target } : {}),
      }).encode();
    }
    yield block;
    if (size > 0) {
      yield entry.content;
      yield Buffer.alloc((512 - (size % 512)) % 512);
    }
  }
  yield Buffer.alloc(1024);
}

/** Numbers and a suffix without a slash: the version becomes part of file names, and a tarball may contain anything. */
const VERSION = String.raw`\d{1,9}(?:\.\d{1,9}){1,3}[A-Za-z0-9]{0,20}(?:[-+~.][A-Za-z0-9]{1,20}){0,4}`;

/** The text of a file in the tree; undefined if it is missing. */
export function fileOf(tree: SourceTree, path: string): string | undefined {
  return tree.entries.find((entry) => entry.path === path && entry.type === 'file')?.content.toString();
}

/** The version in the sources; undefined if they aren't coturn's. */
export function coturnVersion(tree: SourceTree): string | undefined {
  const find = (path: string, pattern: string) =>
    new RegExp(pattern, 'im').exec(fileOf(tree, path) ?? '')?.[1];
  return (
    find('src/ns_turn_defs.h', `^[ \\t]*#[ \\t]*define[ \\t]+TURN_SERVER_VERSION[ \\t]+"(${VERSION})"`) ??
    find('CMakeLists.txt', `^[ \\t]*project\\s*\\(\\s*coturn\\s+VERSION\\s+"?(${VERSION})`)
  );
}
