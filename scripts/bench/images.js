// @ts-check
// Prepares `npm run bench:relay`: our package, the distribution's base image, and an image for each coturn.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parse } from 'yaml';
import { cache } from './cache.js';
import { BenchError, newestPackage } from './options.js';

const folder = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
const root = join(folder, '../..');
const make = (/** @type {string} */ target) =>
  `Build it: npm run build && bin/turnbuild.js release 4.6.1 --source debian --target ${target}`;

/** The output of a docker command. @param {string[]} args */
export function docker(...args) {
  const { status, stdout, stderr, error } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  throw new BenchError(
    `docker ${args.join(' ')}: ${error?.message ?? stderr.trim().split('\n').slice(-15).join('\n')}`,
    'Run `bin/turnbuild.js doctor` to list missing prerequisites, `doctor --fix` to install them.',
  );
}

/** @param {string} target */
export function readTarget(target) {
  const file = join(root, `recipes/targets/${target}.yaml`);
  if (!existsSync(file)) throw new BenchError(`Unknown target ${target}`, 'See recipes/targets/.');
  const { suite, label, baseImage } = parse(readFileSync(file, 'utf8'));
  return { name: target, suite: String(suite), label: String(label), baseImage: baseImage ?? undefined };
}

/** @param {import('./options.js').Options} options @param {{ label: string, deb: string }} target */
export function findPackage({ deb, target: name }, target) {
  if (deb !== undefined) {
    if (!existsSync(deb)) throw new BenchError(`File not found: ${deb}`, make(name));
    if (!deb.endsWith(`_${target.deb}.deb`))
      throw new BenchError(
        `${basename(deb)} is not for ${target.deb}`,
        'Under emulation, you would be benchmarking QEMU.',
      );
    return deb;
  }
  const dist = join(root, 'dist');
  const files = existsSync(dist)
    ? readdirSync(dist, { recursive: true }).map((each) => String(each).replaceAll('\\', '/'))
    : [];
  const newest = newestPackage(files, target);
  if (newest !== undefined) return join(dist, newest);
  throw new BenchError(
    `dist/ has no package of ${name} for ${target.deb}`,
    `${make(name)}; or pass a package with --deb FILE`,
  );
}

/**
 * The named build context with the distribution's base image that the last release used.
 * @param {{ name: string, suite: string, baseImage: string | undefined }} target @param {string} arch
 */
export function baseContext({ name, suite, baseImage }, arch) {
  if (baseImage !== undefined) return `docker-image://${baseImage}`;
  const bases = join(cache, 'bases');
  const newest = (existsSync(bases) ? readdirSync(bases) : [])
    .filter((each) => each.startsWith(`${suite}-${arch}-`))
    .map((each) => join(bases, each))
    .filter((each) => existsSync(join(each, 'digest')))
    .sort((a, b) => statSync(join(a, 'digest')).mtimeMs - statSync(join(b, 'digest')).mtimeMs)
    .at(-1);
  if (newest === undefined) throw new BenchError(`No base image of ${suite} found in ${bases}`, make(name));
  const digest = readFileSync(join(newest, 'digest'), 'utf8').trim();
  const short = digest.replace('sha256:', '').slice(0, 12);
  // An engine without the containerd image store takes no OCI layouts. For such an engine, the release imported the base image.
  return docker('info', '--format', '{{json .DriverStatus}}').includes('io.containerd.snapshotter')
    ? `oci-layout://${join(newest, short)}@${digest}`
    : `docker-image://turnbuild/${suite}-${arch}:${short}`;
}

/** The tarball of the portable target. @param {string} file @param {string} arch as in its name: `x86_64` */
export function checkTarball(file, arch) {
  if (!existsSync(file)) throw new BenchError(`File not found: ${file}`, make('portable'));
  if (!file.endsWith(`-linux-${arch}.tar.gz`))
    throw new BenchError(
      `${basename(file)} is not for ${arch}`,
      'Expected coturn-VERSION-linux-ARCH.tar.gz.',
    );
}

/**
 * Builds the image NAME:SIDE for each side.
 * @param {{ deb: string, portable: string | undefined, base: string, inputs: string, name: string }} what `inputs`: a folder to make
 * @param {readonly import('./rounds.js').Side[]} sides
 */
export async function makeImages({ deb, portable, base, inputs, name }, sides) {
  mkdirSync(inputs);
  copyFileSync(deb, join(inputs, 'coturn.deb'));
  if (portable !== undefined) copyFileSync(portable, join(inputs, 'coturn.tar.gz'));
  await build({
    entryPoints: [join(folder, 'round.js')],
    outfile: join(inputs, 'round.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
  });
  const contents = {
    ours: basename(deb),
    debian: "the distribution's own coturn",
    portable: basename(portable ?? ''),
  };
  for (const side of sides) {
    console.error(`building the image with ${contents[side]}`);
    docker(
      ...['buildx', 'build', '--progress=plain', '--provenance=false', `--target=${side}`],
      ...[`--build-context=base=${base}`, `--build-context=inputs=${inputs}`],
      ...[`--output=type=docker,name=${name}:${side}`, folder],
    );
  }
}
