import { messageOf, TurnbuildError } from '../errors.ts';
import type { Artifact, BaseImage, Manifest, ManifestStep } from '../manifest/schema.ts';
import type { StepKey } from '../plan/document.ts';
import { baseNames } from '../plan/planned-bases.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { InputsContext, StageContext } from '../stages/shared/context.ts';
import { describeFailures, verifyError } from './failed-checks.ts';
import { areIntact, removeStale, requireIntact } from './outputs.ts';
import type { StageTable } from './stage-table.ts';

/** How a step came out. `current` means that nothing had changed and its files were found intact. */
export type StepOutcome = 'done' | 'current' | 'failed' | 'blocked';

/** The manifest of a release while it grows: written after each step, so that nothing finished is ever lost. */
export interface ManifestStore {
  /** The steps of the manifest that was there when this run began. */
  earlier: readonly ManifestStep[];
  read(): Manifest;
  record(step: ManifestStep): Promise<void>;
  recordBase(base: BaseImage): Promise<void>;
}

/** What a step is performed with, beside its context. */
export interface StepRun {
  table: StageTable;
  /** By the step's id. */
  keys: ReadonlyMap<string, StepKey>;
  store: ManifestStore;
  /** Takes each line that the step prints. */
  log: (line: string) => void;
}

/** The error of a run that Ctrl-C ended. */
export function interrupted(): TurnbuildError {
  return new TurnbuildError('INTERRUPTED', 'interrupted; finished steps are kept');
}

/**
 * Performs one step, or finds that it is current: same key, and every output still has its recorded hash.
 * A failure is recorded in the manifest and thrown. A step whose needs have failed isn't started, and none is after Ctrl-C.
 */
export async function runStep(
  step: PlannedStep,
  context: StageContext,
  { table, keys, store, log }: StepRun,
): Promise<StepOutcome> {
  if (context.io.signal.aborted) throw interrupted();
  const failedNeed = step.needs.find((need) => recorded(store, need)?.status !== 'done');
  if (failedNeed !== undefined) return 'blocked';
  for (const need of step.needs) await requireIntact(need, recorded(store, need)?.outputs ?? [], context);
  for (const need of context.plan.steps.filter((each) => step.needs.includes(each.id)))
    requireFresh(need, context, { keys, store });
  const stage = table[step.stage];
  const started = Date.now();
  const key = await keyOf(step, context, { table, keys });
  const again = context.noCache || context.rebuild.has(step.id);
  if (!again && (await isIntact(key, recorded(store, step.id), context))) return 'current';
  const entry = {
    id: step.id,
    stage: step.stage,
    key,
    ...plannedKey(step, keys),
    inputs: step.needs.flatMap((need) =>
      (recorded(store, need)?.outputs ?? []).map(({ path, sha256 }) => ({ path, sha256 })),
    ),
    bases: basesOf(step, context),
    target: step.target,
    arch: step.arch,
    log: logFile(step.id),
  };
  const ended = () => ({
    seconds: Math.round((Date.now() - started) / 100) / 10,
    finished: new Date().toISOString(),
  });
  let isRecorded = false;
  try {
    const result = await stage.perform(step, { ...context, onLine: log });
    const failed = (result.checks ?? []).filter(
      ({ status: each }) => each === 'failed' || each === 'blocked',
    );
    const status = failed.length === 0 ? ('done' as const) : ('failed' as const);
    const error = describeFailures(failed);
    // Before the record: whoever is interrupted in between performs the step again, and nothing is forgotten.
    await removeStale(staleOutputs(step, result.outputs, context, store), context);
    await store.record({
      ...entry,
      status,
      ...ended(),
      ...result,
      ...(error === '' ? {} : { error }),
    });
    isRecorded = true;
    if (error !== '') throw verifyError(error, failed);
    return 'done';
  } catch (error) {
    if (context.io.signal.aborted) throw error;
    // Failed checks are recorded already, as verdicts.
    if (!isRecorded) {
      await store.record({
        ...entry,
        status: 'failed',
        ...ended(),
        outputs: [],
        error: messageOf(error),
      });
    }
    throw error;
  }
}

/** Where the whole output of a step or base image is kept, beneath the release's folder. @param id of the step, e.g. `build:debian-12:arm64` */
export function logFile(id: string): string {
  return `work/logs/${id.replaceAll(':', '-')}.log`;
}

function recorded(store: ManifestStore, id: string): ManifestStep | undefined {
  return store.read().steps.find((step) => step.id === id);
}

/** Digests everything that goes into a step. */
async function keyOf(
  step: PlannedStep,
  context: InputsContext,
  { table, keys }: Pick<StepRun, 'table' | 'keys'>,
): Promise<string> {
  const made = await table[step.stage].inputs(step, context);
  return context.io.files.sha256Text(JSON.stringify([step.stage, keys.get(step.id)?.inputs, made]));
}

/** What an earlier run has made in this step, and no step makes any more: packages of an earlier revision, for example. */
function staleOutputs(
  step: PlannedStep,
  made: readonly Artifact[],
  { plan }: StageContext,
  store: ManifestStore,
): readonly Artifact[] {
  const others = store.read().steps.filter(({ id }) => id !== step.id);
  const kept = new Set([
    ...[...made, ...others.flatMap(({ outputs }) => outputs)].map(({ path }) => path),
    // Side by side with this step, another one may just have put its files in their place.
    ...plan.steps.flatMap(({ outputs }) => outputs),
  ]);
  const earlier = store.earlier.find(({ id }) => id === step.id)?.outputs ?? [];
  return earlier.filter(({ path }) => !kept.has(path));
}

function plannedKey({ id }: PlannedStep, keys: StepRun['keys']): { planned?: string } {
  const planned = keys.get(id)?.key;
  return planned === undefined ? {} : { planned };
}

/** The base images that a step starts from, as far as this run has made them ready: name -> digest. */
function basesOf(step: PlannedStep, { bases }: StageContext): Record<string, string> {
  return Object.fromEntries(
    baseNames(step).flatMap((name) => {
      const digest = bases.get(name)?.digest;
      return digest === undefined ? [] : [[name, digest]];
    }),
  );
}

/** A later stage on its own must not go on with what an earlier one made of other sources or recipes. */
function requireFresh(
  need: PlannedStep,
  { bases }: StageContext,
  { keys, store }: Pick<StepRun, 'keys' | 'store'>,
): void {
  const made = recorded(store, need.id);
  const stale = (what: string) =>
    new TurnbuildError('STEP_STALE', `the ${need.stage} step used ${what}`, {
      hint: 'Run `turnbuild release`, which repeats outdated steps.',
    });
  if (made?.planned !== keys.get(need.id)?.key) throw stale('other sources, recipes or options');
  // Which base image is the newest is known only of those that this run needs as well.
  const [changed] = Object.entries(made?.bases ?? {}).filter(
    ([name, digest]) => bases.has(name) && bases.get(name)?.digest !== digest,
  );
  if (changed !== undefined) throw stale(`another base image ${changed[0]}`);
}

/** Whether a step would be found up to date. What it needs has to be so, too. @param last its record */
export async function isCurrent(
  step: PlannedStep,
  last: ManifestStep | undefined,
  context: InputsContext,
  run: Pick<StepRun, 'table' | 'keys'>,
): Promise<boolean> {
  return isIntact(await keyOf(step, context, run), last, context);
}

async function isIntact(
  key: string,
  last: ManifestStep | undefined,
  context: InputsContext,
): Promise<boolean> {
  if (last === undefined || last.status !== 'done' || last.key !== key || last.outputs.length === 0)
    return false;
  return areIntact(last.outputs, context);
}
