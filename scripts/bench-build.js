// `npm run bench:build`: compares cross-compiling with emulated compiling on this machine, and measures the wall times of `release`.
// Prints the tables of BENCHMARKS.md. Has the prerequisites that `turnbuild doctor` checks, takes about half an hour and prunes the build cache.
// `npm run bench:build -- release` or `-- compile` measures only one half, `-- compile pair` only arm64 against x86_64.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache } from './bench/cache.js';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const turnbuild = join(root, 'bin/turnbuild.js');
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-bench-'));
const suite = 'trixie';
const target = 'debian-13';
/** Odd, so that the median is a measured value. */
const ROUNDS = 5;

/** Runs a command. Returns its seconds and peak resident memory in MiB. */
async function timed(file, args) {
  const begin = process.hrtime.bigint();
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, CI: 'true' },
  });
  let peak = 0;
  const sampler = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // The process has just exited.
    }
  }, 100);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(sampler);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} exited with code ${code}`);
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9, peak };
}

function baseContext(arch) {
  const name = readdirSync(join(cache, 'bases')).find(
    (each) => each.startsWith(`${suite}-${arch}-`) && !each.endsWith('.tmp'),
  );
  if (name === undefined) throw new Error(`no base image for ${suite}-${arch}: run turnbuild release first`);
  const folder = join(cache, 'bases', name);
  const digest = readFileSync(join(folder, 'digest'), 'utf8').trim();
  return `oci-layout://${join(folder, digest.replace('sha256:', '').slice(0, 12))}@${digest}`;
}

/** One buildx call of the build stage, with the inputs of the last release. */
function buildArgs({ arch, deb, triple, emulated, more }) {
  const recipe = readFileSync(join(root, `recipes/targets/${target}.yaml`), 'utf8');
  const tools = /^tools: \[(.*)\]$/m.exec(recipe)?.[1].replaceAll(',', '') ?? '';
  const libraries = [...recipe.matchAll(/^ {2}- (lib\S+-dev)$/gm)].map((match) => match[1]).join(' ');
  return [
    'buildx',
    'build',
    '--progress=quiet',
    `--platform=linux/${deb}`,
    '--target=build',
    ...(emulated ? [`--build-arg=BUILDPLATFORM=linux/${deb}`] : []),
    `--build-context=base=${baseContext(emulated ? arch : process.arch === 'arm64' ? 'arm64' : 'x86_64')}`,
    `--build-context=inputs=${join(dir, 'inputs')}`,
    `--build-arg=DEB_ARCH=${deb}`,
    `--build-arg=GNU_TRIPLE=${triple}`,
    `--build-arg=TOOL_PACKAGES=${tools}`,
    `--build-arg=LIBRARY_PACKAGES=${libraries}`,
    '--build-arg=COTURN_VERSION=4.6.1',
    '--build-arg=SOURCE_DATE_EPOCH=1670102489',
    ...more,
    `--output=type=local,dest=${join(dir, 'out')}`,
    join(root, 'recipes/docker'),
  ];
}

const ARM = { arch: 'arm64', deb: 'arm64', triple: 'aarch64-linux-gnu' };
const X86 = { arch: 'x86_64', deb: 'amd64', triple: 'x86_64-linux-gnu' };
const prune = () => spawnSync('docker', ['buildx', 'prune', '--all', '--force'], { stdio: 'ignore' });
const parts = process.argv.length > 2 ? process.argv.slice(2) : ['release', 'compile'];
const rows = [];
const note = (what, seconds, remark = '') => {
  rows.push(`| ${what} | ${seconds.toFixed(1)} | ${remark} |`);
  console.error(rows.at(-1));
};

async function benchRelease() {
  const out = join(dir, 'dist');
  const targets = ['--target', 'debian-12,debian-13', '--arch', 'arm64,x86_64'];
  const args = [turnbuild, 'release', '4.6.1', '--source', 'debian', ...targets, '--out', out];
  prune();
  const cold = await timed(process.execPath, [...args, '--refresh-base']);
  note(
    'release, cold: base images, toolchains, 4 packages, verified',
    cold.seconds,
    `peak memory of the Node process ${cold.peak.toFixed(0)} MiB`,
  );
  rmSync(out, { recursive: true });
  const warm = await timed(process.execPath, args);
  note(
    'release, warm: empty dist/, with build cache; verified again',
    warm.seconds,
    `${warm.peak.toFixed(0)} MiB`,
  );
  const same = await timed(process.execPath, args);
  note('release, nothing changed', same.seconds, `${same.peak.toFixed(0)} MiB`);
}

async function benchCompile() {
  const out = join(dir, 'sources');
  await timed(process.execPath, [turnbuild, 'source', '4.6.1', '--source', 'debian', '--out', out]);
  const inputs = join(dir, 'inputs');
  mkdirSync(join(inputs, 'patches'), { recursive: true });
  spawnSync('cp', [join(out, '4.6.1', 'work', 'source', 'coturn-4.6.1.tar'), join(inputs, 'coturn.tar')]);
  spawnSync('cp', ['-r', join(root, 'patches/prometheus-client'), inputs]);
  spawnSync('sh', [
    '-c',
    `mkdir '${inputs}/include'; cp '${root}/patches/openssl-3.h' '${inputs}/include/'; echo '-include /inputs/include/openssl-3.h' >'${inputs}/cppflags'; cp -r '${root}/patches/stop-on-signal' '${inputs}/patches/'; echo stop-on-signal/stop-on-signal.patch >'${inputs}/patches/series'`,
  ]);

  const compile = { more: ['--no-cache-filter=build-run'] };
  prune();
  const nativeAll = (await timed('docker', buildArgs({ ...X86, emulated: false, more: [] }))).seconds;
  prune();
  const crossAll = (await timed('docker', buildArgs({ ...ARM, emulated: false, more: [] }))).seconds;
  await timed('docker', buildArgs({ ...X86, emulated: false, more: [] }));
  const [cross, native] = await inTurns([
    () => timed('docker', buildArgs({ ...ARM, emulated: false, ...compile })),
    () => timed('docker', buildArgs({ ...X86, emulated: false, ...compile })),
  ]);
  note('x86_64, native, from scratch (toolchain and compile)', nativeAll);
  note('arm64, cross, from scratch', crossAll, `${(crossAll / nativeAll).toFixed(2)} x native`);
  note('x86_64, native, compile only', native);
  note('arm64, cross, compile only', cross, `${(cross / native).toFixed(2)} x native`);
  if (parts.includes('pair')) return;
  prune();
  const emulatedAll = (await timed('docker', buildArgs({ ...ARM, emulated: true, more: [] }))).seconds;
  const emulated = (await timed('docker', buildArgs({ ...ARM, emulated: true, ...compile }))).seconds;
  note('arm64, emulated, from scratch', emulatedAll, `${(emulatedAll / crossAll).toFixed(1)} x cross`);
  note('arm64, emulated, compile only', emulated, `${(emulated / cross).toFixed(1)} x cross`);
}

/** Alternates two commands and returns the median of each, without the first round. */
async function inTurns(commands) {
  const seconds = commands.map(() => []);
  for (let round = 0; round <= ROUNDS; round++)
    for (const [i, command] of commands.entries()) {
      const taken = (await command()).seconds;
      if (round > 0) seconds[i].push(taken);
    }
  return seconds.map((each) => each.sort((a, b) => a - b)[(each.length - 1) / 2]);
}

try {
  if (parts.includes('release')) await benchRelease();
  if (parts.includes('compile')) await benchCompile();
  console.log(
    `${cpus().length} x ${cpus()[0].model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}, Docker ${spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8' }).stdout.trim()}\n`,
  );
  console.log('| what | seconds | |\n|---|---:|---|');
  for (const row of rows) console.log(row);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
