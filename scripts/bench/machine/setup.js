// @ts-check
// Prepares `npm run bench:image`: a copy of the release and of the recipes, a first image that fills the build cache, and the command that
// built it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../options.js';
import { adapted, buildOf } from './command.js';

/** @typedef {import('./options.js').Arch} Arch */
/**
 * @typedef {object} Setup
 * @property {Arch} arch
 * @property {number} rounds
 * @property {string} dir a folder for everything that the benchmark writes
 * @property {string} name prefix of its images and containers
 * @property {string} recipes a copy of the recipes, which may be changed
 * @property {string} disk path of the image
 * @property {string[]} image arguments of turnbuild that build the image
 * @property {import('./command.js').Build} build the docker command for it
 * @property {string} inputs folder of the named context `inputs`
 */

/** This folder, and the project's. */
export const HERE = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
export const ROOT = join(HERE, '../../..');
const TURNBUILD = join(ROOT, 'bin/turnbuild.js');
const VERSION = '4.6.1';
const TARGET = 'debian-13';
/** Debian's names of architectures. */
export const DEBIAN = { arm64: 'arm64', x86_64: 'amd64' };
const LAST_LINES = 40;

/** @param {Pick<Setup, 'arch' | 'rounds' | 'dir' | 'name'>} given @returns {Promise<Setup>} */
export async function prepare(given) {
  const { arch, dir } = given;
  const deb = packageFor(arch);
  const [recipes, dist, inputs] = [join(dir, 'recipes'), join(dir, 'dist'), join(dir, 'inputs')];
  cpSync(join(ROOT, 'dist', VERSION), join(dist, VERSION), { recursive: true });
  for (const name of ['recipes', 'patches']) cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  mkdirSync(join(inputs, 'packages'), { recursive: true });
  cpSync(deb, join(inputs, 'packages/coturn.deb'));
  // Its contents are irrelevant until the image boots.
  writeFileSync(join(inputs, 'agent.json'), '{}\n');
  const image = [
    ...[TURNBUILD, 'image', VERSION, '--source', 'debian', '--arch', arch, '--cloud', 'aws', '--no-boot'],
    ...['--out', dist, '--recipes', recipes],
  ];
  console.error('building an image, to fill the build cache');
  await run(process.execPath, image);
  const disk = join(dist, VERSION, `coturn-${VERSION}-1-aws-${arch}.raw.zst`);
  return { ...given, recipes, disk, image, inputs, build: await buildCommand(image) };
}

/** The package of an earlier release. @param {Arch} arch */
function packageFor(arch) {
  const folder = join(ROOT, 'dist', VERSION);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const file = files.find((name) => new RegExp(`^coturn_.*~deb13_${DEBIAN[arch]}\\.deb$`).test(name));
  if (file !== undefined) return join(folder, file);
  throw new BenchError(
    `dist/${VERSION} has no package of ${TARGET} for ${arch}`,
    `Build it: npm run build && bin/turnbuild.js release ${VERSION} --source debian --target ${TARGET} --arch ${arch}`,
  );
}

/** The docker command that builds the image, as a dry run prints it. @param {readonly string[]} image */
async function buildCommand(image) {
  const { out } = await run(process.execPath, [...image, '--no-cache', '--dry-run', '--json']);
  /** @type {{ step: string, line: string }[]} */
  const commands = JSON.parse(out);
  const line = commands.find(({ step }) => step.startsWith('image:'))?.line ?? '';
  // The line is quoted for a shell.
  const script = `eval "set -- $1"; printf '%s\\0' "$@"`;
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', line], { encoding: 'utf8' });
  return buildOf(stdout.split('\0').slice(0, -1));
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/** Ends the programs that still run. */
export function stop() {
  for (const child of running) child.kill();
}

/**
 * Runs a program, which must succeed.
 * @param {string} file @param {readonly string[]} args @param {(line: string) => void} [onLine] gets the lines of its output
 * @returns {Promise<{ out: string, seconds: number }>} its standard output, and how long it ran
 */
export async function run(file, args, onLine = () => {}) {
  const begin = performance.now();
  const child = spawn(file, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CI: 'true' },
  });
  running.add(child);
  let [out, all, rest] = ['', '', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
    all += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    all += text;
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  running.delete(child);
  const seconds = (performance.now() - begin) / 1000;
  if (code === 0) return { out, seconds };
  const tail = all.trim().split('\n').slice(-LAST_LINES).join('\n');
  throw new BenchError(
    `${file} ${args.slice(0, 3).join(' ')} … exited with code ${code}:\n${tail}`,
    'Run `bin/turnbuild.js doctor` to list missing prerequisites, `doctor --fix` to install them.',
  );
}

/** Builds a variant of the image. @param {Setup} setup @param {import('./command.js').Changes} changes */
export function docker({ build, inputs }, changes) {
  return run('docker', adapted(build, { ...changes, contexts: { inputs, ...changes.contexts } }));
}

/**
 * Performs each side of a comparison in each round, and reports on standard error.
 * @template {string} Name
 * @param {number} rounds @param {Readonly<Record<Name, () => Promise<{ seconds: number }>>>} sides
 * @returns {Promise<import('./table.js').Side[]>}
 */
export async function alternate(rounds, sides) {
  const names = /** @type {Name[]} */ (Object.keys(sides));
  const all = names.map((name) => ({ name: String(name), seconds: /** @type {number[]} */ ([]) }));
  for (let round = 1; round <= rounds; round++)
    for (const [i, name] of names.entries()) {
      const { seconds } = await sides[name]();
      all[i]?.seconds.push(seconds);
      console.error(`round ${round}/${rounds}  ${name}  ${seconds.toFixed(1)} s`);
    }
  return all;
}

/** @param {string} file */
export function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
