import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requirePrivate } from '../../src/io/private-folder.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { serve } from '../support/http-server.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const OTHER = 12345;
const hasAcl = spawnSync('setfacl', ['--version']).status === 0;
const isRoot = process.getuid?.() === 0;
/** Cases whose preparation requires root. */
const asRoot = (name: string) => (isRoot ? name : `${name} (skipped: changing owners requires root)`);

/** A cache with a file in it, in a folder of its own. */
function prepare() {
  const home = temporaryFolder();
  const cache = join(home, 'cache');
  const file = join(cache, 'bases/root.tar');
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, '', { mode: 0o644 });
  return { home, cache, file };
}

/** The number of a group that has no members. */
function groupOfNobodyElse(): number {
  const passwd = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':')[3]);
  const rows = readFileSync('/etc/group', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(':'));
  return Number(rows.find(([, , id, members]) => id !== '0' && members === '' && !passwd.includes(id))?.[2]);
}

describe('a cache is accepted', () => {
  test('if only its user can write to it', () => requirePrivate(prepare().cache));
  test('if it does not exist yet', () => requirePrivate(join(temporaryFolder(), 'a/b')));

  test('in a sticky folder like /tmp', async () => {
    const { home, cache } = prepare();
    chmodSync(home, 0o1777);
    await requirePrivate(cache);
  });

  test('through a link of the same user', async () => {
    const { home, cache } = prepare();
    symlinkSync(cache, join(home, 'link'));
    await requirePrivate(join(home, 'link'));
  });

  test.skipIf(!isRoot)(asRoot('if it belongs to root and another user uses it'), () =>
    requirePrivate(prepare().cache, OTHER),
  );
});

describe('a cache is refused', () => {
  const refused = async (cache: string, path: string, why: RegExp) => {
    const error = await errorOf(requirePrivate(cache));
    expect(error.code).toBe('CACHE_UNSAFE');
    expect(error.message).toMatch(why);
    expect(error.message).toContain(path);
    expect(error.hint).toContain('TURNBUILD_CACHE');
  };

  test('if it is world-writable', async () => {
    const { cache } = prepare();
    chmodSync(cache, 0o777);
    await refused(cache, 'it can be', /mode 0777/);
    // The sticky bit does not help there: others can add files.
    chmodSync(cache, 0o1777);
    await refused(cache, 'it can be', /mode 1777/);
  });

  test('if it contains a world-writable file or folder', async () => {
    const { cache, file } = prepare();
    chmodSync(file, 0o666);
    await refused(cache, file, /mode 0666/);
    chmodSync(file, 0o644);
    chmodSync(dirname(file), 0o777);
    await refused(cache, dirname(file), /mode 0777/);
  });

  test('in a world-writable folder', async () => {
    const { cache, home } = prepare();
    chmodSync(home, 0o777);
    await refused(cache, home, /mode 0777/);
  });

  test('through a link in a world-writable folder', async () => {
    const { cache } = prepare();
    const open = temporaryFolder();
    chmodSync(open, 0o777);
    symlinkSync(cache, join(open, 'link'));
    await refused(join(open, 'link'), open, /mode 0777/);
    // Through a link to that link.
    const first = join(temporaryFolder(), 'first');
    symlinkSync(join(open, 'link'), first);
    await refused(first, open, /mode 0777/);
  });

  test('if it is a link cycle', async () => {
    const link = join(temporaryFolder(), 'link');
    symlinkSync(link, link);
    await refused(link, link, /is a dangling symlink or part of a link cycle/);
  });

  test.skipIf(!isRoot)(asRoot('if it, its content or its parent belongs to another user'), async () => {
    const { cache, file, home } = prepare();
    for (const path of [file, dirname(file), cache, home]) {
      chownSync(path, OTHER, OTHER);
      await refused(cache, path === cache ? 'it belongs' : path, /belongs to user 12345/);
      chownSync(path, 0, 0);
    }
    symlinkSync('/nowhere', join(cache, 'link'));
    lchownSync(join(cache, 'link'), OTHER, OTHER);
    await refused(cache, join(cache, 'link'), /belongs to user 12345/);
  });

  test('if it contains a link to a world-writable folder or file', async () => {
    const { cache } = prepare();
    const open = temporaryFolder();
    symlinkSync(open, join(cache, 'bases/shared'));
    await requirePrivate(cache);
    writeFileSync(join(open, 'root.tar'), '', { mode: 0o644 });
    chmodSync(join(open, 'root.tar'), 0o666);
    await refused(cache, join(open, 'root.tar'), /mode 0666/);
    chmodSync(join(open, 'root.tar'), 0o644);
    chmodSync(open, 0o777);
    await refused(cache, open, /mode 0777/);
  });

  test('if it is a link and contains a relative link to a world-writable folder', async () => {
    const { home, cache } = prepare();
    const open = join(home, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    symlinkSync('../open', join(cache, 'shared'));
    const link = join(temporaryFolder(), 'link');
    symlinkSync(cache, link);
    await refused(link, open, /mode 0777/);
  });

  test.skipIf(!hasAcl)(
    `if an access control list lets another user write${hasAcl ? '' : ' (skipped: no setfacl)'}`,
    async () => {
      const { cache } = prepare();
      chmodSync(cache, 0o775);
      await requirePrivate(cache);
      execFileSync('setfacl', ['--modify', 'user:12345:rwx', cache]);
      await refused(cache, 'it has', /access control list.*mode 0775/);
    },
  );

  test.skipIf(!hasAcl)(
    `if a default access control list lets another user write to new files${hasAcl ? '' : ' (skipped: no setfacl)'}`,
    async () => {
      for (const at of [prepare(), prepare()].entries()) {
        const [index, { cache, file }] = at;
        const folder = index === 0 ? cache : dirname(file);
        execFileSync('setfacl', ['--default', '--modify', 'user:12345:rwx', folder]);
        await refused(cache, index === 0 ? 'it has' : folder, /has an access control list.*mode 0755/);
      }
    },
  );

  test('if its group can write to it, and there is no `ls` to find access control lists', async () => {
    const { cache } = prepare();
    chmodSync(cache, 0o775);
    vi.stubEnv('PATH', temporaryFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    await refused(cache, 'it ', /mode 0775/);
  });

  test('if one of 1,200 files has an access control list, with at most three calls of `ls`', async () => {
    const { cache } = prepare();
    for (let index = 0; index < 1200; index++) writeFileSync(join(cache, `${index}`), '', { mode: 0o644 });
    const bin = temporaryFolder();
    const script = `#!/bin/sh\necho call >> '${bin}/calls'\nfor path; do echo "-rw-r--r--$(case $path in */1199) echo +;; esac) 1 a b 0 $path"; done\n`;
    writeFileSync(join(bin, 'ls'), script, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    await refused(cache, join(cache, '1199'), /has an access control list/);
    expect(readFileSync(join(bin, 'calls'), 'utf8').match(/call/g)?.length).toBeLessThanOrEqual(3);
  });

  test.skipIf(!isRoot)(
    asRoot('if another group of the user can write to it, even without other members'),
    async () => {
      const { cache } = prepare();
      const gid = groupOfNobodyElse();
      chownSync(cache, 0, gid);
      chmodSync(cache, 0o775);
      await refused(cache, 'it can be', /mode 0775/);
    },
  );

  test.skipIf(!isRoot)(asRoot('if a group to which the user does not belong can write to it'), async () => {
    const { cache } = prepare();
    // The group "nogroup" has no members, so this user does not belong to it.
    chownSync(cache, 0, 65534);
    chmodSync(cache, 0o775);
    await refused(cache, 'it can be', /mode 0775/);
  });
});

describe('turnbuild', () => {
  const tarball = gzipSync(coturnTar('4.18.0'));
  const sha256 = createHash('sha256').update(tarball).digest('hex');

  test.each([
    ['source', ['source']],
    ['a dry run', ['source', '--dry-run']],
  ])('refuses an unsafe cache with one error and sends no request: %s', async (_, args) => {
    const { cache } = prepare();
    chmodSync(cache, 0o777);
    const server = await serve((_request, response) => response.end(tarball));
    const run = await turnbuild([...args, '--source', `${server.url}/c.tar.gz`, '--sha256', sha256], {
      cwd: temporaryFolder(),
      env: { TURNBUILD_CACHE: cache },
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('[CACHE_UNSAFE]');
    expect(run.stderr.trim().split('\n')).toHaveLength(3);
    expect(server.requests).toEqual([]);
  });

  test('writes no file that others can change and accepts its own cache again, even with umask 000', async () => {
    const dir = temporaryFolder();
    const program = fileURLToPath(new URL('../../bin/turnbuild.js', import.meta.url));
    const server = await serve((_request, response) => response.end(tarball));
    const args = `source --source ${server.url}/c.tar.gz --sha256 ${sha256} --out dist`;
    const run = () =>
      turnbuildWithUmask(`umask 000; exec ${process.execPath} ${program} ${args}`, dir, join(dir, 'cache'));
    await run();
    await run();
    const open = execFileSync('find', [dir, '-mindepth', '1', '-perm', '/022', '!', '-type', 'l'], {
      encoding: 'utf8',
    });
    expect(open).toBe('');
    expect(execFileSync('find', [join(dir, 'cache'), '-type', 'f'], { encoding: 'utf8' })).toContain(
      'source.tar.gz',
    );
  });
});

/** Runs a shell command with a cache, asynchronously, so that the test's server can answer. */
async function turnbuildWithUmask(command: string, cwd: string, cache: string): Promise<void> {
  const { execa } = await import('execa');
  await execa('sh', ['-c', command], { cwd, env: { TURNBUILD_CACHE: cache } });
}
