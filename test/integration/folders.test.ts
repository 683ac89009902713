import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/io/files.ts';
import { lockFolder } from '../../src/io/folder-lock.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const isRoot = process.getuid?.() === 0;

describe('makeFolder', () => {
  it('creates missing folders and returns the topmost of them', async () => {
    const dir = temporaryFolder();
    expect(await makeFolder(join(dir, 'a/b/c'))).toBe(join(dir, 'a'));
    expect(existsSync(join(dir, 'a/b/c'))).toBe(true);
    expect(await makeFolder(join(dir, 'a/b/c'))).toBeUndefined();
  });

  it('follows a link to a folder', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'real'));
    symlinkSync('real', join(dir, 'link'));
    await makeFolder(join(dir, 'link/a'));
    expect(readdirSync(join(dir, 'real'))).toEqual(['a']);
  });

  it('creates the same folder in concurrent calls', async () => {
    const dir = join(temporaryFolder(), 'a/b/c/d');
    await Promise.all(Array.from({ length: 50 }, () => makeFolder(dir)));
    expect(existsSync(dir)).toBe(true);
  });

  it.each([
    ['in /proc', '/proc/turnbuild-test/x', /this file system does not allow new folders/],
    ['in /sys', '/sys/turnbuild-test/x', /not permitted|permission denied|read-only|takes no/],
    ['under a file', '/etc/passwd/a/b', /\/etc\/passwd is not a folder/],
    ['instead of a file', '/etc/passwd', /\/etc\/passwd is not a folder/],
    ['with a name that is too long', `/tmp/${'x'.repeat(300)}/y`, /name is too long/],
  ])('explains why it cannot create a folder %s', async (_, dir, reason) => {
    const error = await errorOf(makeFolder(dir));
    expect(error).toMatchObject({ code: 'FOLDER_UNWRITABLE', exitCode: 1 });
    expect(error.message).toMatch(reason);
    expect(error.hint).toMatch(/--out/);
  });

  it('reports a dangling link', async () => {
    const dir = temporaryFolder();
    symlinkSync('/nowhere/at/all', join(dir, 'link'));
    expect((await errorOf(makeFolder(join(dir, 'link/a')))).message).toMatch(
      /a dangling symlink is in its place/,
    );
  });
});

it.skipIf(isRoot)(
  'lockFolder reports a folder that is not writable (not as root, which can write anywhere)',
  async () => {
    const dir = temporaryFolder();
    chmodSync(dir, 0o555);
    expect((await errorOf(lockFolder(dir))).message).toMatch(/permission denied/);
  },
);

it('src creates nested folders only with makeFolder', () => {
  // The laboratory's program is separate: it runs in its container, with its own folders.
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const recursive = files.filter(
    (name) =>
      name.endsWith('.ts') &&
      !name.startsWith('lab/') &&
      /mkdir(Sync)?\([^;]*recursive/.test(readFileSync(join(root, 'src', name), 'utf8')),
  );
  expect(recursive).toEqual([]);
});

/** Runs `turnbuild source` with a small tarball in a shell that a test prepares, with a time limit. */
function source(out: string, before = ''): { status: number | null; stderr: string } {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'coturn.tar'), coturnTar());
  const command = `${before} ${process.execPath} ${root}bin/turnbuild.js source --source coturn.tar --update-lock --lock lock.json`;
  const run = spawnSync(
    before === '' ? 'sh' : 'unshare',
    [...(before === '' ? [] : ['-m', 'sh']), '-c', `${command} --out ${out}`],
    {
      cwd: dir,
      encoding: 'utf8',
      timeout: 30_000,
      killSignal: 'SIGKILL',
    },
  );
  return { status: run.status, stderr: run.stderr };
}

describe('--out', () => {
  it.each(['/proc/x', '/proc/self/x/y', '/sys/x', '/etc/passwd/x'])(
    '%s fails at once with the reason',
    (out) => {
      const { status, stderr } = source(out);
      expect(stderr).toMatch(/Cannot write to the folder [\s\S]*FOLDER_UNWRITABLE/);
      expect(status).toBe(1);
    },
  );

  const mounts = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;
  it.skipIf(!mounts).each([
    ['a new folder', '/mnt/new'],
    ['an existing folder', '/mnt/have'],
  ])('on a read-only file system fails with the reason: %s (mounting requires root)', (_, out) => {
    const mounted =
      'mount -t tmpfs none /mnt && mkdir -p /mnt/have/4.6.1/source && mount -o remount,ro /mnt &&';
    const { status, stderr } = source(out, mounted);
    expect(stderr).toMatch(/Cannot write to the folder \/mnt\/.*: the file system is read-only/);
    expect(status).toBe(1);
  });
});
