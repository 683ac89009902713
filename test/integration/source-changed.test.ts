import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import { fetchSource, writeSource } from '../../src/sources/fetch.ts';
import { readSourceTarball } from '../../src/sources/tarball.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { file } from '../support/tar-builder.ts';

const genuine = gzipSync(coturnTar());
const other = gzipSync(coturnTar('4.6.1', [file('coturn/added', 'exit 1\n')]));
const sha256 = createHash('sha256').update(genuine).digest('hex');
const io = createIo(runProcess, new AbortController().signal);

function tarball(bytes: Buffer): { dir: string; path: string } {
  const dir = temporaryFolder();
  const path = join(dir, 'coturn.tar.gz');
  writeFileSync(path, bytes);
  return { dir, path };
}
const fetch = (path: string) =>
  fetchSource(
    { provider: 'file', location: path, version: undefined, path, sha256 },
    {
      io,
      cache: temporaryFolder(),
      lock: { schema: 1, sources: {} },
      updateLock: false,
      unpinned: false,
      pinned: true,
    },
  );

describe('a tarball that is changed', () => {
  it('is parsed as it was when it was hashed', async () => {
    const { path } = tarball(genuine);
    const tree = await readSourceTarball(path, { check: () => writeFileSync(path, other) });
    expect(readFileSync(path)).toEqual(other);
    expect(tree).toEqual(await readSourceTarball(tarball(genuine).path));
  });

  it('is refused by its digest before it is parsed', async () => {
    expect(await errorOf(fetch(tarball(Buffer.from('no tar')).path))).toMatchObject({
      code: 'SOURCE_SHA256_MISMATCH',
    });
  });

  it('is refused when the sources are written for the build', async () => {
    const { dir, path } = tarball(genuine);
    const source = await fetch(path);
    writeFileSync(path, other);
    expect(await errorOf(writeSource(source, dir, io))).toMatchObject({
      code: 'SOURCE_TREE_MISMATCH',
      message: `${path} was changed while it was in use`,
    });
    writeFileSync(path, genuine);
    const written = await writeSource(source, dir, io);
    expect(readFileSync(written, 'latin1')).not.toContain('exit 1');
  });
});
