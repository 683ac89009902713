// Performs the steps of a job or of a composite action.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { ACTIONS } from './actions.js';
import { asText, interpolate, isDue } from './expression.js';
import { readAssignments } from './files.js';

const KEYS = ['name', 'id', 'if', 'uses', 'with', 'env', 'run', 'shell', 'working-directory'];

/** How GitHub calls a shell. @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell */
const SHELLS = { undefined: ['-e'], bash: ['--noprofile', '--norc', '-eo', 'pipefail'] };

/**
 * Performs steps in order. After a failure, only those whose `if` asks for it run.
 * @param job the job's folder, contexts, environment and log
 * @returns whether all succeeded, and the outputs of each step with an id
 */
export async function performSteps(steps, job) {
  const contexts = { ...job.contexts, values: { ...job.contexts.values, steps: {} } };
  for (const step of steps) {
    for (const key of Object.keys(step))
      if (!KEYS.includes(key)) throw new Error(`unknown key of a step: ${key}`);
    contexts.values.job = { ...contexts.values.job, status: contexts.status };
    const title = step.name ?? step.uses ?? step.run;
    if (!isDue(step.if, contexts)) {
      job.log(`    skipped: ${title}`);
      if (step.id !== undefined) contexts.values.steps[step.id] = { outputs: {}, outcome: 'skipped' };
      continue;
    }
    job.log(`    ${title}`);
    const env = { ...job.env, ...texts(step.env, contexts) };
    const own = { ...job, contexts, env };
    const outputs = step.run === undefined ? await useAction(step, own) : await runBlock(step, own);
    const outcome = outputs === undefined ? 'failure' : 'success';
    if (step.id !== undefined) contexts.values.steps[step.id] = { outputs: outputs ?? {}, outcome };
    if (outputs === undefined) contexts.status = 'failure';
  }
  return { status: contexts.status, contexts };
}

/** The members of an object with expressions, as texts. */
export function texts(object, contexts) {
  return Object.fromEntries(
    Object.entries(object ?? {}).map(([name, value]) => [name, asText(interpolate(value, contexts))]),
  );
}

/** @returns the outputs; undefined if the command failed */
async function runBlock(step, job) {
  const flags = SHELLS[step.shell ?? job.shell];
  if (flags === undefined) throw new Error(`unknown shell ${step.shell}`);
  if (/\$\{\{/.test(step.run)) throw new Error(`a run block contains an expression: ${step.run}`);
  const { folder, workspace } = job;
  const number = job.count.runs++;
  const script = join(folder, `${number}.sh`);
  writeFileSync(script, step.run);
  const output = join(folder, `${number}.output`);
  writeFileSync(output, '');
  const cwd = resolve(workspace, asText(interpolate(step['working-directory'] ?? '', job.contexts)));
  const code = await runCommand('bash', [...flags, script], {
    cwd,
    env: { ...job.env, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: job.summary },
    log: job.log,
    secrets: job.secrets,
  });
  appendFileSync(job.ran, `${JSON.stringify({ job: job.name, run: step.run, code })}\n`);
  if (code !== 0) {
    job.log(`    failed with exit code ${code}`);
    return undefined;
  }
  return readAssignments(output);
}

function runCommand(file, args, { cwd, env, log, secrets }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const take = (chunk) => {
      text += chunk;
      log(String(chunk).trimEnd().replace(/^/gm, '      '));
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code) => {
      if (secrets.some((secret) => text.includes(secret))) reject(new Error('the log contains a secret'));
      else resolve(code ?? 1);
    });
  });
}

async function useAction(step, job) {
  if (step.uses.startsWith('./')) return useComposite(step, job, join(job.workspace, step.uses));
  const [name, version = ''] = step.uses.split('@');
  // Another repository names turnbuild by a version.
  if (name === job.workflow.repository) return useComposite(step, job, job.turnbuild);
  const action = ACTIONS[name];
  if (action === undefined) throw new Error(`this runner has no action ${name}`);
  if (!/^[0-9a-f]{40}$/.test(version)) throw new Error(`${name} is not pinned by a commit`);
  const given = texts(step.with, job.contexts);
  for (const input of Object.keys(given))
    if (!action.inputs.includes(input)) throw new Error(`${name} has no input ${input} here`);
  await action.perform(given, job);
  return {};
}

/** A composite action. */
async function useComposite(step, job, dir) {
  const file = join(dir, 'action.yml');
  if (!existsSync(file)) throw new Error(`${step.uses} is not checked out`);
  const action = parse(readFileSync(file, 'utf8'));
  if (action.runs.using !== 'composite') throw new Error(`${step.uses} is not a composite action`);
  const given = texts(step.with, job.contexts);
  for (const name of Object.keys(given))
    if (!Object.hasOwn(action.inputs, name)) throw new Error(`${step.uses} has no input ${name}`);
  const inputs = Object.fromEntries(
    Object.entries(action.inputs).map(([name, { default: value = '' }]) => [name, given[name] ?? value]),
  );
  const { github, runner } = job.contexts.values;
  const values = { inputs, github: { ...github, action_path: dir }, runner, job: {} };
  const performed = await performSteps(action.runs.steps, {
    ...job,
    shell: null,
    contexts: { status: 'success', values },
    env: { ...job.env, GITHUB_ACTION_PATH: dir },
  });
  if (performed.status !== 'success') return undefined;
  return Object.fromEntries(
    Object.entries(action.outputs ?? {}).map(([name, { value }]) => {
      const id = /steps\.([\w-]+)\./.exec(value)?.[1];
      // The outputs of a skipped step are empty.
      const ran = performed.contexts.values.steps[id]?.outcome === 'success';
      return [name, ran ? asText(interpolate(value, performed.contexts)) : ''];
    }),
  );
}

/** A new folder of a job, and an empty workspace, whose path is the same for all jobs as on GitHub's runners. */
export function jobFolders(dir, name) {
  const folder = join(dir, 'jobs', name);
  const workspace = join(dir, 'work');
  mkdirSync(folder, { recursive: true });
  rmSync(workspace, { recursive: true, force: true });
  mkdirSync(workspace);
  return { folder, workspace };
}
