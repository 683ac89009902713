import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { readSourceTarball } from '../../src/sources/tarball.ts';
import { hostileTarballs } from '../support/hostile-tarballs.ts';
import { errorOf, snapshot, temporaryFolder } from '../support/sandbox.ts';
import { file, tarOf } from '../support/tar-builder.ts';

/** Short, so that the path fits into a header's 100 bytes in any temporary folder. */
const VICTIM = '/tmp/turnbuild-victim';

/** A folder with files in and around the destination that an attack could destroy. It is also the temporary folder. */
function prepare(tar: Buffer): { root: string; path: string } {
  const root = temporaryFolder();
  for (const dir of ['work/out', 'tmp']) mkdirSync(join(root, dir), { recursive: true });
  for (const name of ['victim', 'work/victim', 'work/out/victim'])
    writeFileSync(join(root, name), 'precious');
  const path = join(root, 'work/out/tarball');
  writeFileSync(path, tar);
  vi.stubEnv('TMPDIR', join(root, 'tmp'));
  onTestFinished(() => void vi.unstubAllEnvs());
  return { root, path };
}

const cases = hostileTarballs(VICTIM);

test('there are at least 90 kinds of hostile tarballs with unique names', () => {
  expect(new Set(cases.map(({ what }) => what)).size).toBeGreaterThanOrEqual(90);
});

describe.each([
  ['as .tar', (tar: Buffer) => tar],
  ['as .tar.gz', (tar: Buffer) => gzipSync(tar, { level: 1 })],
] as const)('%s', (_, pack) => {
  test.each(cases)('refused: $what', async ({ tar, says, code = 'SOURCE_ARCHIVE_UNSAFE' }) => {
    const { root, path } = prepare(pack(tar));
    const before = snapshot(root);
    const error = await errorOf(readSourceTarball(path));
    expect(`${error.code} ${error.message}`).toContain(code);
    expect(error.message).toContain(says);
    expect(error.exitCode).toBe(1);
    expect(error.hint).toBeDefined();
    expect(snapshot(root)).toEqual(before);
  });
});

test('the snapshots reveal the changes of a tool that trusts the tarball', () => {
  const { root, path } = prepare(tarOf(file('coturn/../../victim', 'overwritten')));
  const before = snapshot(root);
  execFileSync('tar', ['-xPf', path], { cwd: join(root, 'work/out'), stdio: 'pipe' });
  expect(snapshot(root)).not.toEqual(before);
});

describe('bombs', () => {
  const read = (tar: Buffer, limits = {}) => errorOf(readSourceTarball(prepare(tar).path, { limits }));

  test('a million entries are refused after 20,000', async () => {
    const entries = Array.from({ length: 20_000 }, (_, i) => file(`coturn/${i}`, ''));
    const member = gzipSync(Buffer.concat(entries), { level: 1 });
    const error = await read(Buffer.concat(Array.from({ length: 50 }, () => member)));
    expect(error.message).toContain('more than 20000 entries');
  });

  test('files that exceed the limit only in total are refused', async () => {
    const parts = ['a', 'b', 'c'].map((name) => file(`coturn/${name}`, Buffer.alloc(400_000)));
    const error = await read(gzipSync(tarOf(...parts)), { totalBytes: 1_000_000 });
    expect(error.message).toContain('"coturn/c" makes the tar file contain more than 1000000 bytes');
  });

  test('400 MB of compressed zeros after the end are refused', async () => {
    const zeros = gzipSync(Buffer.alloc(4_000_000));
    const error = await read(
      Buffer.concat([gzipSync(tarOf(file('coturn/a'))), ...Array.from({ length: 100 }, () => zeros)]),
    );
    expect(error.code).toBe('SOURCE_ARCHIVE_UNSAFE');
    expect(error.message).toContain('more than 268435456 bytes');
  });

  test('xz that unpacks to more than the limit is stopped and leaves no file', async () => {
    const { root, path } = prepare(Buffer.alloc(0));
    writeFileSync(`${path}.zeros`, Buffer.alloc(30_000_000));
    writeFileSync(path, execFileSync('xz', ['-0c', `${path}.zeros`]));
    const before = snapshot(root);
    const limits = { totalBytes: 1_000_000, entries: 10 };
    const error = await errorOf(readSourceTarball(path, { limits }));
    expect(error.message).toContain('unpacks to more than');
    // The folder of the unpacked tar has been removed, which changed its parent's time.
    const withoutTimes = (lines: string[]) => lines.map((line) => line.replace(/ \d+(\.\d+)?$/, ''));
    expect(withoutTimes(snapshot(root))).toEqual(withoutTimes(before));
  });
});
