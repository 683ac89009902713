// `npm run pin-releases -- REPOSITORY`: adds every coturn release that a local clone has tagged to recipes/sources.lock.json.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import semver from 'semver';

const OLDEST = '4.5.2';
const HELP = `Pins each coturn release from ${OLDEST} on that has a tag in a local clone, by commit, git tree and content digest.

  npm run pin-releases -- REPOSITORY [--lock FILE]

An existing pin is never changed: if it differs from the tag, the command fails. turnbuild adds the SHA-256 of a tarball
when the tarball is first used with --update-lock.`;

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const args = process.argv.slice(2);
const at = args.indexOf('--lock');
const lockFile = at < 0 ? join(root, 'recipes/sources.lock.json') : args.splice(at, 2)[1];
const [repository] = args;
if (repository === undefined || args.length !== 1 || lockFile === undefined || repository.startsWith('-')) {
  console.error(HELP);
  process.exit(repository === '--help' || repository === '-h' ? 0 : 2);
}

/** @param {string} command @param {string[]} words */
function run(command, words) {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout.trim();
  console.error(`pin-releases: ${command} ${words.join(' ')} failed: ${error?.message ?? stderr.trim()}`);
  process.exit(1);
}
/** @param {string[]} words */
const git = (...words) => run('git', ['-C', repository, ...words]);

/** @param {import('../src/sources/lock.ts').LockedSource | undefined} pin @param {string} version @param {Record<string, string>} ids */
function requireSame(pin, version, ids) {
  for (const [name, id] of Object.entries(ids)) {
    const pinned = pin?.[/** @type {'commit' | 'gitTree'} */ (name)];
    if (pinned === undefined || pinned === id) continue;
    console.error(`pin-releases: ${version} is pinned to ${name} ${pinned}, but the tag has ${id}`);
    process.exit(1);
  }
}

const releases = git('tag')
  .split('\n')
  .filter((tag) => /^\d+\.\d+\.\d+$/.test(tag) && semver.gte(tag, OLDEST))
  .sort(semver.compare);
const work = mkdtempSync(join(tmpdir(), 'turnbuild-pins-'));
// Runs even if a failure exits the process.
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const lock = JSON.parse(readFileSync(lockFile, 'utf8'));
let added = 0;
for (const version of releases) {
  const old = lock.sources[version];
  const ids = {
    commit: git('rev-parse', `${version}^{commit}`),
    gitTree: git('rev-parse', `${version}^{tree}`),
  };
  requireSame(old, version, ids);
  if (old?.commit !== undefined) continue;
  // Packs a tag like GitHub, which applies export-ignore.
  const tarball = join(work, `coturn-${version}.tar.gz`);
  git('archive', '--format=tar.gz', `--prefix=coturn-${version}/`, `--output=${tarball}`, version);
  const scratch = join(work, 'lock.json');
  writeFileSync(scratch, JSON.stringify({ schema: 1, sources: {} }));
  const words = ['source', version, '--source', tarball, '--lock', scratch, '--update-lock'];
  run(join(root, 'bin/turnbuild.js'), [...words, '--allow-quarantined', '--out', work]);
  const { tree, epoch } = JSON.parse(readFileSync(scratch, 'utf8')).sources[version];
  if (old !== undefined && old.tree !== tree) {
    console.error(`pin-releases: ${version} is pinned to tree ${old.tree}, but the tag has ${tree}`);
    process.exitCode = 1;
    continue;
  }
  lock.sources[version] = { sha256s: old?.sha256s ?? {}, tree, epoch: old?.epoch ?? epoch, ...ids };
  added += 1;
  console.log(`${version}  commit ${ids.commit}  tree ${tree}`);
}
lock.sources = Object.fromEntries(Object.entries(lock.sources).sort(([a], [b]) => semver.compare(a, b)));
writeFileSync(`${lockFile}.new`, `${JSON.stringify(lock, null, 2)}\n`);
renameSync(`${lockFile}.new`, lockFile);
console.log(`pin-releases: ${releases.length} tagged releases, ${added} added to ${lockFile}`);
