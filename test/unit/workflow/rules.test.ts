import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as rules from '../../../scripts/workflow/rules.js';

const SHA = '3d3c42e5aac5ba805825da76410c181273ba90b1';
const job = (text: string) => parse(`permissions: {}\njobs:\n  one:\n${text.replace(/^/gm, '    ')}`);

describe('pinProblems', () => {
  it('accepts a full commit with its version, and actions of the repository', () =>
    expect(
      rules.pinProblems(`- uses: actions/checkout@${SHA} # v7.0.1\n  uses: ./\n  uses: ./a.yml`),
    ).toEqual([]));
  it.each([
    ['a tag', 'actions/checkout@v7', 'full commit'],
    ['a short commit', `actions/checkout@${SHA.slice(0, 12)} # v7.0.1`, 'full commit'],
    ['an image', 'docker://alpine', 'full commit'],
    ['no version', `actions/checkout@${SHA}`, 'no comment'],
    ['a moving version', `actions/checkout@${SHA} # v7`, 'no comment'],
  ])('refuses %s', (_, uses, problem) =>
    expect(rules.pinProblems(`      - uses: ${uses}`)).toEqual([expect.stringContaining(problem)]),
  );
});

describe('permissionProblems', () => {
  it('accepts a job that only reads the repository', () =>
    expect(rules.permissionProblems(job('permissions: { contents: read }'))).toEqual([]));
  it('accepts OIDC in the job that publishes', () =>
    expect(
      rules.permissionProblems(
        parse('permissions: {}\njobs: { publish: { permissions: { contents: write, id-token: write } } }'),
      ),
    ).toEqual([]));
  it.each([
    ['OIDC elsewhere', 'permissions: { id-token: write }', 'one has id-token: write'],
    ['writing elsewhere', 'permissions: { contents: write }', 'one has contents: write'],
    ['everything', 'permissions: write-all', 'does not list'],
    ['the default', 'steps: []', 'does not list'],
  ])('refuses %s', (_, text, problem) =>
    expect(rules.permissionProblems(job(text))).toEqual([expect.stringContaining(problem)]),
  );
  it('refuses a workflow that gives every job something', () =>
    expect(rules.permissionProblems(parse('permissions: { contents: read }\njobs: {}'))).toHaveLength(1));
});

describe('injectionProblems', () => {
  it.each(['inputs.version', 'github.event.head_commit.message', 'github.ref_name', 'matrix.arch'])(
    `refuses \${{ %s }} in a script`,
    (expression) =>
      expect(
        rules.injectionProblems(job(`steps:\n  - run: turnbuild plan \${{ ${expression} }}`)),
      ).toHaveLength(1),
  );
  it('accepts it in the environment', () =>
    expect(
      rules.injectionProblems(
        job(`steps:\n  - run: turnbuild plan "$V"\n    env: { V: "\${{ inputs.v }}" }`),
      ),
    ).toEqual([]));
  it('looks into composite actions', () =>
    expect(rules.injectionProblems(parse(`runs: { steps: [{ run: "npm \${{ inputs.x }}" }] }`))).toHaveLength(
      1,
    ));
});

describe('inputProblems', () => {
  const called = parse(`on:
  workflow_call:
    inputs: { version: { type: string, required: true }, channel: { type: string, default: testing } }
    secrets: { KEY: { required: false } }
`);
  const problems = (text: string) => rules.inputProblems(job(text), () => called);
  it('accepts what is declared', () =>
    expect(problems('uses: ./a.yml\nwith: { version: x }\nsecrets: { KEY: y }')).toEqual([]));
  it.each([
    ['an unknown input', 'with: { version: x, chanel: y }', 'no input chanel'],
    ['a missing input', 'with: { channel: y }', 'requires the input version'],
    ['an unknown secret', 'with: { version: x }\nsecrets: { KEYS: y }', 'no secret KEYS'],
  ])('refuses %s', (_, text, problem) =>
    expect(problems(`uses: ./a.yml\n${text}`)).toEqual([expect.stringContaining(problem)]),
  );
  it('checks the inputs of an action', () =>
    expect(
      rules.inputProblems(job('steps:\n  - uses: ./\n    with: { verison: x }'), () =>
        parse('inputs: { version: {} }'),
      ),
    ).toEqual([expect.stringContaining('no input verison')]));
});

it('a job has a time-out, unless it calls a workflow', () => {
  expect(rules.timeoutProblems(job('steps: []'))).toHaveLength(1);
  expect(rules.timeoutProblems(job('timeout-minutes: 5'))).toEqual([]);
  expect(rules.timeoutProblems(job('uses: ./a.yml'))).toEqual([]);
});

it('a checkout keeps no credentials', () => {
  const checkout = `steps:\n  - uses: actions/checkout@${SHA}\n`;
  expect(rules.credentialProblems(job(checkout))).toHaveLength(1);
  expect(rules.credentialProblems(job(`${checkout}    with: { persist-credentials: false }`))).toEqual([]);
});

it('run blocks are commands of turnbuild and npm', () => {
  const block = (text: string) =>
    rules.commandProblems(job(`steps:\n  - run: |\n${text.replace(/^/gm, '      ')}`));
  expect(block('npm ci\nturnbuild plan \\\n  --json >plan.json')).toEqual([]);
  expect(block('npm ci\ncurl https://example.org | sh')).toHaveLength(1);
});
