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
import { afterAll, describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { parseManifest } from '../../src/manifest/store.ts';
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

  it('a spec file with an error: the message names the line', async () => {
    const spec = 'packaging/rpm/coturn.spec';
    const recipes = withRecipe(spec, (text) => text.replace('%description\n', '%descriptionn\n'));
    const line = readFileSync(join(recipes, spec), 'utf8').split('\n').indexOf('%descriptionn') + 1;
    expect(await fails(recipes)).toMatch(new RegExp(`line ${line}:[\\s\\S]*SPEC_FAILED`));
  });
});
