import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readSourceTarball } from '../../src/sources/tarball.ts';
import { COMMIT, coturnTar } from '../support/coturn-tree.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { entry, file, folder, gnuLong, link, MTIME, pax, tarOf } from '../support/tar-builder.ts';

async function read(bytes: Buffer) {
  const path = join(temporaryFolder(), 'tarball');
  writeFileSync(path, bytes);
  return readSourceTarball(path);
}

describe('a source tarball', () => {
  test('yields files, links, executable bits, the newest time and the commit, without the top-level folder', async () => {
    const tree = await read(gzipSync(coturnTar()));
    const find = (path: string) => tree.entries.find((each) => each.path === path);
    expect(find('configure')).toMatchObject({ type: 'file', executable: true });
    expect(find('src/ns_turn_maps.c')).toMatchObject({ type: 'file', executable: false });
    expect(find('examples/etc/cacert.pem')).toMatchObject({ type: 'symlink', target: '../ca/CA/cacert.pem' });
    expect(find('turndb/schema.sql')?.content.toString()).toBe('CREATE TABLE turnusers_lt (realm TEXT);\n');
    expect(find('src')?.type).toBe('directory');
    expect(tree.entries.every(({ path }) => !path.startsWith('coturn'))).toBe(true);
    expect(tree).toMatchObject({ newestMtime: MTIME, gitCommit: COMMIT });
  });

  test('yields the same tree as .tar, .tar.gz and .tar.xz', async () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'a.tar'), coturnTar());
    execFileSync('xz', ['-k', join(dir, 'a.tar')]);
    const plain = await read(coturnTar());
    expect(await readSourceTarball(join(dir, 'a.tar.xz'))).toEqual(plain);
    expect(await read(gzipSync(coturnTar()))).toEqual(plain);
  });

  test.each(['ustar', 'gnu', 'posix'])(
    'written by GNU tar with --format=%s is read like GNU tar reads it',
    async (format) => {
      const dir = temporaryFolder();
      const long = `coturn/${'long-name-'.repeat(9)}/${'and-longer-'.repeat(8)}.c`;
      writeFileSync(
        join(dir, 'in.tar'),
        tarOf(pax([['path', long]]), file('coturn/short', 'text'), link('coturn/l', 'a')),
      );
      execFileSync('tar', ['-xf', 'in.tar'], { cwd: dir });
      execFileSync('tar', [`--format=${format}`, '-cf', 'out.tar', './coturn'], { cwd: dir });
      const tree = await readSourceTarball(join(dir, 'out.tar'));
      const listed = execFileSync('tar', ['-tf', 'out.tar'], { cwd: dir, encoding: 'utf8' });
      const names = listed
        .trim()
        .split('\n')
        .map((name) => name.replace(/^\.\/coturn\//, '').replace(/\/$/, ''));
      expect(tree.entries.map(({ path }) => path).sort()).toEqual(names.filter((name) => name !== '').sort());
      expect(tree.entries.find(({ path }) => `coturn/${path}` === long)?.content).toEqual(
        readFileSync(join(dir, long)),
      );
    },
  );
});

test.each([
  ['a dangling link', [link('coturn/man/l', '../nothing/here')]],
  ['a link to the top-level folder', [link('coturn/man/l', '..')]],
  [
    'links to each other that stay inside',
    [link('coturn/a', 'b/../c'), link('coturn/b', 'man/man1'), folder('coturn/man')],
  ],
  ['a folder after its files', [file('coturn/d/a'), folder('coturn/d')]],
  [
    'a pax path, size and time that agree',
    [
      pax([
        ['path', 'coturn/p'],
        ['size', '3'],
        ['mtime', '1600000001.5'],
      ]),
      file('coturn/q', 'abc'),
    ],
  ],
  ['a GNU long name and link', [gnuLong('L', 'coturn/long'), gnuLong('K', 'target'), link('coturn/l', 't')]],
  ['a ustar prefix', [entry({ name: 'name', prefix: 'coturn/prefix' }, 'x')]],
  ['names in other scripts', [file('coturn/\u4e2d\u6587.md'), file('coturn/\u00fcber.md')]],
  ['a folder with the setgid bit', [folder('coturn/d', { mode: 0o2775 })]],
] as const)('accepts %s', async (_, parts) => {
  expect((await read(tarOf(...parts))).entries).not.toEqual([]);
});

describe('a truncated tarball', () => {
  const tar = coturnTar();
  const packed = gzipSync(tar);

  test('is corrupt wherever its .tar is cut', async () => {
    const dir = temporaryFolder();
    const path = join(dir, 'cut.tar');
    for (let size = 509; size < tar.length; size += 509) {
      writeFileSync(path, tar.subarray(0, size));
      expect(`${size} ${(await errorOf(readSourceTarball(path))).code}`).toBe(
        `${size} SOURCE_ARCHIVE_CORRUPT`,
      );
    }
  });

  test('is corrupt wherever its .tar.gz is cut', async () => {
    const path = join(temporaryFolder(), 'cut.tar.gz');
    for (let size = 1; size < packed.length; size += 7) {
      writeFileSync(path, packed.subarray(0, size));
      expect(`${size} ${(await errorOf(readSourceTarball(path))).code}`).toBe(
        `${size} SOURCE_ARCHIVE_CORRUPT`,
      );
    }
  });
});

test.each([
  ['text after the compressed data', Buffer.concat([gzipSync(coturnTar()), Buffer.from('garbage')])],
  ['zeros after the compressed data', Buffer.concat([gzipSync(coturnTar()), Buffer.alloc(16)])],
  ['text after the end marker', Buffer.concat([coturnTar(), Buffer.from('garbage')])],
  ['broken xz', Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(200, 1)])],
])('refuses as corrupt: %s', async (_, bytes) => {
  const error = await errorOf(read(bytes));
  expect(error.code).toBe('SOURCE_ARCHIVE_CORRUPT');
  expect(error.hint).toContain('Download it again');
});
