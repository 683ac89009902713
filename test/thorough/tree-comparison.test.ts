import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseChanges } from '../../src/checks/tree-changes.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const script = readFileSync(new URL('../../recipes/docker/verify/trees.sh', import.meta.url), 'utf8');
/** What the package's root says of itself at the end. */
const FACTS = 'install.exit\t0\nseconds.purge\t1\n';

let dir: string;
const tree = (name: string) => join(dir, 'trees', name);
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
};
/** Writes in the tree that is compared. */
const writeAfter = (path: string, text: string) => write(`trees/used/${path}`, text);

/** Runs the script with trees of the test's own. */
function compare(more: Record<string, string> = {}): void {
  const own = script.replaceAll(/(?<![\w.])\/(trees|tmp|out)(?=[\s/"'])/g, `${dir}/$1`);
  const run = spawnSync('sh', ['-c', own], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, FORMAT: 'rpm', TOOLS: 'own', ...more },
  });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
}

/** What the comparison says of a change: kind and path. */
function difference(change: () => void, env?: Record<string, string>): string[] {
  change();
  compare(env);
  return changes('purge');
}

const out = (name: string) => readFileSync(join(dir, 'out', name), 'utf8');
const changes = (name: string) =>
  parseChanges(out(`${name}.changes.txt`)).map(({ kind, path }) => `${kind} ${path}`);

beforeEach(() => {
  dir = temporaryFolder();
  mkdirSync(join(dir, 'tmp'));
  const first = 'trees/prepared';
  write(`${first}/etc/conf`, 'a');
  write(`${first}/etc/name with spaces`, 'a');
  write(`${first}/etc/passwd`, 'root:x:0:0::/:/bin/sh\n');
  write(`${first}/tmp/owned`, '/usr\n/usr/other\n');
  mkdirSync(join(dir, first, 'empty'));
  symlinkSync('conf', join(dir, first, 'etc/link'));
  for (const name of ['used', 'replaceable', 'run'])
    cpSync(tree('prepared'), tree(name), { recursive: true, verbatimSymlinks: true });
  write('trees/run/out/facts.txt', FACTS);
  write('trees/run/out/install.log', 'installed');
});

describe('the comparison of two trees', () => {
  it('finds nothing in a tree that has not changed', () => {
    expect(difference(() => writeAfter('etc/conf', 'a'))).toEqual([]);
    expect(out('facts.txt')).toMatch(/^purge\.compared\t7$/m);
    expect(out('facts.txt')).toMatch(/^purge\.accounts\t$/m);
  });

  it.each<[string, () => void, string[]]>([
    ['a new file', () => writeAfter('etc/turn', 'x'), ['added /etc/turn']],
    ['a new folder', () => mkdirSync(join(tree('used'), 'var')), ['added /var']],
    ['other contents of the same length', () => writeAfter('etc/conf', 'b'), ['changed /etc/conf']],
    [
      'contents of a file with spaces',
      () => writeAfter('etc/name with spaces', 'b'),
      ['changed /etc/name with spaces'],
    ],
    ['another mode', () => chmodSync(join(tree('used'), 'empty'), 0o700), ['changed /empty']],
    ['a file that is gone', () => rmSync(join(tree('used'), 'etc/conf')), ['removed /etc/conf']],
    [
      'another target',
      () => {
        rmSync(join(tree('used'), 'etc/link'));
        symlinkSync('gone', join(tree('used'), 'etc/link'));
      },
      ['changed /etc/link'],
    ],
    [
      'a link that has become a file',
      () => {
        rmSync(join(tree('used'), 'etc/link'));
        writeAfter('etc/link', 'a');
      },
      ['changed /etc/link'],
    ],
    ['files of other packages are theirs', () => writeAfter('usr/other', 'x'), []],
    ['files among them are not', () => writeAfter('usr/own', 'x'), ['added /usr/own']],
    [
      'a program in the way of others',
      () => writeAfter('usr/local/bin/awk', 'x'),
      ['added /usr/local', 'added /usr/local/bin', 'added /usr/local/bin/awk'],
    ],
  ])('%s', (_, change, expected) => expect(difference(change)).toEqual(expected));

  it('is of what was done before the distribution, and of that, each by itself', () => {
    write('trees/run/out/facts.txt', `${FACTS}seconds.distribution\t2\n`);
    writeAfter('etc/left', 'x');
    write('trees/run/etc/late', 'x');
    write('trees/run/etc/passwd', 'root:x:0:0::/:/bin/sh\nturnserver:x:5:5::/:/bin/sh\n');
    compare();
    expect(changes('purge')).toEqual(['added /etc/left']);
    expect(changes('upgrade-purge')).toEqual(['added /etc/late', 'changed /etc/passwd']);
    expect(out('facts.txt')).toMatch(/^upgrade-purge\.accounts\tturnserver$/m);
  });

  it('is not made of what was not done', () => {
    write('trees/run/out/facts.txt', 'install.exit\t0\n');
    compare();
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['facts.txt', 'install.log']);
  });

  it('does not listen to what the trees say of it', () => {
    const forged = 'purge.compared\t5000\npurge.accounts\t\nupgrade-purge.compared\t5000\n';
    write('trees/run/out/facts.txt', `${FACTS}${forged}`);
    write('trees/run/out/purge.changes.txt', '');
    write('trees/run/out/upgrade-purge.changes.txt', 'changed\t/var/log/dpkg.log\ta\tb\n');
    symlinkSync('/etc/passwd', join(tree('run'), 'out/link.txt'));
    expect(difference(() => writeAfter('usr/sbin/left', 'x'))).toEqual([
      'added /usr/sbin',
      'added /usr/sbin/left',
    ]);
    expect(out('facts.txt')).toBe(`${FACTS}purge.compared\t10\npurge.accounts\t\n`);
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['facts.txt', 'install.log', 'purge.changes.txt']);
  });

  it('does not believe what a .deb may have written about files of other packages', () => {
    const planted = () => {
      writeAfter('usr/local/bin/awk', 'x');
      writeAfter('tmp/owned', '/usr/local\n/usr/local/bin\n/usr/local/bin/awk\n');
    };
    expect(difference(planted, { FORMAT: 'deb' })).toEqual([
      'added /usr',
      'added /usr/local',
      'added /usr/local/bin',
      'added /usr/local/bin/awk',
    ]);
  });

  it("leaves out the build platform's tools where they are mounted, and nothing beside them", () => {
    const change = () => {
      writeAfter('native/bin/find', 'x');
      writeAfter('usr/lib/x86_64-linux-gnu/libc.so.6', 'x');
      writeAfter('usr/lib/aarch64-linux-gnu/libturn.so', 'x');
    };
    const foreign = [
      'added /usr/lib',
      'added /usr/lib/aarch64-linux-gnu',
      'added /usr/lib/aarch64-linux-gnu/libturn.so',
    ];
    const NATIVE_TRIPLE = 'x86_64-linux-gnu';
    expect(difference(change, { TOOLS: 'native', NATIVE_TRIPLE })).toEqual(foreign);
    // Where nothing is mounted, that folder is like any other.
    expect(difference(change, { TOOLS: 'own', NATIVE_TRIPLE })).toEqual([
      ...foreign,
      'added /usr/lib/x86_64-linux-gnu',
      'added /usr/lib/x86_64-linux-gnu/libc.so.6',
    ]);
  });
});
