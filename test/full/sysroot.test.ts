import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { makeRpmRepository, serveFolder } from '../support/rpm-repository.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Builds el9 from a repository with Debian 12's own binaries as signed rpms. The compiler is Debian 13's, so that a library or header of
// the toolchain would show.
const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-e2e-sysroot-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const native = process.arch === 'arm64' ? 'arm64' : 'x86_64';
const LIBRARIES = [
  ...[
    'libc6-dev',
    'libgcc-s1',
    'libevent-dev',
    'libssl-dev',
    'libsqlite3-dev',
    'libpq-dev',
    'libmariadb-dev',
  ],
  ...['libhiredis-dev', 'libsystemd-dev', 'libmicrohttpd-dev', 'libsctp-dev'],
];
const repository = join(dir, 'repository');
const recipes = join(dir, 'recipes');
const out = join(dir, 'dist');
const key = join(recipes, 'docker/sysroot/test.asc');

/** Runs turnbuild with the address of the repository. */
async function run(command: string, ...args: string[]) {
  return turnbuild([
    ...[command, '4.6.1', '--source', 'debian', '--target', 'el9', '--recipes', recipes],
    ...['--mirror', `el9=${await serveFolder(repository)}`, ...args],
  ]);
}

beforeAll(async () => {
  for (const name of ['recipes', 'patches']) cpSync(join(root, name), join(dir, name), { recursive: true });
  for (const arch of ['arm64', 'x86_64'] as const)
    await makeRpmRepository(repository, arch, { native, libraries: LIBRARIES });
  const file = join(recipes, 'targets/el9.yaml');
  const recipe = readFileSync(file, 'utf8');
  const changed = recipe
    .replace(
      / {4}- \{ mirror: el9, path: 'BaseOS[\s\S]*?(?=\n {2}#)/,
      "    - { mirror: el9, path: '{arch}' }",
    )
    .replace(/ {2}keys:\n( {4}- .*\n)+/, '  keys: [/turnbuild/sysroot/test.asc]\n')
    .replace(/libraries:\n( {2}- .*\n)+/, `libraries: [system-release, ${LIBRARIES.join(', ')}]\n`)
    .replace("glibc: '2.34'", "glibc: '2.36'");
  writeFileSync(file, changed);
  cpSync(join(repository, 'x86_64/key.asc'), key);
  // Each repository has its own key.
  writeFileSync(key, readFileSync(join(repository, 'aarch64/key.asc')), { flag: 'a' });
});

describe('a target with a sysroot', () => {
  it('names the mirrors whose URLs are missing', async () => {
    const bare = join(dir, 'bare');
    cpSync(recipes, bare, { recursive: true });
    const file = join(bare, 'targets/el9.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(
        "{ mirror: el9, path: '{arch}' }",
        "{ mirror: el9, path: '{arch}' }\n    - { mirror: epel9, path: '{arch}' }",
      ),
    );
    const args = ['release', '4.6.1', '--source', 'debian', '--target', 'el9', '--recipes', bare];
    const { code, stderr } = await turnbuild([...args, '--out', join(dir, 'none')]);
    expect(stderr).toMatch(/"el9" and "epel9"\s+Pass --mirror el9=URL --mirror epel9=URL/);
    expect(stderr).toContain('[MIRROR_UNKNOWN]');
    expect(code).toBe(2);
  });

  it('refuses packages that none of its keys has signed', async () => {
    const good = readFileSync(key);
    writeFileSync(
      key,
      readFileSync(join(repository, native === 'arm64' ? 'x86_64/key.asc' : 'aarch64/key.asc')),
    );
    const { code, stderr } = await run('release', '--arch', native, '--out', join(dir, 'unsigned'));
    writeFileSync(key, good);
    expect(stderr).toMatch(/SYSROOT_FAILED/);
    expect(stderr).toMatch(/dnf cannot install the distribution's packages: .*(GPG|key)/i);
    expect(code).toBe(1);
  });

  it('is compiled for both architectures with the libraries of its repositories', async () => {
    const made = await run('release', '--no-verify', '--out', out);
    expect(made.code, made.stderr).toBe(0);
    const names = readdirSync(join(out, '4.6.1'));
    for (const arch of ['aarch64', 'x86_64', 'src'])
      expect(names).toContain(`coturn-4.6.1+turnbuild-1.el9.${arch}.rpm`);
    const file = join(out, '4.6.1/manifest.json');
    const { steps } = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
    const toolchain = steps.find(({ id }) => id === 'build:el9:arm64')?.facts?.toolchain as string[];
    expect(toolchain).toContainEqual(expect.stringMatching(/^libssl-dev\.aarch64=3\.0\./));
    const sbom = readFileSync(join(out, '4.6.1/coturn-4.6.1+turnbuild-1.el9.aarch64.rpm.cdx.json'), 'utf8');
    // All packages of that repository come from one source package, with another name and version.
    expect(sbom).toMatch(
      /"pkg:rpm\/debian\/libssl3@3\.0\.[^"?]*\?arch=aarch64&distro=debian-12&upstream=debian-1-1\.src\.rpm"/,
    );
  });

  it('is verified in a root that dnf installs from these repositories', async () => {
    const verified = await run('verify', '--arch', native, '--out', out);
    expect(verified.code, verified.stderr).toBe(0);
    const file = join(out, '4.6.1/manifest.json');
    const { steps } = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
    const { checks = [] } = steps.find(({ id }) => id === `verify:el9:${native}`) ?? {};
    const passed = checks.filter(({ status }) => status === 'passed').map(({ id }) => id);
    expect(passed).toEqual(
      expect.arrayContaining(['install.clean', 'install.upgrade', 'elf.glibc', 'package.sbom']),
    );
    // The installed dependencies are the libraries it was compiled with.
    const facts = readFileSync(
      join(out, `4.6.1/work/verify/el9-${native}/verify/installed.packages`),
      'utf8',
    );
    expect(facts).toMatch(/^libmicrohttpd12-/m);
  });
});
