// @ts-check
// `npm run bench:publish`: measures on this machine what it costs to publish a release in apt and dnf repositories that have 10, 100 and 1,000
// packages. Prints the table of BENCHMARKS.md. Requires the programs of docs/publishing.md, dpkg-deb and rpmbuild.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRelease } from './bench/publish/release.js';

const ROUNDS = 3;
const COUNTS = [10, 100, 1000];
const FORMATS = /** @type {const} */ ({ apt: 'deb', dnf: 'rpm' });

const program = fileURLToPath(new URL('../bin/turnbuild.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-bench-'));
const home = mkdtempSync(join(tmpdir(), 'tb-gpg-'));
const env = { ...process.env, GNUPGHOME: home, CI: 'true' };

/** @param {readonly string[]} args */
const gpg = (args) => execFileSync('gpg', ['--batch', '--quiet', ...args], { env, encoding: 'utf8' });

/** @param {'apt' | 'dnf'} to @param {{ repo: string, out: string, key: string }} place @param {readonly string[]} more */
function publish(to, { repo, out, key }, more) {
  const args = ['publish', ...more, '--to', to, '--repo', repo, '--out', out, '--sign-with', key];
  return execFileSync(process.execPath, [program, ...args, '--url', 'https://packages.example.org'], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** @param {'apt' | 'dnf'} to @param {number} count @param {string} key */
function measure(to, count, key) {
  const place = { repo: join(dir, `${to}-${count}`), out: join(dir, 'dist', `${to}-${count}`), key };
  makeRelease({ out: place.out, version: '4.17.0', format: FORMATS[to], count });
  publish(to, place, ['4.17.0']);
  makeRelease({ out: place.out, version: '4.18.0', format: FORMATS[to] });
  const { destinations } = JSON.parse(publish(to, place, ['4.18.0', '--dry-run', '--json']));
  /** @type {{ do: string, size?: number }[]} */
  const actions = destinations[0].actions.filter((/** @type {{ do: string }} */ each) => each.do !== 'reuse');
  const bytes = actions.reduce((sum, { size = 0 }) => sum + size, 0);
  const seconds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const copy = { ...place, repo: join(dir, 'copy') };
    cpSync(place.repo, copy.repo, { recursive: true });
    const begin = process.hrtime.bigint();
    publish(to, copy, ['4.18.0']);
    seconds.push(Number(process.hrtime.bigint() - begin) / 1e9);
    rmSync(copy.repo, { recursive: true });
  }
  publish(to, place, ['4.18.0']);
  const again = JSON.parse(publish(to, place, ['4.18.0', '--dry-run', '--json'])).destinations[0].actions;
  const left = again.filter((/** @type {{ do: string }} */ each) => each.do !== 'reuse').length;
  const median = seconds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  console.error(`${to}, ${count} packages: ${seconds.map((each) => each.toFixed(2)).join('; ')} s`);
  return { to, count, files: actions.length, bytes, median, left };
}

try {
  mkdirSync(join(dir, 'dist'));
  gpg([
    '--pinentry-mode',
    'loopback',
    '--passphrase',
    '',
    '--quick-gen-key',
    'Bench <a@example.org>',
    'ed25519',
    'sign',
    '1y',
  ]);
  const key = /^fpr:{9}([0-9A-F]+):/m.exec(gpg(['--with-colons', '--list-secret-keys']))?.[1] ?? '';
  const rows = /** @type {const} */ (['apt', 'dnf']).flatMap((to) =>
    COUNTS.map((count) => measure(to, count, key)),
  );
  console.log(
    `${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}. \`npm run bench:publish\`, medians of ${ROUNDS} rounds:\n`,
  );
  console.log(
    '| repository | packages in it | files stored | MiB stored | of 10 packages | s | files stored again |',
  );
  console.log('|---|---:|---:|---:|---:|---:|---:|');
  for (const { to, count, files, bytes, median, left } of rows) {
    const first = rows.find((row) => row.to === to && row.count === COUNTS[0])?.bytes ?? bytes;
    console.log(
      `| ${to} | ${count} | ${files} | ${(bytes / 2 ** 20).toFixed(2)} | ${(bytes / first).toFixed(2)} x | ${median.toFixed(2)} | ${left} |`,
    );
  }
} finally {
  execFileSync('gpgconf', ['--kill', 'all'], { env });
  for (const each of [dir, home]) rmSync(each, { recursive: true, force: true });
}
