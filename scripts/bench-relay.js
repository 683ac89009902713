// @ts-check
// `npm run bench:relay`: compares the relay throughput of our package with metrics to that of the distribution's own coturn, and the portable
// tarball to our package, on this machine. Prints the section of BENCHMARKS.md. Requires a Docker engine, and a package and a base image
// from `turnbuild release`.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { baseContext, checkTarball, docker, findPackage, makeImages, readTarget } from './bench/images.js';
import { architectureOf, BenchError, parseOptions, USAGE } from './bench/options.js';
import { counted, cpuPerPacket, packetsPerSecond, schedule } from './bench/rounds.js';
import { table } from './bench/table.js';

/** @typedef {import('./bench/rounds.js').Side} Side */
/** @typedef {import('./bench/rounds.js').Run} Run */

const name = `turnbuild-bench-${process.pid}`;
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-bench-'));

/** One run in a separate container. @param {Side} side @param {import('./bench/options.js').Options} options @returns {Promise<Run>} */
async function perform(side, { metrics, seconds }) {
  const program = side === 'portable' ? '/portable/bin/turnserver' : '/usr/bin/turnserver';
  const told = JSON.stringify({ program, prometheus: side !== 'debian' && metrics, seconds });
  const child = spawn(
    'docker',
    [
      ...['run', '--rm', `--name=${name}`, '--network=none', '--user=turnserver', `${name}:${side}`],
      ...['node', '/round.mjs', told],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, errors] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0)
    throw new BenchError(
      `The run of ${side} exited with code ${code}:\n${errors.trim()}`,
      'The last lines are from the log of turnserver. A package built without Prometheus has no metrics: try --no-metrics.',
    );
  return JSON.parse(out);
}

/** @param {import('./bench/options.js').Options} options */
async function measure(options) {
  const { rounds } = options;
  const all = [];
  for (const [i, order] of schedule(rounds, sidesOf(options)).entries()) {
    /** @type {import('./bench/rounds.js').Round<Run>} */
    const round = {};
    for (const side of order) {
      const run = await perform(side, options);
      round[side] = run;
      console.error(
        `${i === 0 ? 'warm-up' : `round ${i}/${rounds}`}  ${side.padEnd(8)}  ${packetsPerSecond(run).toFixed(0)} packets/s, ` +
          `${cpuPerPacket(run).toFixed(3)} µs each, server ${((100 * run.serverSeconds) / run.seconds).toFixed(0)} % of its core, ` +
          `load ${((100 * run.loadSeconds) / run.seconds).toFixed(0)} %`,
      );
    }
    all.push(round);
  }
  return counted(all);
}

/** @param {import('./bench/options.js').Options} options @returns {Side[]} */
function sidesOf({ portable }) {
  return portable === undefined ? ['ours', 'debian'] : ['portable', 'ours', 'debian'];
}

function cleanUp() {
  const quiet = /** @type {const} */ ({ stdio: 'ignore' });
  spawnSync('docker', ['rm', '--force', name], quiet);
  spawnSync(
    'docker',
    ['image', 'rm', '--force', ...['portable', 'ours', 'debian'].map((side) => `${name}:${side}`)],
    quiet,
  );
  rmSync(dir, { recursive: true, force: true });
}

/** @param {import('./bench/options.js').Options} options */
async function bench(options) {
  const arch = architectureOf(process.arch);
  const target = readTarget(options.target);
  const deb = findPackage(options, { ...target, deb: arch.deb });
  if (options.portable !== undefined) checkTarball(options.portable, arch.root);
  const engine = docker('version', '--format', '{{.Server.Version}}');
  const { portable } = options;
  const inputs = join(dir, 'inputs');
  await makeImages({ deb, portable, base: baseContext(target, arch.root), inputs, name }, sidesOf(options));
  const version = (/** @type {Side} */ side) =>
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own field
    docker('run', '--rm', '--network=none', `${name}:${side}`, 'dpkg-query', '-Wf', '${Version}', 'coturn');
  const versions = {
    ...(portable === undefined ? {} : { portable: basename(portable) }),
    ours: version('ours'),
    debian: version('debian'),
  };
  const rounds = await measure(options);
  // Leave out the folders of this machine.
  const words = [deb, portable ?? ''].reduce(
    (text, file) => (file === '' ? text : text.replace(file, basename(file))),
    process.argv.slice(2).join(' '),
  );
  return table(rounds, {
    machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `Linux ${release()}, ${options.target}, Docker ${engine}`,
    versions,
    metrics: options.metrics,
    command: `npm run bench:relay${words === '' ? '' : ` -- ${words}`}`,
  });
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    cleanUp();
    process.exit(130);
  });
try {
  const options = parseOptions(process.argv.slice(2));
  console.log(options === undefined ? USAGE : await bench(options));
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(`bench:relay: ${error.message}\n  ${error.hint}`);
  process.exitCode = 1;
} finally {
  cleanUp();
}
