// @ts-check
// Measures how long a machine's root file system takes, and the disk with it: with the build platform's own tools, and with apt under QEMU.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../options.js';
import { alternate, docker, HERE, sha256 } from './setup.js';

/** @typedef {import('./setup.js').Setup} Setup */

/** The same for all sides: a base image that already has the archives of the packages, so that nothing but indexes is downloaded. */
async function withArchives(/** @type {Setup} */ setup) {
  const image = `${setup.name}:archives`;
  await docker(setup, {
    target: 'archives',
    file: join(HERE, 'Dockerfile'),
    folder: HERE,
    output: `type=docker,name=${image}`,
  });
  return { target: `docker-image://${image}` };
}

/** What differs between two ways. @typedef {{ args: Record<string, string>, fresh: string[] }} Way */

const NATIVE = 'machine-root-native';
/** @type {Readonly<Record<string, Way>>} */
const WAYS = {
  'native tools, which are prepared as well': {
    args: { TOOLS: 'native' },
    fresh: ['native-tools', NATIVE],
  },
  'native tools': { args: { TOOLS: 'native' }, fresh: [NATIVE] },
  'apt under QEMU': { args: { TOOLS: 'own' }, fresh: ['machine-root-own'] },
};

/** @param {Setup} setup @returns {Promise<import('./table.js').Comparison>} */
export async function benchRoot(setup) {
  const sides = await measure(setup, { target: 'machine-root', output: 'type=cacheonly' });
  return { title: `root file system, ${setup.arch}`, sides, goal: { ratio: 0.1 } };
}

/** @param {Setup} setup @returns {Promise<import('./table.js').Comparison>} */
export async function benchDisk(setup) {
  const output = (/** @type {Way} */ { args }) =>
    `type=local,dest=${join(setup.dir, 'disk', args.TOOLS ?? '')}`;
  const sides = await measure(setup, { target: 'image', output, fresh: ['image-run'] });
  requireSamePackages(setup);
  return { title: `root and disk, ${setup.arch}`, sides, goal: { ratio: 0.25 } };
}

/**
 * Builds a stage in each way.
 * @param {Setup} setup
 * @param {{ target: string, output: string | ((way: Way) => string), fresh?: string[] }} what `fresh`: other stages to repeat
 */
async function measure(setup, { target, output, fresh = [] }) {
  const contexts = await withArchives(setup);
  const build = (/** @type {Way} */ way) =>
    docker(setup, {
      target,
      output: typeof output === 'string' ? output : output(way),
      contexts,
      args: way.args,
      fresh: [...way.fresh, ...fresh],
    });
  // Fills the build cache with everything else.
  await build({ args: { TOOLS: 'native' }, fresh: [NATIVE] });
  const sides = Object.entries(WAYS).map(([name, way]) => [name, () => build(way)]);
  return alternate(setup.rounds, Object.fromEntries(sides));
}

/** Otherwise the two would not be comparable. @param {Setup} setup */
function requireSamePackages({ dir }) {
  const file = (/** @type {string} */ tools, /** @type {string} */ name) => join(dir, 'disk', tools, name);
  const [native, own] = ['native', 'own'].map((tools) => readFileSync(file(tools, 'packages.txt'), 'utf8'));
  if (native !== own)
    throw new BenchError('The two roots have different packages', 'Another state of the archive? Try again.');
  const [one, other] = ['native', 'own'].map((tools) => sha256(file(tools, 'disk')));
  console.error(`same packages; the disks are ${one === other ? '' : 'not '}identical`);
}
