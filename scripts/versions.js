// `npm run versions -- DIR`: builds and verifies every coturn tarball in a folder. See scripts/versions/options.js.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseVersionsOptions } from './versions/options.js';
import { byVersion, cellOf, isUnexplained, matrix, page } from './versions/table.js';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const turnbuild = join(root, 'bin/turnbuild.js');

const options = parseVersionsOptions(process.argv.slice(2));
if ('help' in options) {
  console.log(options.help);
  process.exit(0);
}
if ('error' in options) {
  console.error(`versions: ${options.error}`);
  process.exit(2);
}
if (!existsSync(options.dir)) {
  console.error(`versions: there is no folder ${options.dir}`);
  process.exit(2);
}
const NAME = /^coturn-(\d+\.\d+\.\d+)\.tar\.gz$/;
const tarballs = readdirSync(options.dir)
  .filter((name) => NAME.test(name))
  .map((name) => ({ name, version: NAME.exec(name)?.[1] ?? '' }))
  .filter(({ version }) => options.only.length === 0 || options.only.includes(version))
  .sort((a, b) => byVersion(a.version, b.version));
if (tarballs.length === 0) {
  console.error(`versions: ${options.dir} has no coturn-X.Y.Z.tar.gz that was asked for`);
  process.exit(2);
}

const work = resolve(options.work);
// Node's recursive mkdir never ends where the system makes no folders, as in /proc.
if (spawnSync('mkdir', ['-p', '--', work], { stdio: 'inherit' }).status !== 0) process.exit(1);
const resultsFile = join(work, 'results.json');
/** @type {import('./versions/table.js').Result[]} */
let results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];

/** @param {import('./versions/table.js').Result} result */
function record(result) {
  const same = (/** @type {typeof result} */ each) =>
    each.version === result.version && each.target === result.target && each.arch === result.arch;
  results = [...results.filter((each) => !same(each)), result];
  // Whole or not at all: a run may be killed at any time.
  writeFileSync(`${resultsFile}.new`, JSON.stringify(results, null, 1));
  renameSync(`${resultsFile}.new`, resultsFile);
}

/** Tells results of another turnbuild. */
function stateOfTurnbuild() {
  const digest = createHash('sha256');
  for (const name of readdirSync(join(root, 'lib')).sort())
    if (/\.m?js$/.test(name)) digest.update(readFileSync(join(root, 'lib', name)));
  return digest.digest('hex').slice(0, 12);
}

/** @param {string[]} args @returns {Promise<{ code: number, text: string }>} */
function run(args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [turnbuild, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += chunk;
      });
    child.once('close', (code) => done({ code: code ?? 1, text }));
  });
}

/**
 * Builds and verifies one version for several targets at once.
 * @param {{ name: string, version: string }} tarball
 * @param {readonly string[]} targets
 * @param {string} arch
 */
async function tryVersion({ name, version }, targets, arch) {
  const file = resolve(options.dir, name);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  const out = join(work, 'dist');
  const { text } = await run([
    ...['release', '--source', file, '--sha256', sha256, '--allow-quarantined'],
    ...['--target', targets.join(','), '--arch', arch, '--out', out],
  ]);
  const manifest = join(out, version, 'manifest.json');
  const steps = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).steps : [];
  for (const target of targets) {
    const verified = steps.find((/** @type {{ id: string }} */ { id }) => id === `verify:${target}:${arch}`);
    const checks = (verified?.checks ?? []).map(shorten);
    const error = checks.length > 0 ? {} : { error: text.trim().split('\n').slice(-12).join(' ') };
    const seconds = Math.round(verified?.seconds ?? 0);
    record({ version, target, arch, seconds, turnbuild: state, checks, ...error });
    console.log(
      `${version.padEnd(8)} ${target} ${arch}: ${cellOf(results.at(-1))}, verified in ${seconds} s`,
    );
  }
}

/** What the page needs of a check. @param {import('./versions/table.js').Check} check */
function shorten({ id, status, message, advisories, cause, blockedBy }) {
  return {
    id,
    status,
    message: status === 'passed' ? '' : message,
    ...(advisories === undefined ? {} : { advisories }),
    ...(cause === undefined ? {} : { cause }),
    ...(blockedBy === undefined ? {} : { blockedBy }),
  };
}

/** @param {string} version @param {string} target @param {string} arch */
const isKnown = (version, target, arch) =>
  !options.again &&
  results.some(
    (each) =>
      // What could not be built may have failed for want of space, or of a network.
      each.error === undefined && each.version === version && each.target === target && each.arch === arch,
  );

const state = existsSync(join(root, 'lib')) ? stateOfTurnbuild() : '';
if (!options.print) {
  if (state === '') {
    console.error('versions: run `npm run build` first');
    process.exit(2);
  }
  for (const tarball of tarballs) {
    for (const arch of options.architectures) {
      const targets = options.targets.filter((target) => !isKnown(tarball.version, target, arch));
      if (targets.length > 0) await tryVersion(tarball, targets, arch);
    }
    writeFileSync(join(root, 'docs/versions.md'), page(results));
  }
}
console.log(`\n${matrix(results)}`);
process.exitCode = results.some(isUnexplained) ? 1 : 0;
