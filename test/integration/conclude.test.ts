import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import { runProcess } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import type { StageName } from '../../src/manifest/stages.ts';
import { createPlan } from '../../src/plan/index.ts';
import { conclude } from '../../src/run/conclude.ts';
import type { PlannedRelease, Session } from '../../src/run/session.ts';
import type { ManifestStore } from '../../src/run/step.ts';
import { renderSummary } from '../../src/ui/summary.ts';
import { releaseFacts } from '../support/plan-facts.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { fixture } from '../unit/ui/manifest-fixture.ts';

// The output of a command for a release that is already complete.
const whole = createPlan(releaseFacts);
let dir: string;
let said: { line: string[]; styled: string[]; data: unknown[] };
beforeEach(() => {
  dir = temporaryFolder();
  said = { line: [], styled: [], data: [] };
});
afterEach(() => void vi.unstubAllGlobals());

function run(
  options: Session['options'],
  {
    stages = ['build', 'package', 'verify'],
    plan = {},
    before,
  }: {
    stages?: readonly StageName[];
    plan?: Partial<PlannedRelease['plan']>;
    before?: (store: ManifestStore) => Promise<void>;
  } = {},
): Promise<number> {
  const root = new URL('../../', import.meta.url).pathname;
  const selection = { only: [], skip: [], reason: undefined, accept: [] };
  const session: Session = {
    options,
    output: {
      line: (text) => void said.line.push(text),
      styled: (text) => void said.styled.push(text),
      data: (value) => void said.data.push(value),
    },
    recipes: { dir: join(root, 'recipes'), patches: join(root, 'patches') } as Session['recipes'],
    locks: { own: join(dir, 'lock.json'), beneath: undefined },
    coturn: undefined,
    publish: {},
    io: createIo(runProcess, new AbortController().signal),
    cache: join(dir, 'cache'),
    mirrors: { debian: undefined, security: undefined, named: {} },
    jobs: 1,
  };
  const release: PlannedRelease = {
    ...{
      source: undefined,
      document: undefined,
      selection,
      full: false,
      keys: new Map(),
      rebuild: new Set(),
    },
    plan: { ...whole, steps: [], bases: [], ...plan },
    builder: {
      ...{ name: 'near', driver: 'docker', architectures: ['x86_64'], ociLayouts: true },
      compilesOn: { arm64: 'x86_64', x86_64: 'x86_64' },
    },
    dir: join(dir, 'dist'),
  };
  return conclude(session, release, stages, before);
}
const manifest = (): Manifest => JSON.parse(readFileSync(join(dir, 'dist/manifest.json'), 'utf8'));
/** Records steps for the summary. */
const before = async (store: ManifestStore) => {
  for (const step of fixture().steps) await store.record(step);
};

describe('a finished release', () => {
  it('is summarised in 100 columns without colours if there is no terminal', async () => {
    expect(await run({}, { before })).toBe(0);
    const shown = renderSummary(manifest(), { dir: join(dir, 'dist'), columns: 100, color: false });
    expect(said).toEqual({ line: [expect.stringMatching(/^builder near/)], styled: [shown], data: [] });
  });

  it('is summarised in colours and in the width of the terminal', async () => {
    const stdout = Object.create(process.stdout, { isTTY: { value: true }, columns: { value: 61 } });
    const env = { ...process.env, NO_COLOR: '', TERM: 'xterm' };
    vi.stubGlobal('process', Object.create(process, { stdout: { value: stdout }, env: { value: env } }));
    await run({ verbose: true }, { before });
    expect(said.styled).toEqual([
      renderSummary(manifest(), { dir: join(dir, 'dist'), columns: 61, color: true }),
    ]);
  });

  it.each<[StageName[], number]>([
    [['build'], 0],
    [['package'], 1],
    [['build', 'package'], 1],
  ])('of the stages %j prints %i summaries', async (stages, count) => {
    await run({}, { stages, before });
    expect(said.styled).toHaveLength(count);
  });

  it('is printed as its manifest with --json', async () => {
    await run({ json: true }, { before });
    expect(said.styled).toEqual([]);
    const { steps, coturn } = manifest();
    expect(said.data).toEqual([expect.objectContaining({ steps, coturn })]);
  });

  it('is reported with the architectures that it compiles on', async () => {
    const commands = { dryRun: true, json: true };
    const steps = whole.steps.filter(({ stage }) => stage === 'build');
    await run(commands, { stages: [], plan: { steps } });
    const compilesOn = { arm64: 'arm64', x86_64: 'x86_64' } as const;
    await run(commands, { stages: [], plan: { steps, compilesOn } });
    expect(said.line).toEqual(
      ['x86_64', 'arm64 and x86_64'].map(
        (processors) => `builder near (docker), compiling on ${processors}; results in ${join(dir, 'dist')}`,
      ),
    );
  });
});

describe('a failed release', () => {
  it.each<[string, Error, boolean]>([
    ['a failed verification', new TurnbuildError('VERIFY_FAILED', 'no'), true],
    ['another failure', new TurnbuildError('BUILD_FAILED', 'no'), false],
    [
      'an unexpected error with the same code',
      Object.assign(new Error('no'), { code: 'VERIFY_FAILED' }),
      false,
    ],
  ])('names its report only after a failed verification: %s', async (_, error, named) => {
    const before = async () => {
      throw error;
    };
    await expect(run({}, { before })).rejects.toBe(error);
    expect(said.line.slice(1)).toEqual(named ? [`Report: ${join(dir, 'dist/report.html')}`] : []);
    expect([said.styled, said.data]).toEqual([[], []]);
  });
});

describe('a dry run', () => {
  const plan = {
    steps: whole.steps.filter(({ id }) => id === 'package:debian-13:x86_64'),
    bases: whole.bases.map((base) => ({
      ...base,
      image: `registry.test/base@sha256:${'0'.repeat(64)}`,
      asIs: true as const,
    })),
  };

  it('prints the commands and executes none', async () => {
    expect(await run({ dryRun: true }, { plan })).toBe(0);
    expect(said.line.slice(1)).toEqual([expect.stringMatching(/ docker buildx build .*--target=package/)]);
    expect([said.styled, said.data]).toEqual([[], []]);
    expect(() => manifest()).toThrow(/ENOENT/);
  });

  it('prints the commands as JSON with the step of each', async () => {
    await run({ dryRun: true, json: true }, { plan });
    expect(said.line).toHaveLength(1);
    expect(said.data).toEqual([
      [{ step: 'package:debian-13:x86_64', line: expect.stringMatching(/ docker buildx build /) }],
    ]);
  });
});
