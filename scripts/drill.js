// `npm run drill [-- --tarball FILE] [--targets LIST] [--architectures LIST] [--roots registry|bootstrap]`: measures how long a security release
// of coturn takes to get into the channel `testing` by itself. A simulated GitHub gets a new release with real sources; then the scheduled
// release.yml runs on this machine, from the decision to the signed repositories. Prints the timeline.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { simulatedGithub } from './drill/github.js';
import { checkedOut, localMachine } from './workflow/local-machine.js';
import { runWorkflow } from './workflow/run.js';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const { values } = parseArgs({
  options: {
    tarball: { type: 'string' },
    targets: { type: 'string', default: 'debian-13,portable' },
    architectures: { type: 'string', default: 'arm64,x86_64' },
    roots: { type: 'string', default: process.env.TURNBUILD_ROOTS ?? 'registry' },
  },
});
const { targets = '', architectures = '' } = values;
const home = mkdtempSync(join(tmpdir(), 'tb-gpg-'));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-drill-'));
const repo = join(dir, 'repo');
mkdirSync(repo);

/** The sources: the given tarball, or that of the Debian archive. */
function sources() {
  if (values.tarball !== undefined) {
    const version = /^coturn-([\d.]+)\.tar\.gz$/.exec(basename(values.tarball))?.[1];
    if (version === undefined) throw new Error('--tarball must be named coturn-VERSION.tar.gz');
    return { version, tarball: readFileSync(resolve(values.tarball)) };
  }
  const version = '4.6.1';
  const args = [
    join(root, 'bin/turnbuild.js'),
    'source',
    version,
    '--source',
    'debian',
    '--out',
    join(dir, 'source'),
  ];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return {
    version,
    tarball: gzipSync(readFileSync(join(dir, 'source', version, `work/source/coturn-${version}.tar`))),
  };
}

function signingKey() {
  const gpg = (...args) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...args], { encoding: 'utf8' });
  gpg(
    '--pinentry-mode',
    'loopback',
    '--passphrase',
    '',
    '--quick-gen-key',
    'Drill <drill@example.org>',
    'ed25519',
    'sign',
    '1d',
  );
  return gpg('--armor', '--export-secret-keys');
}

/** A project with turnbuild's own workflow. */
function project(to) {
  checkedOut(root, to);
  const list = (words) => `[${words.split(',').join(', ')}]`;
  writeFileSync(
    join(to, 'turnbuild.yaml'),
    `targets: ${list(targets)}\narchitectures: ${list(architectures)}\n`,
  );
}

const { version, tarball } = sources();
const pinned = JSON.parse(readFileSync(join(root, 'recipes/sources.lock.json'), 'utf8')).sources[version];
if (pinned === undefined) throw new Error(`recipes/sources.lock.json does not pin coturn ${version}`);
const github = await simulatedGithub({ version, tarball, ...pinned });
const to = [/debian|ubuntu/.test(targets) ? 'apt' : '', /portable|el9/.test(targets) ? 'dnf' : ''].filter(
  Boolean,
);
const secrets = { TURNBUILD_SIGNING_KEY: signingKey(), TURNBUILD_SIGNING_PASSPHRASE: '' };

/** @type {{ at: number, job: string }[]} */
const jobs = [];
let began = 0;
const seconds = (since) => Math.round((Date.now() - since) / 1000);
const clock = (total) => `${Math.floor(total / 60)}:${String(total % 60).padStart(2, '0')}`;

async function scheduled(name) {
  const machine = localMachine(join(dir, name), { root, project, event: 'schedule', secrets });
  const variables = {
    ...{ TURNBUILD_TO: to.join(','), TURNBUILD_REPO: repo, TURNBUILD_URL: 'https://packages.example.org' },
    // There is no identity to sign with.
    ...{ TURNBUILD_ROOTS: values.roots, TURNBUILD_PROVENANCE: 'false' },
  };
  return runWorkflow('.github/workflows/release.yml', {
    ...machine,
    variables,
    env: { ...machine.env, GITHUB_API_URL: github.url, TURNBUILD_CACHE: join(dir, 'cache') },
    log(line) {
      const job = /^job (\S+) on/.exec(line)?.[1];
      if (job !== undefined) jobs.push({ at: Date.now(), job });
      console.log(`[${clock(seconds(began))}] ${line}`);
    },
  });
}

/**
 * The longest build if each had a native runner: an emulated one is taken to need as long as the native build of its target.
 * @param {number[]} seconds of the builds, in their order
 */
function nativeBuild(seconds) {
  const stored = join(dir, 'first', 'artifacts');
  const parts = readdirSync(stored)
    .filter((name) => name.startsWith('turnbuild-part-'))
    .sort((a, b) => statSync(join(stored, a)).birthtimeMs - statSync(join(stored, b)).birthtimeMs);
  if (parts.length !== seconds.length) throw new Error(`${seconds.length} builds made ${parts.length} parts`);
  const own = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const other = own === 'arm64' ? 'x86_64' : 'arm64';
  const native = parts.map((name, index) => {
    const same = parts.indexOf(name.replace(new RegExp(`${other}$`), own));
    return seconds[same < 0 ? index : same] ?? 0;
  });
  const emulated = parts.filter((name) => name.endsWith(other));
  const isKnown = emulated.every((name) => parts.includes(name.replace(new RegExp(`${other}$`), own)));
  const note =
    emulated.length === 0
      ? ''
      : isKnown
        ? ` ${other} was emulated here, and is taken to need as long as ${own}.`
        : ` ${other} was emulated here, so a native runner is faster.`;
  return { longest: Math.max(...native), note };
}

const failures = [];
let isDone = false;
try {
  console.log(
    `A simulated GitHub gets coturn ${version}. Everything else is real: ${targets} for ${architectures}.`,
  );
  github.appear();
  began = Date.now();
  const { results } = await scheduled('first');
  const took = seconds(began);
  const end = Date.now();
  if (results.due.outputs.version !== version)
    failures.push(`due named ${results.due.outputs.version || 'nothing'}`);
  if (results.pipeline.result !== 'success')
    failures.push(`the pipeline ended with ${results.pipeline.result}`);
  const published = readdirSync(repo, { recursive: true }).map(String);
  const packages = published.filter(
    (path) => /\/pool\/.*\.(?:deb|rpm)$/.test(path) && path.includes(version),
  );
  if (packages.length === 0) failures.push('nothing was published');
  if (to.includes('apt') && !existsSync(join(repo, 'apt/dists'))) failures.push('there is no apt repository');
  const own = jobs.map(({ at, job }, index) => ({
    job,
    seconds: Math.round(((jobs[index + 1]?.at ?? end) - at) / 1000),
  }));
  jobs.length = 0;
  const second = await scheduled('second');
  if (second.results.due.outputs.due !== 'false')
    failures.push('the next run found the same release due again');
  if (failures.length > 0) throw new Error(failures.join('; '));
  console.log(
    `\ncoturn ${version} is in testing, ${packages.length} packages, ${clock(took)} after it appeared:`,
  );
  for (const each of own) console.log(`  ${clock(each.seconds).padStart(6)}  ${each.job}`);
  const builds = own.filter(({ job }) => job.startsWith('build'));
  const { longest, note } = nativeBuild(builds.map((each) => each.seconds));
  const others = own.filter((each) => !builds.includes(each)).reduce((sum, each) => sum + each.seconds, 0);
  console.log(
    `With a native runner for each of the ${builds.length} packages: ${clock(others + longest)}.${note}`,
  );
  console.log('The next scheduled run found nothing due.');
  isDone = true;
} finally {
  github.close();
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
  rmSync(home, { recursive: true, force: true });
  if (isDone) rmSync(dir, { recursive: true, force: true });
  else console.error(`Logs and results are in ${dir}`);
}
