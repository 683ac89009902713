// @ts-check
// Measures how long our image and a plain Debian image take from power on to the first STUN answer, in the same container.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { docker, HERE, ROOT, run } from './setup.js';

/** @typedef {import('./setup.js').Setup} Setup */
/** @typedef {{ side: string, seconds: number }} Boot */

/** @param {Setup} setup @returns {Promise<import('./table.js').Comparison>} */
export async function benchBoot(setup) {
  const inputs = join(setup.dir, 'boot');
  mkdirSync(inputs);
  copyFileSync(setup.disk, join(inputs, 'ours.raw.zst'));
  console.error('building the plain Debian image');
  await docker(setup, {
    target: 'plain',
    file: join(HERE, 'Dockerfile'),
    folder: HERE,
    output: `type=local,dest=${inputs}`,
    args: { DISK_MIB: '2048' },
  });
  const { arch, rounds } = setup;
  writeFileSync(join(inputs, 'bench.json'), JSON.stringify({ arch, rounds }));
  await bundle(join(HERE, 'boot.js'), join(inputs, 'boot.mjs'));
  const boots = await perform(setup, inputs);
  const secondsOf = (/** @type {string} */ side) =>
    boots.filter((boot) => boot.side === side).map(({ seconds }) => seconds);
  return {
    title: `power on to the first STUN answer, ${arch}`,
    sides: [
      { name: 'ours', seconds: secondsOf('ours') },
      { name: 'plain Debian', seconds: secondsOf('plain') },
    ],
    goal: { ratio: 0.5 },
  };
}

/** @param {Setup} setup @param {string} inputs */
async function perform(setup, inputs) {
  const lab = { name: `${setup.name}-boot` };
  const { createBootCommand, removeLabCommands } = await laboratory(setup.dir);
  await docker(setup, {
    target: 'boot',
    platform: `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
    output: `type=docker,name=${lab.name}`,
  });
  /** @type {Boot[]} */
  const boots = [];
  try {
    await run('docker', createBootCommand(lab, `${hostname()}:${process.pid}`).args);
    await run('docker', ['cp', '--quiet', `${inputs}/.`, `${lab.name}:/inputs`]);
    await run('docker', ['cp', '--quiet', join(inputs, 'boot.mjs'), `${lab.name}:/lab.mjs`]);
    await run('docker', ['start', '--attach', lab.name], (line) => {
      /** @type {Boot} */
      const boot = JSON.parse(line);
      boots.push(boot);
      console.error(`${boot.side}  ${boot.seconds.toFixed(1)} s`);
    });
  } finally {
    for (const { file, args } of removeLabCommands(lab)) spawnSync(file, args, { stdio: 'ignore' });
  }
  return boots;
}

/** @param {string} source @param {string} outfile */
async function bundle(source, outfile) {
  const options = /** @type {const} */ ({ bundle: true, platform: 'node', format: 'esm', target: 'node18' });
  await build({ entryPoints: [source], outfile, ...options });
}

/** The commands of turnbuild's own laboratory. @param {string} dir @returns {Promise<typeof import('../../../src/plan/lab.ts')>} */
async function laboratory(dir) {
  const file = join(dir, 'lab.mjs');
  await bundle(join(ROOT, 'src/plan/lab.ts'), file);
  return import(file);
}
