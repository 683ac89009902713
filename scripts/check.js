// `npm run check`: the full test suite; run before every merge. Installs its prerequisites, including a Docker engine.
// --full adds the slow tests (test/full).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const turnbuild = `${root}/bin/turnbuild.js`;

// Debian packages that only the tests need, e.g. a compiler and libmicrohttpd for the tests of the Prometheus client, gpg for those of the
// Debian archive, diffoscope to show why two builds differ, a container registry that serves an image, and acl and attr for files with
// access control lists and extended attributes.
const TEST_PACKAGES = [
  // The tests bootstrap base images even if a registry answers.
  'mmdebstrap',
  'arch-test',
  'gcc',
  'make',
  'libc6-dev',
  'libmicrohttpd-dev',
  'curl',
  'git',
  'gnupg',
  'gpgv',
  'openssl',
  // Programs that write repositories, and a client.
  'apt-utils',
  'createrepo-c',
  'dnf',
  'dnf-plugins-core',
  'zsh',
  'xz-utils',
  'zstd',
  'diffoscope-minimal',
  'shellcheck',
  'rpm',
  'docker-registry',
  'acl',
  'attr',
];

const started = Date.now();
const times = [];

function step(title, file, args, env = {}) {
  console.log(`\n=== ${title}`);
  const begin = Date.now();
  const result = spawnSync(file, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  times.push([title, (Date.now() - begin) / 1000]);
  if (result.status === 0) return;
  console.error(`\ncheck: "${title}" failed (${[file, ...args].join(' ')})`);
  process.exit(result.status ?? 1);
}

/** Unpacks promtool into node_modules instead of installing its package, which starts a server in Debian 12. */
function providePromtool() {
  const dir = `${root}/node_modules/.cache/turnbuild-promtool`;
  process.env.PATH = `${process.env.PATH}:${dir}/usr/bin`;
  if (spawnSync('promtool', ['--version']).status === 0) return;
  mkdirSync(dir, { recursive: true });
  step('package lists', 'apt-get', ['update', '-q']);
  const script = `cd "$1"
    apt-get download -q -o APT::Sandbox::User=root promtool || apt-get download -q -o APT::Sandbox::User=root prometheus
    for deb in *.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x ./usr/bin/promtool; done
    rm ./*.deb
    ./usr/bin/promtool --version`;
  step('promtool', 'sh', ['-euc', script, 'promtool', dir]);
}

if (!existsSync(`${root}/node_modules/.package-lock.json`))
  step('npm ci', 'npm', ['ci', '--no-audit', '--no-fund']);
step('lint', 'npx', ['biome', 'check', '.']);
step('import rules', 'npx', ['depcruise', 'src', '--config', '.dependency-cruiser.cjs']);
step('types', 'npx', ['tsc', '--noEmit']);
step('bundle', process.execPath, [`${root}/scripts/bundle.js`]);
step('prerequisites', process.execPath, [
  turnbuild,
  'doctor',
  '--fix',
  '--packages',
  TEST_PACKAGES.join(','),
]);
providePromtool();
const dockerScripts = (names) => names.map((name) => `${root}/recipes/docker/${name}.sh`);
step('shell scripts', 'shellcheck', [
  '--shell=sh',
  '--severity=warning',
  ...dockerScripts([
    ...['compiler', 'toolchain', 'compile', 'build', 'sanitize'].map((name) => `build/${name}`),
    ...[
      'static/libraries',
      'promtool',
      'inspection',
      'results',
      'deb/package',
      'deb/inspect',
      'deb/inspect-read',
      'deb/install',
      'attempt',
      ...['tools', 'lend', 'dpkg'].map((name) => `native/${name}`),
      'deb/verify/format',
      'image/root',
    ],
    ...['package', 'inspect', 'repackage', 'root', 'install', 'variants', 'verify/format'].map(
      (name) => `rpm/${name}`,
    ),
    ...['dnf', 'sysroot', 'root', 'install'].map((name) => `sysroot/${name}`),
    'verify/systemctl',
    'verify/trees',
  ]),
]);
step('shell scripts of the verification container', 'shellcheck', [
  '--shell=bash',
  '--severity=warning',
  '--exclude=SC2154',
  ...dockerScripts([
    ...['main', 'lib', 'edits', 'service', 'shipped', 'traffic'].map((name) => `verify/${name}`),
    ...['deb', 'rpm'].flatMap((format) => [`${format}/verify/lifecycle`, `${format}/verify/upgrades`]),
    'rpm/verify/tarball',
  ]),
]);
step('workflows', process.execPath, [`${root}/scripts/lint-workflows.js`]);
step('unit and integration tests', 'npx', [
  ...['vitest', 'run'],
  ...['unit', 'integration', 'thorough'].flatMap((name) => ['--project', name]),
]);
step('end-to-end tests', 'npx', ['vitest', 'run', '--project', 'e2e']);
if (process.argv.includes('--full')) {
  step('doctor --fix on several machines', 'npx', ['vitest', 'run', '--project', 'e2e', 'doctor-fix'], {
    TURNBUILD_FULL: '1',
  });
  step('slow end-to-end tests', 'npx', ['vitest', 'run', '--project', 'full']);
  const out = mkdtempSync(`${tmpdir()}/turnbuild-full-`);
  const release = ['release', '4.6.1', '--source', 'debian', '--full', '--out', out];
  step('verification at full scale', process.execPath, [turnbuild, ...release]);
  // --full installs foreign packages with their roots' own apt, dpkg or dnf. The default way must give the same facts.
  const arch = process.arch === 'arm64' ? 'x86_64' : 'arm64';
  const again = `${out}/again`;
  cpSync(`${out}/4.6.1`, `${again}/4.6.1`, { recursive: true });
  const targets = ['debian-13', 'portable'];
  const some = ['--source', 'debian', '--target', targets.join(','), '--arch', arch];
  step("verification of the same packages with the build platform's tools", process.execPath, [
    ...[turnbuild, 'verify', '4.6.1', ...some, '--out', again],
  ]);
  for (const target of targets)
    step(`comparison of both verifications, ${target}`, process.execPath, [
      `${root}/scripts/compare-verifications.js`,
      ...[out, again].map((dir) => join(dir, '4.6.1', 'work', 'verify', `${target}-${arch}`, 'verify')),
    ]);
  rmSync(out, { recursive: true, force: true });
  step('mutation tests', process.execPath, [`${root}/scripts/mutants.js`]);
}

for (const [title, seconds] of times) console.log(`${seconds.toFixed(1).padStart(8)} s  ${title}`);
console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(8)} s  total`);
