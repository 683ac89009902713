import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import { checkLock, type SourceLock } from '../../src/sources/lock.ts';
import { readSourceTarball, type SourceTree } from '../../src/sources/tarball.ts';
import { treeDigest } from '../../src/sources/tree.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const CHANGES = 1_000;
const VERSION = '4.6.1';
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** The content of a tree that a build reads. */
const files = (tree: SourceTree) =>
  tree.entries
    .filter(({ type }) => type !== 'directory')
    .map(({ path, type, executable, content, target }) => [
      path,
      type,
      executable,
      content.toString('hex'),
      target,
    ]);

/** The result of a function; undefined if it was refused. Any other error is a crash. */
async function unlessRefused<T>(work: () => T): Promise<Awaited<T> | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TurnbuildError && error.code.startsWith('SOURCE_')) return undefined;
    throw error;
  }
}

test.each([
  ['.tar', (tar: Buffer) => tar],
  ['.tar.gz', (tar: Buffer) => gzipSync(tar)],
])(
  'a %s with one changed byte is refused, unless its files are the same, in 1,000 cases',
  async (extension, pack) => {
    const path = join(temporaryFolder(), `source${extension}`);
    const original = pack(coturnTar());
    writeFileSync(path, original);
    const tree = await readSourceTarball(path);
    const pinned = { tree: treeDigest(tree), epoch: tree.newestMtime };
    const lock = (sha256s: Record<string, string>): SourceLock => ({
      schema: 1,
      sources: { [VERSION]: { ...pinned, sha256s } },
    });
    const byHash = lock({ file: sha256(original) });
    const byTree = lock({});
    const accept = async (bytes: Buffer) => {
      writeFileSync(path, bytes);
      const read = await unlessRefused(() => readSourceTarball(path));
      if (read === undefined) return {};
      const found = {
        provider: 'file',
        sha256: sha256(bytes),
        tree: treeDigest(read),
        epoch: read.newestMtime,
      };
      const check = (against: SourceLock) => () => {
        checkLock(against, VERSION, found);
        return read;
      };
      return { hash: await unlessRefused(check(byHash)), tree: await unlessRefused(check(byTree)) };
    };
    expect((await accept(original)).hash).toEqual(tree);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(original.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, difference) => {
          const changed = Buffer.from(original);
          changed[at] = (changed[at] ?? 0) ^ difference;
          const accepted = await accept(changed);
          expect(accepted.hash).toBeUndefined();
          // Without a pinned tarball only the content counts: an accepted tree must have identical files.
          if (accepted.tree !== undefined) expect(files(accepted.tree)).toEqual(files(tree));
        },
      ),
      { numRuns: CHANGES },
    );
  },
);
