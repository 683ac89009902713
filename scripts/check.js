// `npm run check`: everything that has to hold before a change lands. Sets up what it needs, a Docker engine included.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const turnbuild = `${root}/bin/turnbuild.js`;

// Debian packages that only the tests need: a compiler and libmicrohttpd for the Prometheus client's own tests, gpg for
// the archive's, diffoscope to show why two builds differ,
// a container registry to take an image from.
const TEST_PACKAGES = [
  'gcc',
  'make',
  'libc6-dev',
  'libmicrohttpd-dev',
  'gnupg',
  'gpgv',
  'xz-utils',
  'diffoscope-minimal',
  'shellcheck',
  'rpm',
  'docker-registry',
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

function installTestPackages() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const missing = TEST_PACKAGES.filter((name) => spawnSync('dpkg-query', ['-W', name]).status !== 0);
  const promtool = spawnSync('promtool', ['--version']).status !== 0;
  if (missing.length === 0 && !promtool) return;
  if (!/^ID=debian$/m.test(release) || process.getuid?.() !== 0) {
    const names = [...missing, ...(promtool ? ['promtool'] : [])].join(', ');
    console.error(`check: the tests need ${names}; install them, or run this as root on Debian`);
    process.exit(1);
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  step('package lists', 'apt-get', ['update', '-q'], env);
  step(
    `install ${missing.join(' ')}`,
    'apt-get',
    ['install', '-qy', '--no-install-recommends', ...missing],
    env,
  );
  // As the inspection of a package gets it: Debian 12 has it in a package with much else.
  if (promtool) step('install promtool', 'sh', [`${root}/recipes/docker/promtool.sh`], env);
}

if (!existsSync(`${root}/node_modules/.package-lock.json`))
  step('npm ci', 'npm', ['ci', '--no-audit', '--no-fund']);
step('lint', 'npx', ['biome', 'check', '.']);
step('import rules', 'npx', ['depcruise', 'src', '--config', '.dependency-cruiser.cjs']);
step('types', 'npx', ['tsc', '--noEmit']);
step('bundle', process.execPath, [`${root}/scripts/bundle.js`]);
installTestPackages();
const dockerScripts = (names) => names.map((name) => `${root}/recipes/docker/${name}.sh`);
step('shell scripts', 'shellcheck', [
  '--shell=sh',
  '--severity=warning',
  ...dockerScripts([
    ...['toolchain', 'compile', 'build', 'sanitize'].map((name) => `build/${name}`),
    ...[
      'static/libraries',
      'promtool',
      'inspection',
      'deb/package',
      'deb/inspect',
      'deb/install',
      'native/tools',
      'deb/verify/format',
    ],
    ...['package', 'inspect', 'repackage', 'root', 'install', 'variants', 'verify/format'].map(
      (name) => `rpm/${name}`,
    ),
    ...['dnf', 'sysroot', 'root', 'install'].map((name) => `sysroot/${name}`),
    'verify/systemctl',
  ]),
]);
step('shell scripts of the container', 'shellcheck', [
  '--shell=bash',
  '--severity=warning',
  '--exclude=SC2154',
  ...dockerScripts([
    ...['main', 'lib', 'edits', 'snapshot', 'service', 'shipped', 'traffic'].map((name) => `verify/${name}`),
    ...['deb', 'rpm'].flatMap((format) => [`${format}/verify/lifecycle`, `${format}/verify/upgrades`]),
    'rpm/verify/tarball',
  ]),
]);
step('machine', process.execPath, [turnbuild, 'doctor', '--fix']);
step('unit and integration tests', 'npx', [
  ...['vitest', 'run'],
  ...['unit', 'integration', 'thorough'].flatMap((name) => ['--project', name]),
]);
step('end-to-end tests', 'npx', ['vitest', 'run', '--project', 'e2e']);
if (process.argv.includes('--full')) {
  const out = mkdtempSync(`${tmpdir()}/turnbuild-full-`);
  const release = ['release', '4.6.1', '--source', 'debian', '--full', '--out', out];
  step('verification at full scale', process.execPath, [turnbuild, ...release]);
  // At full scale a foreign package was installed by its root's own apt and dpkg; the usual way has to see the same.
  const arch = process.arch === 'arm64' ? 'x86_64' : 'arm64';
  const again = `${out}/again`;
  cpSync(`${out}/4.6.1`, `${again}/4.6.1`, { recursive: true });
  const one = ['--source', 'debian', '--target', 'debian-13', '--arch', arch];
  step("the same package by the build platform's tools", process.execPath, [
    ...[turnbuild, 'verify', '4.6.1', ...one, '--out', again],
  ]);
  step('comparison of the two', process.execPath, [
    `${root}/scripts/compare-verifications.js`,
    ...[out, again].map((dir) => `${dir}/4.6.1/verify/debian-13-${arch}/verify`),
  ]);
  rmSync(out, { recursive: true, force: true });
}

for (const [title, seconds] of times) console.log(`${seconds.toFixed(1).padStart(8)} s  ${title}`);
console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(8)} s  in all`);
