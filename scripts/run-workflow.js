// `node scripts/run-workflow.js FILE [--event NAME] [--ref TAG] [--input NAME=VALUE] [--var NAME=VALUE] [--project DIR] [--dir DIR]`: runs a
// workflow of this repository on this machine, as GitHub Actions would. Actions are replaced (scripts/workflow/actions.js), artifacts are
// folders, jobs run one after the other. Secrets come from the environment.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runWorkflow } from './workflow/run.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const list = { type: 'string', multiple: true, default: [] };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    event: { type: 'string', default: 'workflow_dispatch' },
    ref: { type: 'string' },
    input: list,
    var: list,
    project: { type: 'string' },
    dir: { type: 'string' },
  },
});
const [file] = positionals;
if (file === undefined) throw new Error('expected a workflow, e.g. .github/workflows/release.yml');

/** Copies the files of a repository that Git knows, as a checkout does. */
function checkedOut(from, to) {
  const { stdout, status } = spawnSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: from,
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${from} is not a Git repository`);
  for (const name of stdout.split('\0').filter((each) => each !== '')) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    cpSync(join(from, name), join(to, name));
  }
}

const pairs = (words) =>
  words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
const asInput = (value) => (value === 'true' || value === 'false' ? value === 'true' : value);
const dir = resolve(values.dir ?? mkdtempSync(`${tmpdir()}/turnbuild-workflow-`));
const turnbuild = join(dir, 'turnbuild');
checkedOut(root, turnbuild);
const {
  TURNBUILD_SIGNING_KEY = '',
  TURNBUILD_SIGNING_PASSPHRASE = '',
  GITHUB_TOKEN: _,
  ...env
} = process.env;
const prefix = join(dir, 'npm');
const bin = join(dir, 'bin');
mkdirSync(bin, { recursive: true });
// Runners have sudo; in a container, root does not need it.
if (spawnSync('sudo', ['-V']).status !== 0) {
  const script = 'printf \'#!/bin/sh\\nexec "$@"\\n\' >"$1" && chmod +x "$1"';
  spawnSync('sh', ['-c', script, 'sh', join(bin, 'sudo')], { stdio: 'inherit' });
}
const { results } = await runWorkflow(
  file,
  {
    ...{ dir, turnbuild, event: values.event, ref: values.ref, repository: 'example/coturn-packages' },
    project: (to) => checkedOut(resolve(values.project ?? root), to),
    called: values.event === 'workflow_call',
    variables: Object.fromEntries(pairs(values.var)),
    secrets: { TURNBUILD_SIGNING_KEY, TURNBUILD_SIGNING_PASSPHRASE },
    env: { ...env, npm_config_prefix: prefix, PATH: `${join(prefix, 'bin')}:${env.PATH}:${bin}` },
    log: (line) => console.log(line),
  },
  Object.fromEntries(pairs(values.input).map(([name, value]) => [name, asInput(value)])),
);
console.log(`Results, artifacts and summaries are in ${dir}`);
const all = Object.values(results).flatMap((each) => [each, ...Object.values(each.jobs ?? {})]);
process.exitCode = all.some(({ result }) => result === 'failure') ? 1 : 0;
