// @ts-check
// `npm run bench:publish`: measures on this machine what it costs to publish a release in apt and dnf repositories that have 10, 100 and 1,000
// packages, in a folder and in simulated buckets with latency. Prints the tables of BENCHMARKS.md. Requires the programs of docs/publishing.md,
// dpkg-deb and rpmbuild.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startBuckets } from './bench/publish/buckets.js';
import { makeRelease } from './bench/publish/release.js';
import { bucketTable, folderTable } from './bench/publish/tables.js';

/** @typedef {'apt' | 'dnf'} Format */
/** @typedef {{ repo: string, out: string, key: string, env?: Record<string, string> }} Place */

const ROUNDS = 3;
const COUNTS = [10, 100, 1000];
const LATENCIES = [20, 100];
const FORMATS = /** @type {const} */ ({ apt: 'deb', dnf: 'rpm' });

const program = fileURLToPath(new URL('../bin/turnbuild.js', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-bench-'));
const home = mkdtempSync(join(tmpdir(), 'tb-gpg-'));
const env = { ...process.env, GNUPGHOME: home, CI: 'true' };
const run = promisify(execFile);

/** @param {readonly string[]} args */
const gpg = (args) => execFileSync('gpg', ['--batch', '--quiet', ...args], { env, encoding: 'utf8' });

/** @param {Format} to @param {Place} place @param {readonly string[]} more */
async function publish(to, { repo, out, key, env: own }, more) {
  const args = ['publish', ...more, '--to', to, '--repo', repo, '--out', out, '--sign-with', key];
  const options = { env: { ...env, ...own }, maxBuffer: 2 ** 30 };
  const all = [program, ...args, '--url', 'https://packages.example.org'];
  return (await run(process.execPath, all, options)).stdout;
}

/** @param {() => Promise<unknown>} work @returns {Promise<number>} */
async function secondsOf(work) {
  const begin = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

/** Makes the releases: 4.17.0 with many packages, 4.17.1, whose manifest is as small as a real one, and 4.18.0. @param {Format} to @param {number} count */
function makeReleases(to, count) {
  const out = join(dir, 'dist', `${to}-${count}`);
  makeRelease({ out, version: '4.17.0', format: FORMATS[to], count });
  makeRelease({ out, version: '4.17.1', format: FORMATS[to] });
  makeRelease({ out, version: '4.18.0', format: FORMATS[to] });
  return out;
}

/** @param {Format} to @param {number} count @param {{ out: string, key: string }} releases */
async function measureFolder(to, count, releases) {
  const place = { repo: join(dir, `${to}-${count}`), ...releases };
  for (const version of ['4.17.0', '4.17.1']) await publish(to, place, [version]);
  cpSync(place.repo, join(dir, `before-${to}-${count}`), { recursive: true });
  const { destinations } = JSON.parse(await publish(to, place, ['4.18.0', '--dry-run', '--json']));
  /** @type {{ do: string, size?: number }[]} */
  const actions = destinations[0].actions.filter((/** @type {{ do: string }} */ each) => each.do !== 'reuse');
  const bytes = actions.reduce((sum, { size = 0 }) => sum + size, 0);
  const seconds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const copy = { ...place, repo: join(dir, 'copy') };
    cpSync(place.repo, copy.repo, { recursive: true });
    seconds.push(await secondsOf(() => publish(to, copy, ['4.18.0'])));
    rmSync(copy.repo, { recursive: true });
  }
  await publish(to, place, ['4.18.0']);
  const again = JSON.parse(await publish(to, place, ['4.18.0', '--dry-run', '--json'])).destinations[0]
    .actions;
  const left = again.filter((/** @type {{ do: string }} */ each) => each.do !== 'reuse').length;
  const median = seconds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  console.error(`${to}, ${count} packages: ${seconds.map((each) => each.toFixed(2)).join('; ')} s`);
  return { to, count, files: actions.length, bytes, median, left };
}

/**
 * @param {string} service
 * @param {Awaited<ReturnType<typeof startBuckets>>['S3']} bucket
 * @param {Format} to
 * @param {number} count
 * @param {{ out: string, key: string }} releases
 */
async function measureBucket(service, { repo, env: own, fill, proxy }, to, count, releases) {
  const place = { repo, env: own, ...releases };
  const seconds = [];
  for (const latency of LATENCIES) {
    fill(join(dir, `before-${to}-${count}`));
    proxy.start(latency);
    seconds.push(await secondsOf(() => publish(to, place, ['4.18.0'])));
  }
  const traffic = proxy.traffic();
  proxy.start(0);
  await publish(to, place, ['4.18.0']);
  const again = proxy.traffic();
  console.error(
    `${to} in ${service}, ${count} packages: ${seconds.map((each) => each.toFixed(2)).join('; ')} s`,
  );
  return { service, to, count, traffic, seconds, again };
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
  const buckets = await startBuckets(dir);
  /** @type {Awaited<ReturnType<typeof measureFolder>>[]} */
  const folders = [];
  /** @type {Awaited<ReturnType<typeof measureBucket>>[]} */
  const inBuckets = [];
  for (const to of /** @type {const} */ (['apt', 'dnf']))
    for (const count of COUNTS) {
      const releases = { out: makeReleases(to, count), key };
      folders.push(await measureFolder(to, count, releases));
      for (const [service, bucket] of Object.entries(buckets))
        inBuckets.push(await measureBucket(service, bucket, to, count, releases));
    }
  console.log(
    `${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}. \`npm run bench:publish\`, medians of ${ROUNDS} rounds:\n`,
  );
  console.log(folderTable(folders));
  console.log(`\nIn simulated buckets, one round:\n\n${bucketTable(inBuckets, LATENCIES)}`);
  for (const { proxy } of Object.values(buckets)) proxy.close();
} finally {
  execFileSync('gpgconf', ['--kill', 'all'], { env });
  for (const each of [dir, home]) rmSync(each, { recursive: true, force: true });
}
// The simulators' servers would keep the process alive.
process.exit();
