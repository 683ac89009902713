// `npm run versions -- DIR`: builds and verifies every coturn tarball in a folder. See scripts/versions/options.js.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseVersionsOptions } from './versions/options.js';
import { byVersion, cellOf, isUnexplained, machineError, matrix, page } from './versions/table.js';

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
  console.error(`versions: ${options.dir} does not exist`);
  process.exit(2);
}
const NAME = /^coturn-(\d+\.\d+\.\d+)\.tar\.gz$/;
const all = readdirSync(options.dir)
  .filter((name) => NAME.test(name))
  .map((name) => ({ name, version: NAME.exec(name)?.[1] ?? '' }))
  .sort((a, b) => byVersion(a.version, b.version));
const tarballs = all.filter(({ version }) => options.only.length === 0 || options.only.includes(version));
if (tarballs.length === 0) {
  console.error(`versions: ${options.dir} has no matching coturn-X.Y.Z.tar.gz`);
  process.exit(2);
}

const work = resolve(options.work);
// Node's recursive mkdir never returns on file systems without mkdir, such as /proc.
if (spawnSync('mkdir', ['-p', '--', work], { stdio: 'inherit' }).status !== 0) process.exit(1);
const resultsFile = join(work, 'results.json');
/** @type {import('./versions/table.js').Result[]} */
let results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];

/** @param {import('./versions/table.js').Result} result */
function record(result) {
  const same = (/** @type {typeof result} */ each) =>
    each.version === result.version && each.target === result.target && each.arch === result.arch;
  results = [...results.filter((each) => !same(each)), result];
  // Replace the file atomically, because a run may be killed at any time.
  writeFileSync(`${resultsFile}.new`, JSON.stringify(results, null, 1));
  renameSync(`${resultsFile}.new`, resultsFile);
}

/** @param {string[]} args @returns {Promise<{ code: number, stdout: string, text: string }>} */
function run(args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [turnbuild, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let text = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += chunk;
      });
    child.once('close', (code) => done({ code: code ?? 1, stdout, text }));
  });
}

/** @param {{ name: string }} tarball @param {readonly string[]} targets @param {string} arch */
function optionsOf({ name }, targets, arch) {
  const file = resolve(options.dir, name);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  const source = ['--source', file, '--sha256', sha256, '--allow-quarantined'];
  return [...source, '--target', targets.join(','), '--arch', arch];
}

/**
 * For each target, a digest of all inputs of a version's package and verification (turnbuild's code, its recipes, the sources), and the key
 * of the verification.
 * @param {{ name: string, version: string }} tarball
 * @param {string} arch
 * @returns {Promise<Map<string, { all: string, verify: string }>>}
 */
async function keysOf(tarball, arch) {
  const tried = results.filter((each) => each.version === tarball.version && each.arch === arch);
  const targets = [...new Set([...options.targets, ...tried.map(({ target }) => target)])];
  const { code, stdout, text } = await run(['plan', '--json', ...optionsOf(tarball, targets, arch)]);
  if (code !== 0) {
    console.error(text);
    process.exit(1);
  }
  /** @type {{ stage: string, target: string, key: string }[]} */
  const steps = JSON.parse(stdout).steps;
  return new Map(
    targets.map((target) => {
      const own = steps.filter((step) => step.target === target);
      const all = createHash('sha256').update(own.map(({ key }) => key).join());
      const verify = own.find(({ stage }) => stage === 'verify')?.key ?? '';
      return [target, { all: all.digest('hex').slice(0, 12), verify }];
    }),
  );
}

/**
 * Builds and verifies one version for several targets at once.
 * @param {{ name: string, version: string }} tarball
 * @param {readonly string[]} targets
 * @param {string} arch
 * @param {Map<string, { all: string, verify: string }>} keys
 */
async function tryVersion(tarball, targets, arch, keys) {
  const out = join(work, 'dist');
  const { text } = await run(['release', ...optionsOf(tarball, targets, arch), '--out', out]);
  if (machineError(text) !== undefined) {
    console.error(
      `${text.trim().split('\n').slice(-12).join('\n')}\nversions: stopped: a machine error, not a result for ${tarball.version}`,
    );
    process.exit(1);
  }
  for (const target of targets) {
    const { version } = tarball;
    const key = keys.get(target);
    note({ version, target, arch, key: key?.all }, key?.verify, join(out, version), text);
  }
}

/**
 * Records a verification's result from the manifest, or the end of the output if the manifest has none.
 * @param {{ version: string, target: string, arch: string, key: string | undefined }} place
 * @param {string | undefined} planned key of the verification
 * @param {string} dir
 * @param {string} text
 */
function note(place, planned, dir, text) {
  const manifest = join(dir, 'manifest.json');
  const steps = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).steps : [];
  const id = `verify:${place.target}:${place.arch}`;
  // Ignore the result of an earlier run.
  const verified = steps.find(
    (/** @type {{ id: string, planned?: string }} */ step) => step.id === id && step.planned === planned,
  );
  const checks = (verified?.checks ?? []).map(shorten);
  const error = checks.length > 0 ? {} : { error: text.trim().split('\n').slice(-12).join(' ') };
  const seconds = Math.round(verified?.seconds ?? 0);
  record({ ...place, seconds, checks, ...error });
  const { version, target, arch } = place;
  console.log(`${version.padEnd(8)} ${target} ${arch}: ${cellOf(results.at(-1))}, verified in ${seconds} s`);
}

/** The fields of a check that the page shows. @param {import('./versions/table.js').Check} check */
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

/**
 * Whether a result is still valid. An error is not, because its cause may be a full disk or the network.
 * @param {import('./versions/table.js').Result} result
 */
const isCurrent = ({ version, arch, target, key, error }) =>
  error === undefined && key !== undefined && key === current.get(`${version} ${arch}`)?.get(target)?.all;

/** Keys of the current turnbuild by `VERSION ARCH` and target. @type {Map<string, Map<string, { all: string, verify: string }>>} */
const current = new Map();

if (!options.print) {
  if (!existsSync(join(root, 'lib'))) {
    console.error('versions: run `npm run build` first');
    process.exit(2);
  }
  const tried = results.map(({ arch }) => arch);
  // Includes versions that are not run, because the page marks outdated results.
  for (const tarball of all)
    for (const arch of new Set([...options.architectures, ...tried]))
      current.set(`${tarball.version} ${arch}`, await keysOf(tarball, arch));
  for (const arch of options.architectures)
    for (const tarball of tarballs) {
      const done = results.filter(
        (each) => each.version === tarball.version && each.arch === arch && !options.again && isCurrent(each),
      );
      const targets = options.targets.filter((target) => !done.some((each) => each.target === target));
      const keys = current.get(`${tarball.version} ${arch}`) ?? new Map();
      if (targets.length > 0) await tryVersion(tarball, targets, arch, keys);
      writeFileSync(join(root, 'docs/versions.md'), page(results, isCurrent));
    }
}
console.log(`\n${matrix(results)}`);
process.exitCode = results.some(isUnexplained) ? 1 : 0;
