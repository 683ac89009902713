import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseChanges } from '../../src/stages/verify/tree-changes.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const folder = new URL('../../recipes/docker/', import.meta.url);
const script = ['deb/verify/format', 'verify/lib', 'verify/snapshot']
  .map((name) => readFileSync(new URL(`${name}.sh`, folder), 'utf8'))
  .join('\n');

let dir: string;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(dir, 'tree', path)), { recursive: true });
  writeFileSync(join(dir, 'tree', path), text);
};

/** Runs functions of the verification with a tree of the test's own instead of the machine's. */
function bash(commands: string): void {
  const own = script
    .replaceAll(/(?<=[>"\s])\/tmp\//g, `${dir}/tmp/`)
    .replaceAll('/out/', `${dir}/out/`)
    .replaceAll('/var/lib/dpkg/info', `${dir}/info`)
    .replace('find / -xdev', `find ${dir}/tree -xdev`)
    .replace('-path /native ', `-path ${dir}/tree/native `);
  const run = spawnSync('bash', ['-c', `set -u\n${own}\n${commands}`], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
}

/** What the comparison says of a change: kind and path. @param first commands that come before each snapshot */
function difference(change: () => void, first = ':'): string[] {
  bash(`${first}; snapshot before`);
  change();
  bash(`${first}; snapshot after; compare before after`);
  return parseChanges(readFileSync(join(dir, 'out/after.changes.txt'), 'utf8')).map(
    ({ kind, path }) => `${kind} ${path.replace(`${dir}/tree`, '')}`,
  );
}

beforeEach(() => {
  dir = temporaryFolder();
  for (const name of ['out', 'tmp', 'info', 'tree/empty']) mkdirSync(join(dir, name), { recursive: true });
  write('etc/conf', 'a');
  write('etc/name with spaces', 'a');
  symlinkSync('conf', join(dir, 'tree/etc/link'));
  writeFileSync(join(dir, 'info/other.list'), `${dir}/tree/usr\n${dir}/tree/usr/other\n`);
});

describe('the comparison of two trees', () => {
  it('finds nothing in a tree that has not changed', () => {
    expect(difference(() => write('etc/conf', 'a'))).toEqual([]);
    expect(readFileSync(join(dir, 'out/facts.txt'), 'utf8')).toMatch(/^after\.compared\t6$/m);
    expect(readFileSync(join(dir, 'out/facts.txt'), 'utf8')).toMatch(/^after\.accounts\t$/m);
  });

  it.each<[string, () => void, string[]]>([
    ['a new file', () => write('etc/turn', 'x'), ['added /etc/turn']],
    ['a new folder', () => mkdirSync(join(dir, 'tree/var')), ['added /var']],
    ['other contents of the same length', () => write('etc/conf', 'b'), ['changed /etc/conf']],
    [
      'contents of a file with spaces',
      () => write('etc/name with spaces', 'b'),
      ['changed /etc/name with spaces'],
    ],
    ['another mode', () => chmodSync(join(dir, 'tree/empty'), 0o700), ['changed /empty']],
    ['a file that is gone', () => rmSync(join(dir, 'tree/etc/conf')), ['removed /etc/conf']],
    [
      'another target',
      () => {
        rmSync(join(dir, 'tree/etc/link'));
        symlinkSync('gone', join(dir, 'tree/etc/link'));
      },
      ['changed /etc/link'],
    ],
    [
      'a link that has become a file',
      () => {
        rmSync(join(dir, 'tree/etc/link'));
        write('etc/link', 'a');
      },
      ['changed /etc/link'],
    ],
    ['files of other packages are theirs', () => write('usr/other', 'x'), []],
    ['files among them are not', () => write('usr/own', 'x'), ['added /usr/own']],
  ])('%s', (_, change, expected) => expect(difference(change)).toEqual(expected));

  it("leaves out the build platform's tools where they are mounted, and nothing beside them", () => {
    const change = () => {
      write('native/bin/find', 'x');
      write('usr/lib/x86_64-linux-gnu/libc.so.6', 'x');
      write('usr/lib/aarch64-linux-gnu/libturn.so', 'x');
    };
    const foreign = [
      'added /usr/lib',
      'added /usr/lib/aarch64-linux-gnu',
      'added /usr/lib/aarch64-linux-gnu/libturn.so',
    ];
    const libraries = `native_libraries=${dir}/tree/usr/lib/x86_64-linux-gnu`;
    expect(difference(change, libraries)).toEqual(foreign);
    for (const folder of ['native', 'usr/lib']) rmSync(join(dir, 'tree', folder), { recursive: true });
    // Where nothing is mounted, that folder is like any other.
    expect(difference(change)).toEqual([
      ...foreign,
      'added /usr/lib/x86_64-linux-gnu',
      'added /usr/lib/x86_64-linux-gnu/libc.so.6',
    ]);
  });
});
