import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readSourceTarball } from '../../src/sources/tarball.ts';
import { treeDigest } from '../../src/sources/tree.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { storedZstd } from '../support/deb-builder.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { file, folder, tarOf } from '../support/tar-builder.ts';
import { turnbuild } from '../support/turnbuild.ts';

function write(bytes: Buffer, name = 'source.tar.gz'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

/** The sources as GNU tar unpacks them. */
function unpacked(): string {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'in.tar'), coturnTar());
  mkdirSync(join(dir, 'x'));
  execFileSync('tar', ['-xf', 'in.tar', '-C', 'x'], { cwd: dir });
  return dir;
}

const random = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 97 + 131) % 251));
const start = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), random(3000)]);

describe('a tarball', () => {
  const digest = async (path: string) => treeDigest(await readSourceTarball(path));

  test.each([
    ['of the folder ./coturn', ['./coturn'], 'x'],
    ['of . that contains the folder', ['.'], 'x'],
    ['of . inside the folder', ['.'], 'x/coturn'],
    [
      'of the files inside the folder, without an entry ./',
      ['./configure', './src', './CMakeLists.txt', './man', './examples', './turndb', './empty'],
      'x/coturn',
    ],
  ])('%s yields the same tree', async (_, names, where) => {
    const dir = unpacked();
    const tar = join(dir, 'out.tar.gz');
    execFileSync('tar', ['-czf', tar, ...names], { cwd: join(dir, where) });
    expect(await digest(tar)).toBe(await digest(write(coturnTar())));
  });

  test('compressed with Zstandard yields the same tree', async () => {
    const tar = coturnTar('4.6.1', [file('coturn/large', random(300_000))]);
    expect(await readSourceTarball(write(storedZstd(tar)))).toEqual(await readSourceTarball(write(tar)));
  });
});

test('a Zstandard tarball that unpacks to more than the limit is refused', async () => {
  const path = write(storedZstd(coturnTar('4.6.1', [file('coturn/large', random(3_000_000))])));
  const limits = { totalBytes: 100_000, entries: 100 };
  expect((await errorOf(readSourceTarball(path, { limits }))).message).toMatch(
    /more than|larger than|too much/,
  );
});

test('a truncated Zstandard tarball is corrupt wherever it is cut', async () => {
  const packed = storedZstd(coturnTar());
  for (let size = 5; size < packed.length; size += 997) {
    const error = await errorOf(readSourceTarball(write(packed.subarray(0, size))));
    expect(`${size} ${error.code}`).toBe(`${size} SOURCE_ARCHIVE_CORRUPT`);
  }
});

describe('the error names the problem and the remedy for', () => {
  test.each([
    ['a bzip2 file', start('425a6839'), 'a bzip2 file', 'bzip2 -dc FILE > coturn.tar'],
    ['an LZ4 file', start('04224d18'), 'an LZ4 file', 'lz4 -dc FILE > coturn.tar'],
    ['an LZMA file', start('5d00008000'), 'an LZMA file', 'xz --format=lzma -dc FILE > coturn.tar'],
    ['an lzip file', start('4c5a495001'), 'an lzip file', 'lzip -dc FILE > coturn.tar'],
    ['a file packed by compress', start('1f9d90'), 'a file packed by compress', 'gzip -dc FILE > coturn.tar'],
    ['a ZIP archive', start('504b0304'), 'a ZIP archive', 'unzip FILE -d DIR && tar -cf coturn.tar -C DIR .'],
    ['a 7z archive', start('377abcaf271c'), 'a 7z archive', '7z x -oDIR FILE'],
    ['a RAR archive', start('526172211a07'), 'a RAR archive', 'unrar x FILE DIR/'],
    ['a Git bundle', Buffer.from('# v2 git bundle\nabc HEAD\n\nPACK'), 'a Git bundle', 'git clone FILE DIR'],
    ['a .deb', Buffer.from('!<arch>\ndebian-binary   1410122664  '), 'a .deb package', 'Get a tarball'],
    ['an .rpm', start('edabeedb'), 'an .rpm package', 'Get a tarball'],
    ['a web page', Buffer.from('\n<!DOCTYPE html>\n<html>'.repeat(50)), 'a web page', 'check the URL'],
    ['another web page', Buffer.from('<!-- x --><html lang="en">'), 'a web page', 'check the URL'],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      'a Git LFS pointer',
      'Get',
    ],
    ['a JSON response', Buffer.from('{"message": "Not Found"}'), 'text that begins with "{\\"message', 'Get'],
    ['an empty file', Buffer.alloc(0), 'empty', 'Get a tarball'],
    ['a web page in gzip', gzipSync('<html>'.repeat(500)), 'a web page, packed with gzip', 'Get a tarball'],
    ['gzip in gzip', gzipSync(gzipSync(coturnTar())), 'a gzip file, packed with gzip', 'Get a tarball'],
    [
      'a ZIP archive in Zstandard',
      storedZstd(start('504b0304')),
      'a ZIP archive, packed with Zstandard',
      'Get a tarball',
    ],
    ['an empty file in gzip', gzipSync(''), 'empty, packed with gzip', 'Get a tarball'],
  ])('%s', async (_, bytes, what, todo) => {
    const path = write(bytes);
    const error = await errorOf(readSourceTarball(path));
    expect(error.code).toBe('SOURCE_NOT_TAR');
    expect(error.message).toContain(`${path} is ${what}`);
    expect(error.hint?.replaceAll(path, 'FILE')).toContain(todo);
  });

  test.each([
    ['a truncated tarball', coturnTar().subarray(0, 5000)],
    ['a truncated tarball in gzip', gzipSync(coturnTar()).subarray(0, 500)],
    ['a truncated tarball in xz', execFileSync('xz', ['-c'], { input: coturnTar() }).subarray(0, 500)],
  ])('%s', async (_, bytes) => {
    const error = await errorOf(readSourceTarball(write(bytes)));
    expect([error.code, error.message]).toEqual([
      'SOURCE_ARCHIVE_CORRUPT',
      expect.stringMatching(/ is a truncated tar file$/),
    ]);
    expect(error.hint).toContain('compare the size');
  });

  test('several top-level folders', async () => {
    const error = await errorOf(readSourceTarball(write(tarOf(file('other/a'), file('third')))));
    expect([error.code, error.message]).toEqual([
      'SOURCE_LAYOUT',
      expect.stringContaining('3 files or folders at its top level (coturn, other, third)'),
    ]);
  });
});

describe('turnbuild source', () => {
  const source = (path: string) => turnbuild(['source', '--source', path, '--out', temporaryFolder()]);

  test.each([
    [
      'a folder',
      () => temporaryFolder(),
      /is a folder\n.*tar --exclude=.git -czf coturn.tar.gz -C .* \.\n.*SOURCE_INVALID/,
    ],
    ['a device', () => '/dev/null', /is not a regular file\n.*\n.*SOURCE_INVALID/],
    [
      'sources without a coturn version',
      () => write(tarOf(file('coturn/a'), folder('coturn/b'))),
      /does not contain a coturn version[\s\S]*Its top-level folder contains a, b\.[\s\S]*SOURCE_NOT_COTURN/,
    ],
    [
      'coturn in a subfolder',
      () => write(tarOf(file('coturn/inner/src/ns_turn_defs.h'), file('coturn/x'))),
      /in its subfolder inner: pack only that folder[\s\S]*SOURCE_NOT_COTURN/,
    ],
  ])('refuses %s', async (_, make, message) => {
    const run = await source(make());
    expect(run.stderr).toMatch(message);
    expect(run.code).not.toBe(0);
  });
});
