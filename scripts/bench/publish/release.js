// @ts-check
// Makes verified releases with many packages, for `npm run bench:publish`.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string | Uint8Array} content */
const sha256 = (content) => createHash('sha256').update(content).digest('hex');

/** Bytes of the packages that are added: those of coturn's .deb and .rpm, and their debug symbols. */
const SIZES = { deb: [360_000, 1_300_000], rpm: [3_900_000, 2_000_000] };

/**
 * @typedef {object} Wanted
 * @property {string} out folder of the releases
 * @property {string} version
 * @property {'deb' | 'rpm'} format
 * @property {number} count packages; if undefined, coturn and its debug symbols with their usual sizes
 */

/** Writes a release that `turnbuild publish` accepts. @param {Omit<Wanted, 'count'> & { count?: number }} wanted */
export function makeRelease({ out, version, format, count }) {
  const dir = join(out, version);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const names =
    count === undefined
      ? ['coturn', 'coturn-symbols']
      : Array.from({ length: count }, (_, i) => `coturn-${i}`);
  const sizes = count === undefined ? SIZES[format] : names.map(() => 100);
  if (format === 'deb') makeDebs(dir, version, names, sizes);
  else makeRpms(dir, version, names, sizes);
  const outputs = readdirSync(dir).map((path) => {
    const bytes = readFileSync(join(dir, path));
    return {
      path,
      kind: format,
      size: bytes.length,
      sha256: sha256(bytes),
      target: TARGET[format],
      arch: 'x86_64',
    };
  });
  const inputs = outputs.map(({ path, sha256: digest }) => ({ path, sha256: digest }));
  const common = { bases: {}, status: 'done', seconds: 1 };
  const who = { target: TARGET[format], arch: 'x86_64' };
  const check = {
    id: 'stun',
    title: 'STUN',
    reason: 'a benchmark',
    status: 'passed',
    message: '',
    figures: {},
  };
  const document = {
    schema: 2,
    turnbuild: '0.1.0',
    coturn: { version, revision: 1, epoch: EPOCH },
    packageVersion: `${version}+turnbuild-1`,
    advisories: [],
    bases: [],
    steps: [
      { id: 'package', stage: 'package', key: sha256('package'), inputs: [], ...common, outputs, ...who },
      {
        id: 'verify',
        stage: 'verify',
        key: sha256('verify'),
        inputs,
        ...common,
        outputs: [],
        ...who,
        checks: [check],
      },
    ],
  };
  // src/manifest/sealed.ts
  const sealed = { ...document, digest: sha256(JSON.stringify(document)) };
  writeFileSync(join(dir, 'manifest.json'), `${JSON.stringify(sealed, null, 2)}\n`);
}

const TARGET = { deb: 'debian-13', rpm: 'portable' };
const EPOCH = 1_700_000_000;

/** @param {string} dir @param {string} version @param {readonly string[]} names @param {readonly number[]} sizes */
function makeDebs(dir, version, names, sizes) {
  const full = `${version}+turnbuild-1~deb13`;
  const root = join(dir, 'root');
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  for (const [index, name] of names.entries()) {
    writeFileSync(join(root, 'content'), randomBytes(sizes[index] ?? 0));
    const control = `Package: ${name}\nVersion: ${full}\nArchitecture: amd64\nMaintainer: A <a@example.org>\n${DESCRIPTION}`;
    writeFileSync(join(root, 'DEBIAN/control'), control);
    execFileSync(
      'dpkg-deb',
      ['--root-owner-group', '-Znone', '--build', root, join(dir, `${name}_${full}_amd64.deb`)],
      {
        stdio: 'ignore',
      },
    );
  }
  rmSync(root, { recursive: true });
}

// As long as coturn's, because it is most of the index.
const DESCRIPTION = `Pre-Depends: init-system-helpers (>= 1.54~)
Depends: adduser, sqlite3, libc6 (>= 2.38), libevent-core-2.1-7t64 (>= 2.1.8-stable), libhiredis1.1.0 (>= 1.2.0), libmariadb3 (>= 3.0.0)
Conflicts: rfc5766-turn-server, turnserver
Description: TURN and STUN server, with Prometheus metrics
${' coturn relays media between endpoints that cannot reach each other directly.\n'.repeat(8)}`;

/** @param {string} dir @param {string} version @param {readonly string[]} names @param {readonly number[]} sizes */
function makeRpms(dir, version, names, sizes) {
  const top = join(dir, 'rpmbuild');
  mkdirSync(top);
  const files = names.map((name, index) => {
    writeFileSync(join(top, name), randomBytes(sizes[index] ?? 0));
    return `%package -n ${name}\nSummary: a package\n%description -n ${name}\n${'coturn relays media. '.repeat(30)}\n%files -n ${name}\n/opt/${name}\n`;
  });
  const spec = `Name: bench
Version: ${version}+turnbuild
Release: 1
Summary: packages of a benchmark
License: MIT
AutoReqProv: no
%description
Packages of a benchmark.
%install
mkdir -p %{buildroot}/opt
cp ${top}/coturn* %{buildroot}/opt/
${files.join('\n')}`;
  writeFileSync(join(top, 'bench.spec'), spec);
  const settings = {
    _topdir: top,
    debug_package: '%{nil}',
    __os_install_post: '%{nil}',
    _binary_payload: 'w0.gzdio',
  };
  const defines = Object.entries(settings).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  execFileSync('rpmbuild', [...defines, '--quiet', '--target', 'x86_64', '-bb', join(top, 'bench.spec')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const name of readdirSync(join(top, 'RPMS/x86_64')))
    renameSync(join(top, 'RPMS/x86_64', name), join(dir, name));
  rmSync(top, { recursive: true });
}
