// `node scripts/run-workflow.js FILE [--event NAME] [--ref TAG] [--input NAME=VALUE] [--var NAME=VALUE] [--project DIR] [--dir DIR]`: runs a
// workflow of this repository on this machine, as GitHub Actions would. Actions are replaced (scripts/workflow/actions.js), artifacts are
// folders, jobs run one after the other. Secrets come from the environment.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkedOut, localMachine } from './workflow/local-machine.js';
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

const pairs = (words) =>
  words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
const asInput = (value) => (value === 'true' || value === 'false' ? value === 'true' : value);
const dir = resolve(values.dir ?? mkdtempSync(`${tmpdir()}/turnbuild-workflow-`));
const { TURNBUILD_SIGNING_KEY = '', TURNBUILD_SIGNING_PASSPHRASE = '' } = process.env;
const { results } = await runWorkflow(
  file,
  {
    ...localMachine(dir, {
      ...{ root, event: values.event, ref: values.ref },
      project: (to) => checkedOut(resolve(values.project ?? root), to),
      secrets: { TURNBUILD_SIGNING_KEY, TURNBUILD_SIGNING_PASSPHRASE },
    }),
    called: values.event === 'workflow_call',
    variables: Object.fromEntries(pairs(values.var)),
    log: (line) => console.log(line),
  },
  Object.fromEntries(pairs(values.input).map(([name, value]) => [name, asInput(value)])),
);
console.log(`Results, artifacts and summaries are in ${dir}`);
const all = Object.values(results).flatMap((each) => [each, ...Object.values(each.jobs ?? {})]);
process.exitCode = all.some(({ result }) => result === 'failure') ? 1 : 0;
