import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { formatManifest, parseManifest } from '../../src/manifest/store.ts';
import { rebuildSourcePackage } from '../support/rebuild.ts';
import { pushRpmImage, startRegistry } from '../support/registry.ts';
import { type RunOptions, turnbuild } from '../support/turnbuild.ts';

// Real coturn 4.6.1 with its libraries linked in, on a real Docker engine. That its packages are verified, release.test.ts sees.
const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-e2e-portable-'));
const release = (args: string[], options?: RunOptions) =>
  turnbuild(
    ['release', '4.6.1', '--source', 'debian', '--target', 'portable', '--no-verify', ...args],
    options,
  );
const made = (folder: string) =>
  readdirSync(join(folder, '4.6.1'))
    .filter((name) => /\.(rpm|gz)$/.test(name))
    .sort();
const sums = (folder: string) =>
  made(folder).map((name) =>
    execFileSync('sha256sum', [name], { cwd: join(folder, '4.6.1'), encoding: 'utf8' }),
  );

/** A copy of the recipes with one file changed. */
function withRecipe(path: string, change: (text: string) => string): string {
  const copy = mkdtempSync(join(dir, 'recipes-'));
  cpSync(join(root, 'recipes'), join(copy, 'recipes'), { recursive: true });
  cpSync(join(root, 'patches'), join(copy, 'patches'), { recursive: true });
  const file = join(copy, 'recipes', path);
  const changed = change(readFileSync(file, 'utf8'));
  expect(changed).not.toBe(readFileSync(file, 'utf8'));
  writeFileSync(file, changed);
  return join(copy, 'recipes');
}

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('turnbuild release --target portable', () => {
  const out = join(dir, 'dist');

  it('makes the same bytes again from nothing, whatever macros the user has', async () => {
    expect((await release(['--out', out])).code).toBe(0);
    expect(made(out)).toEqual(
      [
        ...['aarch64', 'x86_64'].flatMap((arch) => [
          `coturn-4.6.1+turnbuild-1.${arch}.rpm`,
          `coturn-debuginfo-4.6.1+turnbuild-1.${arch}.rpm`,
        ]),
        ...['arm64', 'x86_64'].map((arch) => `coturn-4.6.1-linux-${arch}.tar.gz`),
        'coturn-4.6.1+turnbuild-1.src.rpm',
      ].sort(),
    );
    const file = join(out, '4.6.1/manifest.json');
    const { steps } = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
    const linked = steps.find(({ id }) => id === 'build:portable:arm64')?.facts?.linked as string[];
    expect(linked.map((line) => line.split(' ')[0])).toEqual([
      'hiredis',
      'libevent',
      'libmicrohttpd',
      'openssl',
      'sqlite3',
      'zlib',
    ]);
    const home = join(dir, 'home');
    mkdirSync(home);
    appendFileSync(
      join(home, '.rpmmacros'),
      '%_buildhost somewhere.else\n%_binary_payload w1.gzdio\n%_prefix /opt\n',
    );
    const again = join(dir, 'again');
    const env = {
      HOME: home,
      TURNBUILD_CACHE: join(process.env.HOME ?? '', '.cache/turnbuild'),
      TZ: 'Asia/Kathmandu',
    };
    const run = await release(['--out', again, '--no-cache'], { env });
    expect(run.code, run.stderr).toBe(0);
    expect(sums(again)).toEqual(sums(out));
  });

  it('has a bill of materials beside each package that is valid CycloneDX', async () => {
    const names = readdirSync(join(out, '4.6.1')).filter((name) => name.endsWith('.cdx.json'));
    expect(names).toHaveLength(4);
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    for (const name of names)
      expect(await validator.validate(readFileSync(join(out, '4.6.1', name), 'utf8'))).toBeNull();
  });

  it('has a source package that compiles by itself, with the shared libraries of the distribution', () => {
    const source = join(out, '4.6.1/coturn-4.6.1+turnbuild-1.src.rpm');
    const contents = execFileSync('rpm', ['-qpl', source], { encoding: 'utf8' }).trim().split('\n');
    expect(contents).toEqual(['compile.sh', 'coturn.spec', 'linked-in.tar', 'packaging.tar', 'source.tar']);
    const rebuilt = rebuildSourcePackage(source, join(dir, 'rebuilt'));
    expect(rebuilt.file).toMatch(/^coturn-4\.6\.1\+turnbuild-1\.(x86_64|aarch64)\.rpm$/);
    expect(rebuilt.requires).toMatch(/^libssl\.so\.3/m);
    expect(rebuilt.files).toContain('/usr/bin/turnserver\n');
    // It says nothing of libraries that it has not got.
    expect(rebuilt.files).not.toContain('cdx.json');
    expect(rebuilt.rpmlint).toMatch(/1 packages? and \d+ specfiles? checked; 0 errors/);
  });
});

describe('turnbuild verify --verify-on IMAGE', () => {
  it('tries an .rpm in an image of a registry, with the repositories of that image', async () => {
    const registry = await startRegistry(join(dir, 'registry'));
    try {
      const image = pushRpmImage(registry.address, dir);
      const out = join(dir, 'dist');
      const arch = process.arch === 'arm64' ? 'arm64' : 'x86_64';
      const run = await turnbuild([
        ...['verify', '4.6.1', '--source', 'debian', '--target', 'portable', '--arch', arch, '--out', out],
        ...['--verify-on', image, '--only', 'install,relay,tarball'],
      ]);
      expect(run.code, run.stderr).toBe(0);
      const file = join(out, '4.6.1/manifest.json');
      const { steps, bases } = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
      const { checks = [] } = steps.find(({ id }) => id === `verify:portable:${arch}`) ?? {};
      const passed = checks.filter(({ status }) => status === 'passed').map(({ id }) => id);
      expect(passed).toEqual(expect.arrayContaining(['install.clean', 'install.upgrade', 'tarball.runs']));
      expect(bases.find(({ origin }) => origin === 'registry')?.digest).toBe(image.split('@')[1]);
      const facts = readFileSync(join(out, `4.6.1/verify/portable-${arch}/verify/facts.txt`), 'utf8');
      expect(facts).toMatch(/^install\.root\tgiven$/m);
      expect(facts).toMatch(/^tarball\.ready\tyes$/m);
    } finally {
      registry.stop();
    }
  });
});

describe('turnbuild outdated, and the revision that it leads to', () => {
  const out = join(dir, 'dist');
  const file = join(out, '4.6.1/manifest.json');
  const manifest = () => parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
  const outdated = () => turnbuild(['outdated', out]);
  const auto = () => release(['--out', out, '--arch', 'x86_64', '--revision', 'auto']);
  const linkedOn = (arch: string) =>
    manifest().steps.find(({ id }) => id === `build:portable:${arch}`)?.facts?.linked as string[];

  it('finds nothing in packages of now', async () => {
    const run = await outdated();
    expect(run.stdout).toMatch(/openssl +3\.\S+ +3\.\S+ +bookworm\S* +up to date/);
    expect(run.stdout).toContain('Nothing is due');
    expect(run.code).toBe(0);
    const kept = await auto();
    expect(kept.stdout).toContain('revision 1 stays');
    expect(kept.code, kept.stderr).toBe(0);
  });

  it('names a library that is older than the archive, and release --revision auto makes it anew', async () => {
    const now = linkedOn('x86_64');
    const old = manifest();
    const changed = old.steps.map((step) =>
      step.id === 'build:portable:x86_64'
        ? {
            ...step,
            facts: {
              ...step.facts,
              linked: now.map((line) => line.replace(/^openssl \S+/, 'openssl 3.0.1-1')),
            },
          }
        : step,
    );
    writeFileSync(file, formatManifest({ ...old, steps: changed }, sha256Text));
    const run = await outdated();
    expect(run.stdout).toMatch(/openssl +3\.0\.1-1 +3\.\S+/);
    expect(run.stdout).toContain('turnbuild release 4.6.1 --revision auto');
    expect(run.code).toBe(1);
    const next = await auto();
    expect(next.code, next.stderr).toBe(0);
    expect(next.stdout).toContain('revision 2, for openssl');
    expect(next.stdout).toMatch(/portable x86_64: build: done/);
    expect(linkedOn('x86_64')).toEqual(now);
    expect(made(out)).toContain('coturn-4.6.1+turnbuild-2.x86_64.rpm');
    expect((await auto()).stdout).toContain('revision 2 stays');
  });
});

describe('faults in what a portable package is made of', () => {
  const ONE = ['--arch', 'x86_64'];
  const broken = join(dir, 'broken');
  const fails = async (recipes: string) => {
    const run = await release(['--out', broken, '--recipes', recipes, ...ONE]);
    expect(run.code).toBe(1);
    expect(made(broken)).toEqual([]);
    return run.stderr;
  };
  /** Makes a package that can be made, and tries to install it. */
  const verify = (recipes: string) => {
    const args = ['--target', 'portable', ...ONE, '--only', 'install.clean', '--out', join(dir, 'unfit')];
    return turnbuild(['release', '4.6.1', '--source', 'debian', '--recipes', recipes, ...args]);
  };

  it('a symbol of a newer C library than the target has fails the build, and is named', async () => {
    const recipes = withRecipe('targets/portable.yaml', (text) =>
      text.replace("glibc: '2.34'", "glibc: '2.33'"),
    );
    expect(await fails(recipes)).toMatch(
      /needs .*@GLIBC_2\.34 .*GLIBC_2\.33 and no newer[\s\S]*GLIBC_TOO_NEW/,
    );
  });

  it('a static library that the archive has not got', async () => {
    const recipes = withRecipe('targets/portable.yaml', (text) =>
      text.replace('archive: [ssl,', 'archive: [nosuch, ssl,'),
    );
    expect(await fails(recipes)).toMatch(/no libnosuch\.a for amd64[\s\S]*STATIC_LIBRARY_MISSING/);
  });

  it('a library of whose license the recipe says nothing', async () => {
    const recipes = withRecipe('targets/portable.yaml', (text) => text.replace('    zlib: Zlib\n', ''));
    expect(await fails(recipes)).toMatch(/zlib would be linked in[\s\S]*LICENSE_UNKNOWN/);
  });

  it('a scriptlet that fails too late for dnf to mind: the verification does (each has an upgrade whose %pre fails)', async () => {
    const recipes = withRecipe('packaging/rpm/coturn.spec', (text) =>
      text.replace('%post\n', '%post\nfalse || exit 1\n'),
    );
    const run = await verify(recipes);
    expect(run.stderr).toMatch(/install\.clean: install: .*scriptlet failed[\s\S]*VERIFY_FAILED/);
    expect(run.code).toBe(1);
  });

  it('a repository with a list of packages whose hash is wrong, when the package is installed from it', async () => {
    const recipes = withRecipe('docker/rpm/root.sh', (text) =>
      text.replace(
        'cp -a /repository /rpm-root/repository\n',
        'cp -a /repository /rpm-root/repository\nfor list in /rpm-root/repository/repodata/*primary*; do echo x >>"$list"; done\n',
      ),
    );
    const run = await verify(recipes);
    expect(run.stderr).toMatch(/dnf could not read a repository[\s\S]*REPOSITORY_FAILED/);
    expect(run.code).toBe(1);
  });

  it('a spec file with an error: the message names the line', async () => {
    const spec = 'packaging/rpm/coturn.spec';
    const recipes = withRecipe(spec, (text) => text.replace('%description\n', '%descriptionn\n'));
    const line = readFileSync(join(recipes, spec), 'utf8').split('\n').indexOf('%descriptionn') + 1;
    expect(await fails(recipes)).toMatch(new RegExp(`line ${line}:[\\s\\S]*SPEC_FAILED`));
  });
});
