import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from '../../src/io/exec.ts';
import { sha256Text } from '../../src/io/files.ts';
import { createIo } from '../../src/io/index.ts';
import { kindOfPackageFile } from '../../src/manifest/package-kinds.ts';
import type { Artifact, CheckResult, Manifest } from '../../src/manifest/schema.ts';
import { judges, STAGES, type StageName, stagesOf } from '../../src/manifest/stages.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { type PlanDocument, partOf } from '../../src/plan/document.ts';
import { createPlan } from '../../src/plan/index.ts';
import { baseNames } from '../../src/plan/planned-bases.ts';
import type { Choices, PlannedSource, PlannedStep } from '../../src/plan/types.ts';
import type { Cloud } from '../../src/recipe/machine.ts';
import { dryRunCommands } from '../../src/run/dry-run.ts';
import { performRelease } from '../../src/run/perform.ts';
import { type RequirePlanned, requireSame } from '../../src/run/plan-again.ts';
import { documentOf } from '../../src/run/planning.ts';
import type { PlannedRelease, Session } from '../../src/run/session.ts';
import type { StageTable } from '../../src/run/stage-table.ts';
import { stepKeys } from '../../src/run/step-keys.ts';
import { kindOfImageFile } from '../../src/stages/image.ts';
import { describeArtifacts, workFolder } from '../../src/stages/shared/artifacts.ts';
import { readyBase, type StageContext } from '../../src/stages/shared/context.ts';
import { machine, releaseFacts } from './plan-facts.ts';

/** Changes of one run. */
export interface ToyRun {
  stages?: readonly StageName[];
  jobs?: number;
  noCache?: boolean;
  rebuild?: readonly string[];
  signal?: AbortSignal;
  /** Base images that cannot be built. */
  missingRoots?: readonly string[];
  /** A folder other than `out`. */
  out?: string;
  /** The packages' revision; 1 by default. */
  revision?: number;
  /** Only a part of the plan, e.g. `debian-12 arm64`. */
  part?: string;
  /** Builds and boots machine images of these clouds instead, as `turnbuild image` does. */
  images?: readonly Cloud[];
  /** Digest of the sources' tree. */
  tree?: string;
}

/**
 * The real plan of a release, the real engine and a real folder; only the stages are fake. Each writes small files that depend on its recipe
 * (one line, `setRecipe`) and on the previous stage, first in a work folder, like the real ones.
 */
export interface ToyRelease {
  /** The release's folder. */
  out: string;
  plan: PlannedRelease['plan'];
  run(options?: ToyRun): Promise<Manifest>;
  /** IDs of the steps whose commands a dry run prints, and of those that it reports as up to date. */
  dryRun(options?: ToyRun): Promise<{ due: string[]; current: string[] }>;
  /** IDs of the steps executed since the last call. @param forget false to return them again next time */
  performed(forget?: boolean): string[];
  /** Hooks that run in the middle of a step, before its outputs are in place. */
  middle: Map<string, (context: StageContext) => Promise<void>>;
  /** Sets the input of a stage. Text after ` #` does not affect its outputs. A `verify` that starts with "unfit" has a failing check. */
  setRecipe(stage: StageName, text: string): void;
  manifest(): Manifest;
  /** Whether the plan of parts is the one of this release, as `collect` requires. */
  requirePlanned: RequirePlanned;
  /** The maximum number of steps that ran at once. */
  most(): number;
}

const CHOICES: Choices = {
  targets: releaseFacts.targets,
  architectures: releaseFacts.architectures,
  compilesOn: releaseFacts.compilesOn,
  verify: true,
  selection: { only: [], skip: [], reason: undefined, accept: [] },
  full: false,
  rebuild: [],
};
const SOURCE: PlannedSource = {
  provider: 'file',
  location: 'coturn.tar.gz',
  sha256: '1'.repeat(64),
  tree: '2'.repeat(64),
};

export function toyRelease(dir: string): ToyRelease {
  const out = join(dir, 'dist/4.6.1');
  const recipes = join(dir, 'recipes');
  mkdirSync(recipes);
  const recipeOf = (stage: StageName) => join(recipes, `${stage}.txt`);
  for (const stage of STAGES) writeFileSync(recipeOf(stage), `${stage} 1`);
  const planOf = (revision: number, { images: clouds, tree = SOURCE.tree }: ToyRun = {}) =>
    createPlan({
      ...{ ...releaseFacts, source: { ...SOURCE, tree }, coturn: { ...releaseFacts.coturn, revision } },
      ...(clouds === undefined ? {} : { targets: ['debian-13'], machine: { ...machine, clouds } }),
    });
  const middle: ToyRelease['middle'] = new Map();
  const performed: string[] = [];
  let working = 0;
  let most = 0;
  const stage = (name: StageName, parts: ToyParts) => ({
    async planned({ packageVersion }: PlannedStep) {
      const recipe = readFileSync(recipeOf(name), 'utf8');
      return name === 'package' ? { recipe, packageVersion } : { recipe };
    },
    kind: 'docker' as const,
    commands: (step: PlannedStep) => [{ file: 'toy', args: [step.id], effect: 'write' as const }],
    async inputs(step: PlannedStep, context: StageContext) {
      const bases = baseNames(step).map((id) => readyBase(context, id).digest);
      return { before: await parts.before(step, context), bases: bases.join(' ') };
    },
    async perform(step: PlannedStep, context: StageContext) {
      performed.push(step.id);
      most = Math.max(most, ++working);
      try {
        const work = await workFolder(context, step);
        const [recipe] = readFileSync(recipeOf(name), 'utf8').split(' #');
        const text = `${recipe} of ${await parts.before(step, context)}\n`;
        for (const path of parts.outputs(step)) await context.io.files.writeText(join(work, path), text);
        context.onLine(`${step.id} is at work`);
        await middle.get(step.id)?.(context);
        for (const path of parts.outputs(step))
          await context.io.files.moveInto(join(work, path), join(context.dir, path));
        const outputs = await describeArtifacts(context, step, parts.outputs(step), parts.kind);
        return judges(name) ? { outputs, checks: [checkOf(text)] } : { outputs };
      } finally {
        working--;
      }
    },
  });
  const buildOf = (step: PlannedStep) => `work/build/${step.target}-${step.arch}/program`;
  const table: StageTable = {
    build: stage('build', {
      before: async () => 'sources',
      outputs: (step) => [buildOf(step)],
      kind: () => 'build',
    }),
    package: stage('package', {
      before: (step, { io, dir: to }) => io.files.digestFiles(to, [buildOf(step)]),
      outputs: (step) => step.outputs,
      kind: kindOfPackageFile,
    }),
    verify: stage('verify', {
      before: (step, { io, dir: to }) => io.files.digestFiles(to, step.packages),
      outputs: (step) => [`${step.outputs[0]}/facts.txt`],
      kind: () => 'verify',
    }),
    image: stage('image', {
      before: (step, { io, dir: to }) => io.files.digestFiles(to, step.packages),
      outputs: (step) => step.outputs,
      kind: kindOfImageFile,
    }),
    boot: stage('boot', {
      before: (step, { io, dir: to }) => io.files.digestFiles(to, step.packages),
      outputs: (step) => step.outputs,
      kind: () => 'verify',
    }),
  };
  /** A run, prepared as in the commands. */
  const prepare = async (options: ToyRun) => {
    const image = (id: string) =>
      options.missingRoots?.includes(id) === true
        ? {}
        : { image: `registry.test/${id}@sha256:${'0'.repeat(64)}`, asIs: true as const };
    const { selection, full } = CHOICES;
    const labProgram = join(dir, 'none');
    const session = sessionOf(dir, options);
    const { images } = options;
    const plan = planOf(options.revision ?? 1, options);
    const choices: Choices =
      images === undefined
        ? CHOICES
        : { ...CHOICES, targets: ['debian-13'], machine: { clouds: images, sizeGiB: 1 } };
    const keys = await stepKeys(
      {
        io: session.io,
        plan,
        recipes,
        patches: join(dir, 'patches'),
        labProgram,
        bootProgram: labProgram,
        selection,
        full,
      },
      table,
    );
    const stages = options.stages ?? (images === undefined ? STAGES : stagesOf('image'));
    const [target, arch] = options.part?.split(' ') ?? [];
    const part = partOf(plan, {
      targets: target === undefined ? choices.targets : [target],
      architectures: choices.architectures.filter((each) => arch === undefined || each === arch),
      stages,
    });
    const release: PlannedRelease = {
      source: undefined,
      selection,
      full,
      keys,
      document: await documentOf(plan, { choices, keys, source: SOURCE }),
      builder: {
        name: 'toy',
        driver: 'docker-container',
        architectures: ['arm64', 'x86_64'],
        compilesOn: { arm64: 'x86_64', x86_64: 'x86_64' },
        ociLayouts: true,
      },
      plan: { ...part, bases: part.bases.map((base) => ({ ...base, ...image(base.id) })) },
      rebuild: new Set(options.rebuild ?? []),
      dir: options.out ?? out,
    };
    return { session, release, stages };
  };
  return {
    out,
    plan: planOf(1),
    middle,
    most: () => most,
    performed: (forget = true) => (forget ? performed.splice(0) : [...performed]),
    setRecipe: (name, text) => writeFileSync(recipeOf(name), text),
    requirePlanned: async (_, document) => {
      const { release } = await prepare({});
      requireSame(document, release.document as PlanDocument);
      const { id, title, reason } = checkOf('');
      return [{ id, title, reason, judge: () => ({ ok: true, message: '' }) }];
    },
    manifest: () => {
      const file = join(out, 'manifest.json');
      return parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
    },
    run: async (options = {}) => {
      const { session, release, stages } = await prepare(options);
      return performRelease(session, release, stages, undefined, table);
    },
    dryRun: async (options = {}) => {
      const { session, release, stages } = await prepare(options);
      const all = await dryRunCommands(session, release, stages, table);
      const entries = all.filter(({ step }) => !step.startsWith('base:'));
      const isCurrent = ({ step, line }: { step: string; line: string }) => line === `# ${step}: up to date`;
      for (const entry of entries)
        if (!isCurrent(entry) && entry.line !== `toy ${entry.step}`)
          throw new Error(`a dry run printed an unexpected line: ${entry.line}`);
      const ids = (list: typeof entries) => list.map(({ step }) => step);
      return {
        due: ids(entries.filter((each) => !isCurrent(each))),
        current: ids(entries.filter(isCurrent)),
      };
    },
  };
}

interface ToyParts {
  /** The outputs of the previous stage. */
  before: (step: PlannedStep, context: StageContext) => Promise<string>;
  outputs: (step: PlannedStep) => string[];
  kind: (path: string) => Artifact['kind'];
}

function checkOf(text: string): CheckResult {
  return {
    id: 'toy.fit',
    title: 'Fit',
    reason: 'a verdict',
    status: text.startsWith('unfit') ? 'failed' : 'passed',
    message: text.trim(),
    figures: {},
  };
}

function sessionOf(dir: string, { jobs, noCache, signal }: ToyRun): Session {
  const log = join(dir, 'output.txt');
  return {
    options: { verbose: true, ...(noCache === true ? { cache: false } : {}) },
    output: { line: (text) => appendFileSync(log, `${text}\n`), styled: () => {}, data: () => {} },
    // The engine reads only two of its paths.
    recipes: { dir: join(dir, 'recipes'), patches: join(dir, 'patches') } as Session['recipes'],
    locks: { own: join(dir, 'lock.json'), beneath: undefined },
    coturn: undefined,
    publish: {},
    io: createIo(runProcess, signal ?? new AbortController().signal),
    cache: join(dir, 'cache'),
    mirrors: { debian: undefined, security: undefined, named: {} },
    jobs: jobs ?? 2,
  };
}

/** The output of the runs. */
export function printed(dir: string): string {
  const log = join(dir, 'output.txt');
  return existsSync(log) ? readFileSync(log, 'utf8') : '';
}
