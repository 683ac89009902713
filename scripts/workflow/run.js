// Runs a workflow's jobs on this machine, one after the other.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { asText, interpolate, isDue } from './expression.js';
import { jobFolders, performSteps, texts } from './steps.js';

const KEYS = [
  ...['name', 'needs', 'if', 'strategy', 'runs-on', 'timeout-minutes', 'permissions', 'outputs', 'steps'],
  ...['environment', 'concurrency', 'uses', 'with', 'secrets'],
];

/** turnbuild's own repository. */
const REPOSITORY = 'turnbuild/turnbuild';

/**
 * Runs a workflow.
 * @param path of the workflow, absolute or in turnbuild's folder
 * @param machine where and how: dir (an empty folder), turnbuild (its folder), project (puts the project's files into a folder), env, log,
 *   event, ref, repository, variables, secrets
 * @returns the result of each job, and the workflow's outputs
 */
export async function runWorkflow(path, machine, given = {}) {
  const workflow = parse(readFileSync(resolve(machine.turnbuild, path), 'utf8'));
  const inputs = inputsOf(workflow, machine.called ? 'workflow_call' : machine.event, given);
  const github = {
    ...{ event_name: machine.event, ref_name: machine.ref ?? '', repository: machine.repository },
    ...{ token: 'a-token', sha: 'a'.repeat(40) },
  };
  const values = { inputs, github, vars: machine.variables, secrets: machine.secrets };
  const results = {};
  for (const name of inOrder(workflow.jobs)) {
    const job = workflow.jobs[name];
    for (const key of Object.keys(job))
      if (!KEYS.includes(key)) throw new Error(`unknown key of job ${name}: ${key}`);
    const needs = Object.fromEntries([job.needs ?? []].flat().map((each) => [each, results[each]]));
    const failed = Object.values(needs).some(({ result }) => result !== 'success');
    const contexts = {
      status: failed ? 'failure' : 'success',
      values: { ...values, needs },
    };
    if (!isDue(job.if, contexts)) {
      machine.log(`skipped: ${name}`);
      results[name] = { result: 'skipped', outputs: emptyOutputs(job) };
    } else if (job.uses === undefined)
      results[name] = await runMatrix(name, job, workflow, contexts, machine);
    else results[name] = await callWorkflow(name, job, contexts, machine);
  }
  const jobs = Object.fromEntries(Object.entries(results).map(([name, { outputs }]) => [name, { outputs }]));
  const outputs = Object.entries(workflow.on.workflow_call?.outputs ?? {}).map(([name, { value }]) => [
    name,
    asText(interpolate(value, { values: { jobs } })),
  ]);
  return { results, outputs: Object.fromEntries(outputs) };
}

const emptyOutputs = ({ outputs = {} }) => Object.fromEntries(Object.keys(outputs).map((name) => [name, '']));

/** Inputs with their defaults. A trigger without inputs leaves those of others empty. */
function inputsOf({ on }, event, given) {
  const declared = on[event]?.inputs ?? {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(declared, name)) throw new Error(`the workflow has no input ${name}`);
  if (!Object.hasOwn(on, event)) throw new Error(`the workflow does not run on ${event}`);
  const all = Object.values(on).flatMap((trigger) => Object.keys(trigger?.inputs ?? {}));
  const value = (name) => {
    const input = declared[name];
    if (input === undefined) return '';
    if (given[name] === undefined && input.required === true) throw new Error(`the input ${name} is missing`);
    const found = given[name] ?? input.default ?? (input.type === 'boolean' ? false : '');
    const type = input.type === 'boolean' ? 'boolean' : 'string';
    if (typeof found !== type) throw new Error(`the input ${name} is a ${typeof found}, not a ${type}`);
    if (input.options !== undefined && !input.options.includes(found))
      throw new Error(`the input ${name} must be one of ${input.options.join(', ')}`);
    return found;
  };
  return Object.fromEntries(all.map((name) => [name, value(name)]));
}

/** Names of jobs, each after those that it needs. */
function inOrder(jobs) {
  const done = [];
  const names = Object.keys(jobs);
  while (done.length < names.length) {
    const next = names.find(
      (name) => !done.includes(name) && [jobs[name].needs ?? []].flat().every((each) => done.includes(each)),
    );
    if (next === undefined) throw new Error('jobs need each other, or an unknown job');
    done.push(next);
  }
  return done;
}

async function runMatrix(name, job, workflow, contexts, machine) {
  const all = matrixOf(job.strategy?.matrix, contexts);
  const outcomes = [];
  for (const [index, matrix] of all.entries())
    outcomes.push(
      await runJob(
        all.length === 1 ? name : `${name}-${index}`,
        job,
        workflow,
        { ...contexts, values: { ...contexts.values, matrix } },
        machine,
      ),
    );
  const failed = outcomes.find(({ result }) => result !== 'success');
  return failed ?? outcomes.at(-1);
}

function matrixOf(matrix, contexts) {
  if (matrix === undefined) return [{}];
  const { include, ...lists } = matrix;
  const list = (value) => interpolate(value, contexts);
  let all = [{}];
  for (const [name, value] of Object.entries(lists))
    all = all.flatMap((each) => list(value).map((one) => ({ ...each, [name]: one })));
  if (include !== undefined) all = Object.keys(lists).length > 0 ? all : list(include);
  if (!Array.isArray(all) || all.length === 0) throw new Error('a matrix is empty');
  return all;
}

async function runJob(name, job, workflow, contexts, machine) {
  const runner = asText(interpolate(job['runs-on'], contexts));
  if (runner === '') throw new Error(`job ${name} has no runner`);
  const { folder, workspace } = jobFolders(machine.dir, name);
  machine.log(`job ${name} on ${runner}`);
  const { values } = contexts;
  const identity = { workflow_repository: REPOSITORY, workflow_sha: 'b'.repeat(40) };
  const summary = join(folder, 'summary.md');
  writeFileSync(summary, '');
  const own = {
    status: 'success',
    values: {
      ...values,
      github: { ...values.github, workspace },
      runner: { environment: 'github-hosted', os: 'Linux' },
      job: identity,
    },
  };
  const performed = await performSteps(job.steps, {
    ...machine,
    ...{ name, folder, workspace, summary, contexts: own, shell: workflow.defaults?.run?.shell },
    artifacts: join(machine.dir, 'artifacts'),
    ran: join(machine.dir, 'ran.jsonl'),
    count: { runs: 0 },
    workflow: { repository: identity.workflow_repository, sha: identity.workflow_sha },
    secrets: Object.values(machine.secrets).filter((secret) => secret !== ''),
    env: {
      ...machine.env,
      ...{ CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: workspace },
      ...texts(workflow.env, own),
      ...texts(job.env, own),
    },
  });
  if (performed.status !== 'success') return { result: 'failure', outputs: emptyOutputs(job) };
  return { result: 'success', outputs: texts(job.outputs, performed.contexts) };
}

const LEVELS = { none: 0, read: 1, write: 2 };

/** A reusable workflow. Its jobs must not have more permissions than the calling one. */
async function callWorkflow(name, job, contexts, machine) {
  machine.log(`workflow ${job.uses} for job ${name}`);
  const path = job.uses.replace(new RegExp(`^${REPOSITORY}/(.*)@.*$`), '$1');
  const called = parse(readFileSync(join(machine.turnbuild, path), 'utf8'));
  for (const [other, { permissions }] of Object.entries(called.jobs))
    for (const [scope, level] of Object.entries(permissions ?? {}))
      if (LEVELS[level] > Math.max(LEVELS[job.permissions?.[scope] ?? 'none'], 0))
        throw new Error(
          `job ${other} of ${job.uses} needs ${scope}: ${level}, which job ${name} does not have`,
        );
  const declared = called.on.workflow_call;
  for (const secret of Object.keys(job.secrets ?? {}))
    if (!Object.hasOwn(declared.secrets ?? {}, secret))
      throw new Error(`${job.uses} has no secret ${secret}`);
  const given = Object.fromEntries(
    Object.entries(job.with ?? {}).map(([input, value]) => [input, interpolate(value, contexts)]),
  );
  const secrets = texts(job.secrets, contexts);
  const { results, outputs } = await runWorkflow(path, { ...machine, called: true, secrets }, given);
  const failed = Object.values(results).some(({ result }) => result === 'failure');
  return { result: failed ? 'failure' : 'success', outputs, jobs: results };
}
