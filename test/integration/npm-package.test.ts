import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { satisfies } from 'semver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { copyProject } from '../support/copied-project.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { snapshot } from '../support/sandbox.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const { version, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
let top: string;
/** A user's folder with an installed turnbuild. */
let dir: string;
let installed: string;

/**
 * Runs `npm pack` on a copy without lib/, like a clean clone, and reproduces the result of `npm install` of the tarball. npm itself takes
 * 10 to 25 seconds and needs a registry. Here the dependencies are links, and nothing else is installed.
 */
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'turnbuild-npm-'));
  const { dir: clone } = copyProject(join(top, 'clone'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', top], { cwd: clone });
  dir = join(top, 'user');
  installed = join(dir, 'node_modules/turnbuild');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', [
    '-xzf',
    join(top, `turnbuild-${version}.tgz`),
    '--strip-components=1',
    '-C',
    installed,
  ]);
  for (const name of Object.keys(dependencies)) {
    const link = join(dir, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
  mkdirSync(join(dir, 'node_modules/.bin'));
  symlinkSync('../turnbuild/bin/turnbuild.js', join(dir, 'node_modules/.bin/turnbuild'));
  writeFileSync(join(dir, 'package.json'), '{}');
  writeFileSync(join(dir, 'coturn.tar'), coturnTar('4.18.0'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

describe('the npm package', () => {
  it('contains the program, its data and the documentation, but neither sources nor tests', () => {
    for (const name of [
      'recipes',
      'patches',
      'schemas',
      'docs',
      'bin',
      'LICENSE',
      'CHANGELOG.md',
      'README.md',
    ])
      expect(existsSync(join(installed, name)), name).toBe(true);
    for (const file of [
      'lib/cli.js',
      'lib/lab.mjs',
      'recipes/docker/Dockerfile',
      'schemas/project.schema.json',
      'schemas/user-data.schema.json',
    ])
      expect(existsSync(join(installed, file)), file).toBe(true);
    const names = readdirSync(installed, { recursive: true }).map(String);
    expect(names.filter((name) => /^(src|test|scripts|node_modules)\b|\.map$/.test(name))).toEqual([]);
    expect(readdirSync(join(installed, 'recipes'), { recursive: true }).sort()).toEqual(
      readdirSync(join(ROOT, 'recipes'), { recursive: true }).sort(),
    );
  });

  it('declares its metadata and the supported Node versions', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    for (const key of ['description', 'license', 'homepage', 'bugs', 'repository', 'keywords'])
      expect(manifest[key], key).toBeTruthy();
    expect(manifest.engines).toEqual({ node: '>=20.19' });
  });

  it('depends only on packages that support the oldest Node version', () => {
    // npm ignores the overrides of a dependency, so they would not reach users.
    expect(JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')).overrides).toBeUndefined();
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    const packages = Object.entries<{ dev?: true; engines?: { node?: string } }>(lock.packages);
    const used = packages.filter(([path, { dev }]) => path !== '' && dev === undefined);
    expect(used.length).toBeGreaterThan(50);
    const tooNew = used.filter(([, { engines }]) => !satisfies('20.19.0', engines?.node ?? '*'));
    expect(tooNew.map(([path]) => path)).toEqual([]);
  });
});

it('the installed program runs outside its clone and writes pins to the folder of the user', () => {
  const before = snapshot(installed);
  const env = { ...process.env, ...fakeDocker(top, BUILDER), TURNBUILD_CACHE: join(top, 'cache') };
  const run = (...words: string[]) =>
    execFileSync(join(dir, 'node_modules/.bin/turnbuild'), words, { cwd: dir, env, encoding: 'utf8' });
  const plan = (...words: string[]) =>
    JSON.parse(run('plan', '--json', '--source', 'coturn.tar', '--no-verify', ...words));
  const npx = execFileSync('npx', ['--offline', 'turnbuild', '--version'], {
    cwd: dir,
    env,
    encoding: 'utf8',
  });
  expect(npx).toBe(`${version}\n`);
  // Without a project.
  plan('--update-lock', '--target', 'portable');
  const lock = readFileSync(join(dir, 'turnbuild.lock.json'), 'utf8');
  expect(Object.keys(JSON.parse(lock).sources)).toEqual(['4.18.0']);

  const words = run('init', '--coturn', '4.18.0', '--target', 'debian-12', '--arch', 'x86_64');
  expect(words).toContain(`Kept ${join(dir, 'turnbuild.lock.json')}`);
  expect(words).toMatch(/Next: npx turnbuild release\n$/);
  expect(readFileSync(join(dir, 'turnbuild.lock.json'), 'utf8')).toBe(lock);
  const text = readFileSync(join(dir, 'turnbuild.yaml'), 'utf8');
  const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
  expect(schema).toBe('node_modules/turnbuild/schemas/project.schema.json');
  expect(parse(text)).toEqual({
    ...{ coturn: '4.18.0', targets: ['debian-12'], architectures: ['x86_64'], revision: 1 },
  });

  const { coturn, choices } = plan();
  expect(coturn).toMatchObject({ version: '4.18.0', revision: 1 });
  expect(choices).toMatchObject({ targets: ['debian-12'], architectures: ['x86_64'] });
  expect(snapshot(installed)).toEqual(before);
});
