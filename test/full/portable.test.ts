import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checksOf, copyRecipes, edit, fileFolder, manifestOf, NATIVE, release } from '../support/e2e.ts';
import { pushRpmImage, startRegistry } from '../support/registry.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Where and how an .rpm is tried.
const dir = fileFolder('full-portable');
const out = join(dir, 'dist');

describe('turnbuild verify --verify-on IMAGE', () => {
  it('tries an .rpm in an image of a registry, with the repositories of that image', async () => {
    const registry = await startRegistry(join(dir, 'registry'));
    try {
      const args = ['--target', 'portable', '--arch', NATIVE, '--out', out];
      const made = await release([...args, '--no-verify']);
      expect(made.code, made.stderr).toBe(0);
      // Of the root that this release has.
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
      const facts = readFileSync(join(out, `4.6.1/verify/portable-${NATIVE}/verify/facts.txt`), 'utf8');
      expect(facts).toMatch(/^install\.root\tgiven$/m);
      expect(facts).toMatch(/^tarball\.ready\tyes$/m);
    } finally {
      registry.stop();
    }
  });
});

describe('faults that only an installation finds', () => {
  /** Makes a package that can be made, of recipes in which one file is another, and tries to install it. */
  const verify = (path: string, change: (text: string) => string) => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, path), change);
    const args = ['--target', 'portable', '--arch', NATIVE, '--only', 'install.clean'];
    return release(['--recipes', recipes, ...args, '--out', join(dir, 'unfit')]);
  };

  it('a scriptlet that fails too late for dnf to mind: the verification does (each has an upgrade whose %pre fails)', async () => {
    const run = await verify('packaging/rpm/coturn.spec', (text) =>
      text.replace('%post\n', '%post\nfalse || exit 1\n'),
    );
    expect(run.stderr).toMatch(/install\.clean: install: .*scriptlet failed[\s\S]*VERIFY_FAILED/);
    expect(run.code).toBe(1);
  });

  it('a repository with a list of packages whose hash is wrong, when the package is installed from it', async () => {
    const run = await verify('docker/rpm/root.sh', (text) =>
      text.replace(
        'cp -a /repository /rpm-root/repository\n',
        'cp -a /repository /rpm-root/repository\nfor list in /rpm-root/repository/repodata/*primary*; do echo x >>"$list"; done\n',
      ),
    );
    expect(run.stderr).toMatch(/dnf could not read a repository[\s\S]*REPOSITORY_FAILED/);
    expect(run.code).toBe(1);
  });
});
