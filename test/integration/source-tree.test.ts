import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSourceTarball, type SourceTree } from '../../src/sources/tarball.ts';
import { coturnVersion, treeDigest, writeNormalisedTar } from '../../src/sources/tree.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { file, folder, link, pax, tarOf } from '../support/tar-builder.ts';

const EPOCH = 1_670_102_489;

async function treeOf(tar: Buffer): Promise<SourceTree> {
  const path = join(temporaryFolder(), 'tree.tar');
  writeFileSync(path, tar);
  return readSourceTarball(path);
}

describe('treeDigest', () => {
  const digest = async (...parts: Buffer[]) => treeDigest(await treeOf(tarOf(...parts)));
  const base = () => digest(file('coturn/a', '1'), file('coturn/b/c', '2'), link('coturn/l', 'a'));

  test('does not depend on order, times, irrelevant mode bits or explicit folder entries', async () => {
    const other = await digest(
      folder('coturn/b'),
      link('coturn/l', 'a', { mtime: 5 }),
      file('coturn/b/c', '2', { mode: 0o664 }),
      file('coturn/a', '1', { mtime: 7 }),
    );
    expect(other).toBe(await base());
    expect(other).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    ['the content of a file', [file('coturn/a', '3'), file('coturn/b/c', '2'), link('coturn/l', 'a')]],
    ['a name', [file('coturn/A', '1'), file('coturn/b/c', '2'), link('coturn/l', 'a')]],
    [
      'an executable bit',
      [file('coturn/a', '1', { mode: 0o755 }), file('coturn/b/c', '2'), link('coturn/l', 'a')],
    ],
    ['a link target', [file('coturn/a', '1'), file('coturn/b/c', '2'), link('coturn/l', 'b')]],
    ['a file in place of a link', [file('coturn/a', '1'), file('coturn/b/c', '2'), file('coturn/l', 'a')]],
    [
      'an additional file',
      [file('coturn/a', '1'), file('coturn/b/c', '2'), link('coturn/l', 'a'), file('coturn/d', '')],
    ],
  ])('changes with %s', async (_, parts) => {
    expect(await digest(...parts)).not.toBe(await base());
  });
});

describe('writeNormalisedTar', () => {
  const long = `coturn/${'folder-with-a-long-name/'.repeat(12)}file.c`;
  const parts = [
    file('coturn/b', 'text', { mode: 0o775 }),
    pax([['path', long]]),
    file('coturn/x', 'deep'),
    file('coturn/\u00fcber', 'u'),
    link('coturn/a', 'b'),
  ];

  test('writes a tarball that GNU tar unpacks to the same tree, with fixed times and modes', async () => {
    const dir = temporaryFolder();
    const tree = await treeOf(tarOf(...parts));
    await writeNormalisedTar(tree, EPOCH, join(dir, 'out.tar'));
    const listing = execFileSync(
      'tar',
      ['--utc', '--full-time', '--numeric-owner', '-tvf', join(dir, 'out.tar')],
      {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C.UTF-8' },
      },
    );
    const lines = listing
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '));
    expect(lines).toEqual([
      'lrwxrwxrwx 0/0 0 2022-12-03 21:21:29 coturn/a -> b',
      '-rwxr-xr-x 0/0 4 2022-12-03 21:21:29 coturn/b',
      `-rw-r--r-- 0/0 4 2022-12-03 21:21:29 ${long}`,
      '-rw-r--r-- 0/0 1 2022-12-03 21:21:29 coturn/\u00fcber',
    ]);
    execFileSync('tar', ['-xf', 'out.tar'], { cwd: dir });
    expect(readFileSync(join(dir, long), 'utf8')).toBe('deep');
    expect(treeDigest(await readSourceTarball(join(dir, 'out.tar')))).toBe(treeDigest(tree));
  });

  test('writes the same bytes for any order and times, and leaves no other file', async () => {
    const dir = temporaryFolder();
    const write = async (name: string, tar: Buffer) => {
      await writeNormalisedTar(await treeOf(tar), EPOCH, join(dir, name));
      return readFileSync(join(dir, name));
    };
    const first = await write('1.tar', tarOf(file('coturn/a', 'a', { mtime: 1 }), file('coturn/b', 'b')));
    const second = await write('2.tar', tarOf(file('coturn/b', 'b', { mode: 0o600 }), file('coturn/a', 'a')));
    expect(second.equals(first)).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(['1.tar', '2.tar']);
  });

  test('leaves no file if it fails', async () => {
    const dir = temporaryFolder();
    const tree = await treeOf(coturnTar());
    await expect(writeNormalisedTar(tree, EPOCH, join(dir, 'none/out.tar'))).rejects.toThrow('ENOENT');
    expect(readdirSync(dir)).toEqual([]);
    expect((await errorOf(readSourceTarball(join(dir, 'none/out.tar')))).code).toBe('SOURCE_ARCHIVE_CORRUPT');
  });
});

describe('coturnVersion', () => {
  const version = async (...parts: Buffer[]) =>
    coturnVersion(await treeOf(tarOf(file('coturn/x'), ...parts)));
  const defs = (text: string) => file('coturn/src/ns_turn_defs.h', text);

  test.each([
    ['4.6.1', '#define TURN_SERVER_VERSION "4.6.1"'],
    ['4.5.1.3', '#ifndef X\n # define\tTURN_SERVER_VERSION  "4.5.1.3"\n'],
    ['4.17.0-rc1', '#define TURN_SERVER_VERSION "4.17.0-rc1"'],
    [undefined, '// #define TURN_SERVER_VERSION "4.6.1"'],
    [undefined, '#define TURN_SERVER_VERSION_NAME "4.6.1"'],
    [undefined, '#define TURN_SERVER_VERSION "../../../etc/cron.d/x"'],
    [undefined, '#define TURN_SERVER_VERSION "4.6.1/../../x"'],
    [undefined, `#define TURN_SERVER_VERSION "4.6.${'1'.repeat(50_000)}!"`],
  ])('is %s', async (expected, text) => {
    expect(await version(defs(text))).toBe(expected);
  });

  test('is taken from CMakeLists.txt if the header has none', async () => {
    const cmake = file('coturn/CMakeLists.txt', 'project(coturn\n  VERSION 4.18.0\n  LANGUAGES C)\n');
    expect(await version(cmake)).toBe('4.18.0');
    expect(await version(cmake, defs('#define TURN_SERVER_VERSION "4.17.1"'))).toBe('4.17.1');
  });

  test('is undefined without either', async () => expect(await version()).toBeUndefined());
});
