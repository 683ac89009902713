import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checksOf,
  copyRecipes,
  edit,
  FOREIGN,
  fileFolder,
  manifestOf,
  NATIVE,
  release,
} from '../support/e2e.ts';
import { pushRpmImage, startRegistry } from '../support/registry.ts';
import { expectSamePackages } from '../support/same-bytes.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Tests .rpms in other roots, and rebuilds them.
const dir = fileFolder('full-portable');
const out = join(dir, 'dist');

describe('turnbuild verify --verify-on IMAGE', () => {
  it('verifies an .rpm in an image from a registry, with the repositories of that image', async () => {
    const registry = await startRegistry(join(dir, 'registry'));
    try {
      const args = ['--target', 'portable', '--arch', NATIVE, '--out', out];
      const made = await release([...args, '--no-verify']);
      expect(made.code, made.stderr).toBe(0);
      // The root of this release.
      const image = pushRpmImage(registry.address, dir);
      const run = await turnbuild([
        ...['verify', '4.6.1', '--source', 'debian', ...args],
        ...['--verify-on', image, '--only', 'install,relay,tarball'],
      ]);
      expect(run.code, run.stderr).toBe(0);
      const manifest = manifestOf(out);
      const checks = [...checksOf(manifest, `verify:portable:${NATIVE}`).values()];
      const passed = checks.filter(({ status }) => status === 'passed').map(({ id }) => id);
      expect(passed).toEqual(expect.arrayContaining(['install.clean', 'install.upgrade', 'tarball.runs']));
      expect(manifest.bases.find(({ origin }) => origin === 'registry')?.digest).toBe(image.split('@')[1]);
      const facts = readFileSync(join(out, `4.6.1/work/verify/portable-${NATIVE}/verify/facts.txt`), 'utf8');
      expect(facts).toMatch(/^install\.root\tgiven$/m);
      expect(facts).toMatch(/^tarball\.ready\tyes$/m);
    } finally {
      registry.stop();
    }
  });
});

describe('the same bytes', () => {
  it('come from a build without cache, whatever rpm macros the user has', async () => {
    const made = (folder: string, ...args: string[]) => [
      '--target',
      'portable',
      '--arch',
      FOREIGN,
      '--no-verify',
      '--out',
      join(dir, folder),
      ...args,
    ];
    const first = await release(made('once'));
    expect(first.code, first.stderr).toBe(0);
    const home = join(dir, 'home');
    mkdirSync(home);
    writeFileSync(
      join(home, '.rpmmacros'),
      '%_buildhost somewhere.else\n%_binary_payload w1.gzdio\n%_prefix /opt\n',
    );
    const cache = process.env.TURNBUILD_CACHE ?? join(homedir(), '.cache/turnbuild');
    const env = { HOME: home, TURNBUILD_CACHE: cache, TZ: 'Asia/Kathmandu' };
    const again = await release(made('again', '--no-cache'), { env });
    expect(again.code, again.stderr).toBe(0);
    await expectSamePackages(join(dir, 'again'), join(dir, 'once'), 6);
  });
});

describe('faults that only an installation reveals include', () => {
  /** Builds a package from recipes with one changed file and tries to install it. */
  const verify = (path: string, change: (text: string) => string) => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, path), change);
    const args = ['--target', 'portable', '--arch', NATIVE, '--only', 'install.clean'];
    return release(['--recipes', recipes, ...args, '--out', join(dir, 'unfit')]);
  };

  it('a failing %post scriptlet, which dnf ignores (each verification has an upgrade whose %pre fails)', async () => {
    const run = await verify('packaging/rpm/coturn.spec', (text) =>
      text.replace('%post\n', '%post\nfalse || exit 1\n'),
    );
    expect(run.stderr).toMatch(/install\.clean: install: .*scriptlet failed[\s\S]*VERIFY_FAILED/);
    expect(run.code).toBe(1);
  });

  it('a repository with a package list whose hash is wrong', async () => {
    const run = await verify('docker/rpm/root.sh', (text) =>
      text.replace(
        'cp -a /repository /rpm-root/repository\n',
        'cp -a /repository /rpm-root/repository\nfor list in /rpm-root/repository/repodata/*primary*; do echo x >>"$list"; done\n',
      ),
    );
    expect(run.stderr).toMatch(/dnf cannot read a repository[\s\S]*REPOSITORY_FAILED/);
    expect(run.code).toBe(1);
  });
});
