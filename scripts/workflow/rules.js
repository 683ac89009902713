// Rules for our workflows and actions that linters don't have. Each returns problems as texts.

/** Permissions that a job may have, by what it is for. Every other job only reads the repository. */
const WRITERS = { publish: ['contents', 'id-token'], pipeline: ['contents', 'id-token'] };

/** Contexts that anyone who can dispatch a workflow, open a pull request or push a tag can fill. */
const UNTRUSTED = /\$\{\{/;

/** All steps of a workflow or a composite action, with the job's name. */
export function stepsOf(document) {
  const jobs = document.jobs ?? { action: document.runs };
  return Object.entries(jobs).flatMap(([job, { steps = [] }]) => steps.map((step) => ({ job, step })));
}

/** The text of each `uses:`, in jobs and in steps. */
export function usesOf(document) {
  const called = Object.values(document.jobs ?? {}).flatMap(({ uses }) => uses ?? []);
  return [...called, ...stepsOf(document).flatMap(({ step }) => step.uses ?? [])];
}

/** Actions of others are pinned by a full commit, with the version in a comment. */
export function pinProblems(text) {
  return text.split('\n').flatMap((line, index) => {
    const [, uses, comment] = /^\s*(?:- )?uses:\s*(\S+)\s*(?:#\s*(.*))?$/.exec(line) ?? [];
    if (uses === undefined || uses.startsWith('./')) return [];
    const where = `line ${index + 1}: ${uses}`;
    if (!/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(uses)) return [`${where} is not pinned by a full commit`];
    return /^v\d+\.\d+\.\d+$/.test(comment ?? '') ? [] : [`${where} has no comment with its version`];
  });
}

/** Nothing by default, and each job only what it needs. */
export function permissionProblems({ permissions, jobs }) {
  const top =
    typeof permissions === 'object' && permissions !== null && Object.keys(permissions).length === 0
      ? []
      : ['the workflow does not set `permissions: {}`'];
  const own = Object.entries(jobs).flatMap(([name, job]) => {
    if (typeof job.permissions !== 'object' || job.permissions === null)
      return [`job ${name} does not list its permissions`];
    return Object.entries(job.permissions).flatMap(([scope, level]) => {
      const isAllowed =
        scope === 'contents' && level === 'read' ? true : WRITERS[name]?.includes(scope) === true;
      return isAllowed ? [] : [`job ${name} has ${scope}: ${level}`];
    });
  });
  return [...top, ...own];
}

/** Values reach a script through its environment. In the script itself, they could contain commands. */
export function injectionProblems(document) {
  return stepsOf(document)
    .filter(({ step }) => UNTRUSTED.test(step.run ?? ''))
    .map(({ job, step }) => `job ${job}: a run block contains an expression: ${step.run.trim()}`);
}

/** Each job that runs steps has a time-out. */
export function timeoutProblems({ jobs }) {
  return Object.entries(jobs)
    .filter(([, job]) => job.uses === undefined && !Number.isInteger(job['timeout-minutes']))
    .map(([name]) => `job ${name} has no time-out`);
}

/** A checkout does not leave the token in the workspace, where builds could read it. */
export function credentialProblems(document) {
  return stepsOf(document)
    .filter(
      ({ step }) =>
        step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false,
    )
    .map(({ job }) => `job ${job}: a checkout keeps its credentials`);
}

/**
 * The inputs and secrets that are passed exist, and required ones are passed.
 * @param find the document of an action or workflow of this repository, by its `uses`
 */
export function inputProblems(document, find) {
  const calls = [
    ...Object.entries(document.jobs ?? {}).flatMap(([name, job]) =>
      job.uses === undefined ? [] : [{ name, uses: job.uses, given: job.with, secrets: job.secrets }],
    ),
    ...stepsOf(document).flatMap(({ job: name, step }) =>
      step.uses === undefined ? [] : [{ name, uses: step.uses, given: step.with }],
    ),
  ];
  return calls.flatMap(({ name, uses, given = {}, secrets = {} }) => {
    const called = find(uses);
    if (called === undefined) return [];
    const declared = called.on?.workflow_call ?? called;
    const problems = (kind, passed, known = {}) => [
      ...Object.keys(passed)
        .filter((each) => !Object.hasOwn(known, each))
        .map((each) => `job ${name}: ${uses} has no ${kind} ${each}`),
      ...Object.entries(known)
        .filter(
          ([each, { required, default: value }]) =>
            required === true && value === undefined && !Object.hasOwn(passed, each),
        )
        .map(([each]) => `job ${name}: ${uses} requires the ${kind} ${each}`),
    ];
    return [...problems('input', given, declared.inputs), ...problems('secret', secrets, declared.secrets)];
  });
}

/** Each run block is a command of turnbuild or npm, or installs packages of the runner's distribution. */
export function commandProblems(document) {
  return stepsOf(document).flatMap(({ job, step }) => {
    const lines = (step.run ?? '').replaceAll(/\\\n/g, '').split('\n');
    return lines
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^(?:turnbuild|npm|bin\/turnbuild\.js|sudo apt-get) /.test(line))
      .map((line) => `job ${job}: not a command of turnbuild or npm: ${line}`);
  });
}
