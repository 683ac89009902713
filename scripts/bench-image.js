// @ts-check
// `npm run bench:image`: measures on this machine how long turnbuild's disk images take to build and to boot, against the usual ways. Prints the
// tables of BENCHMARKS.md. Requires a Docker engine, and packages from `turnbuild release 4.6.1 --source debian --target debian-13`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { benchBoot } from './bench/machine/boots.js';
import { benchConfiguration } from './bench/machine/configuration.js';
import { parseOptions, USAGE } from './bench/machine/options.js';
import { benchDisk, benchRoot } from './bench/machine/root.js';
import { prepare, run, stop } from './bench/machine/setup.js';
import { table } from './bench/machine/table.js';
import { architectureOf, BenchError } from './bench/options.js';

/** @typedef {import('./bench/machine/setup.js').Setup} Setup */
/** @typedef {import('./bench/machine/table.js').Comparison} Comparison */

const name = `turnbuild-bench-${process.pid}`;
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-bench-'));

/** @type {Readonly<Record<import('./bench/machine/options.js').Part, (setup: Setup) => Promise<Comparison>>>} */
const PARTS = { root: benchRoot, disk: benchDisk, boot: benchBoot, configuration: benchConfiguration };

/** @param {import('./bench/machine/options.js').Options} options */
async function bench({ parts, arch, rounds }) {
  const engine = (await run('docker', ['version', '--format', '{{.Server.Version}}'])).out.trim();
  const setup = await prepare({ arch, rounds, dir, name });
  console.log(
    `${cpus().length} x ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Docker ${engine}. ` +
      `\`npm run bench:image -- ${parts.join(' ')} --arch ${arch} --rounds ${rounds}\`\n`,
  );
  for (const part of parts) console.log(table(await PARTS[part](setup)));
}

function cleanUp() {
  stop();
  const quiet = /** @type {const} */ ({ stdio: 'ignore' });
  spawnSync('docker', ['rm', '--force', '--volumes', `${name}-boot`], quiet);
  spawnSync('docker', ['image', 'rm', '--force', `${name}-boot`, `${name}:archives`], quiet);
  rmSync(dir, { recursive: true, force: true });
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    cleanUp();
    process.exit(130);
  });
try {
  const own = architectureOf(process.arch).root === 'arm64' ? 'arm64' : 'x86_64';
  const options = parseOptions(process.argv.slice(2), own);
  if (options === undefined) console.log(USAGE);
  else await bench(options);
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(`bench:image: ${error.message}\n  ${error.hint}`);
  process.exitCode = 1;
} finally {
  cleanUp();
}
