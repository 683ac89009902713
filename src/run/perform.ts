import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, TurnbuildError } from '../errors.ts';
import * as files from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import type { Manifest } from '../manifest/schema.ts';
import { compiles, type StageName, traitsOf } from '../manifest/stages.ts';
import { repositoryAddresses } from '../plan/archives.ts';
import { formatPlan } from '../plan/document.ts';
import { targetOfStep } from '../plan/index.ts';
import { extraPackagesOf, makesImages } from '../plan/machine.ts';
import type { PlannedStep } from '../plan/types.ts';
import { writeSource } from '../sources/fetch.ts';
import { archiveReader, repositoriesFinder } from '../stages/shared/archive.ts';
import { extraPackageFile } from '../stages/shared/artifacts.ts';
import type { ReadyBase, StageContext } from '../stages/shared/context.ts';
import { describeFailures, type FailedTask } from '../ui/failures.ts';
import { runTasks, type TaskGroup } from '../ui/tasks.ts';
import { baseGroups, baseNodes } from './bases.ts';
import { cachedPackage } from './extra-packages.ts';
import { createGraph, type Graph } from './graph.ts';
import { openManifest } from './manifest-file.ts';
import { recipeCommit } from './recipe-commit.ts';
import { packageRoot } from './recipes.ts';
import { writeReports } from './reports.ts';
import { isPlain, type PlannedRelease, placeOf, type Session } from './session.ts';
import { STAGE_TABLE, type StageTable } from './stage-table.ts';
import { interrupted, logFile, type ManifestStore, runStep, type StepRun } from './step.ts';
import { withLog } from './step-log.ts';
import { isEmulated, packagesOf, stepNodes, titleOf } from './step-nodes.ts';

/**
 * Performs the steps of the given stages and returns the manifest. After an error, finishes the independent steps before it throws.
 * @param before records existing results, under the folder's lock
 * @param table the implementation of each stage
 */
export async function performRelease(
  session: Session,
  release: PlannedRelease,
  stages: readonly StageName[],
  before: (store: ManifestStore) => Promise<void> = async () => {},
  table: StageTable = STAGE_TABLE,
): Promise<Manifest> {
  const { io, output } = session;
  const { plan, dir } = release;
  requireRepositories(session, release, stages);
  const lock = await lockFolder(dir);
  try {
    if (release.source !== undefined) await writeSource(release.source, dir, io);
    await placeExtraPackages(release, session.cache);
    await writePlan(release);
    const store = await openManifest(release, await recipeCommit(io.exec, session.options.recipes));
    await before(store);
    const bases = new Map<string, ReadyBase>();
    const chosen = plan.steps.filter(({ stage }) => stages.includes(stage));
    const graph = createGraph([...baseNodes(release), ...stepNodes(plan, chosen, table)], session.jobs);
    const context: StageContext = {
      io,
      plan,
      recipes: session.recipes.dir,
      patches: session.recipes.patches,
      ...placeOf(session, release),
      labProgram: join(await packageRoot(), 'lib/lab.mjs'),
      bootProgram: join(await packageRoot(), 'lib/boot.mjs'),
      rebuild: release.rebuild,
      bases,
      archive: archiveReader(io, session.cache, session.mirrors),
      repositories: repositoriesFinder(io, session.cache, session.mirrors),
      selection: release.selection,
      full: release.full,
      // The pieces of a step have no order.
      piece: (step, work) => graph.piece({ emulated: isEmulated(plan, step), rank: 0 }, work),
      attempt: randomUUID(),
      onLine: () => {},
    };
    const groups = [
      ...baseGroups(session, release, graph, { bases, store }),
      ...stepGroups(session, context, { store, table, keys: release.keys, steps: chosen, graph }),
    ];
    const errors = await runTasks(groups, { plain: isPlain(session), line: output.line });
    const manifest = store.read();
    await writeReports(manifest, dir);
    if (io.signal.aborted || errors.length > 0) throw combined(errors, io.signal);
    return manifest;
  } finally {
    await files.remove(join(dir, 'work/tmp'));
    await lock.release();
  }
}

/** Copies the extra packages of images into the release's folder, where their steps read them. */
async function placeExtraPackages({ plan, dir }: PlannedRelease, cache: string): Promise<void> {
  for (const { sha256 } of plan.steps.flatMap(extraPackagesOf)) {
    const file = extraPackageFile({ dir }, sha256);
    if (!(await files.isIntact(file, sha256))) await files.copyInto(cachedPackage(cache, sha256), file);
  }
}

/** Writes the plan next to the manifest, which contains the plan's digest, for `turnbuild collect`. */
async function writePlan({ plan, document, dir }: PlannedRelease): Promise<void> {
  if (document === undefined || makesImages(plan)) return;
  const file = join(dir, 'plan.json');
  const text = formatPlan(document, files.sha256Text);
  if (!(await files.exists(file)) || (await files.readText(file)) !== text) await files.writeText(file, text);
}

/** Reports missing --mirror options before anything is built. */
function requireRepositories(
  { mirrors }: Session,
  { plan }: PlannedRelease,
  stages: readonly StageName[],
): void {
  for (const step of plan.steps.filter(({ stage }) => stages.includes(stage))) {
    const { sysroot } = targetOfStep(plan, step);
    const used = compiles(step.stage) || step.rpmRoot === 'installed';
    if (sysroot !== undefined && used) repositoryAddresses(sysroot, step.arch, mirrors);
  }
}

/** The chosen steps, grouped by package. */
function stepGroups(
  session: Session,
  context: StageContext,
  { steps, graph, ...run }: Omit<StepRun, 'log'> & { steps: readonly PlannedStep[]; graph: Graph },
): TaskGroup[] {
  return packagesOf(context.plan, steps).map((each) => ({
    title: each[0] === undefined ? '' : titleOf(each[0]),
    tasks: each.map((step) => ({
      title: step.stage,
      turn: async (work) => {
        const missing = await graph.perform(step.id, work);
        return missing.length === 0 ? undefined : `needs ${missing.join(' and ')}`;
      },
      run: (show) => performStep(session, step, context, { ...run, show }),
    })),
  }));
}

async function performStep(
  session: Session,
  step: PlannedStep,
  context: StageContext,
  { show, ...run }: Omit<StepRun, 'log'> & { show: (text: string) => void },
): Promise<string> {
  const path = join(context.dir, logFile(step.id));
  const outcome = await withLog(session, { path, id: step.id, show }, (log) =>
    runStep(step, context, { ...run, log }),
  );
  if (outcome === 'blocked') {
    const done = run.store.read().steps.filter(({ status }) => status === 'done');
    const missing = step.needs.filter((need) => !done.some(({ id }) => id === need));
    const undone = context.plan.steps.filter(({ id }) => missing.includes(id)).map(({ stage }) => stage);
    const ofRelease = undone.some((stage) => traitsOf(stage).pipeline !== traitsOf(step.stage).pipeline);
    const list = (words: string[]) => new Intl.ListFormat('en-GB').format(words);
    throw new TurnbuildError('STEP_BLOCKED', `${list(undone.map((stage) => traitsOf(stage).undone))} yet`, {
      hint: ofRelease
        ? `Images are built from verified packages: run \`turnbuild release --target ${step.target} --arch ${step.arch}\` first.`
        : `Run ${list(undone.map((stage) => `\`turnbuild ${stage}\``))} first, or \`turnbuild release\`.`,
    });
  }
  return outcome === 'current' ? 'up to date' : 'done';
}

/** Merges all errors into one, with the code and hint of the first TurnbuildError and each message once. */
function combined(failed: readonly FailedTask[], signal: AbortSignal): unknown {
  if (signal.aborted) return interrupted();
  const errors = failed.map(({ error }) => error);
  if (errors.length === 1 && !(errors[0] instanceof TurnbuildError)) return errors[0];
  const known = errors.find((error) => error instanceof TurnbuildError);
  const failures = failed.map(({ error, ...task }) => ({
    ...task,
    message: messageOf(error),
    verdicts: error instanceof TurnbuildError && error.code === 'VERIFY_FAILED',
  }));
  return new TurnbuildError(known?.code ?? 'RELEASE_FAILED', describeFailures(failures), {
    cause: errors.find((error) => !(error instanceof TurnbuildError)) ?? known,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  });
}
