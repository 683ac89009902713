import { messageOf, TurnbuildError } from '../errors.ts';
import type { Artifact, BaseImage, Manifest, ManifestStep } from '../manifest/schema.ts';
import { isMadeFrom, judges } from '../manifest/stages.ts';
import { isLater, withStep } from '../manifest/store.ts';
import type { StepKey } from '../plan/document.ts';
import { baseNames } from '../plan/planned-bases.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';
import type { InputsContext, StageContext } from '../stages/shared/context.ts';
import { describeFailures, verifyError } from './failed-checks.ts';
import { areIntact, removeStale, requireIntact } from './outputs.ts';
import type { StageTable } from './stage-table.ts';

/** The outcome of a step. `current` means that nothing has changed and its files are intact. */
export type StepOutcome = 'done' | 'current' | 'failed' | 'blocked';

/** The manifest of a running release. It is written after each step, so that finished steps are never lost. */
export interface ManifestStore {
  /** The manifest's steps when this run started. */
  earlier: readonly ManifestStep[];
  read(): Manifest;
  record(step: ManifestStep): Promise<void>;
  recordBase(base: BaseImage): Promise<void>;
}

/** The arguments for performing a step, besides its context. */
export interface StepRun {
  table: StageTable;
  /** By the step's id. */
  keys: ReadonlyMap<string, StepKey>;
  store: ManifestStore;
  /** Receives each line that the step prints. */
  log: (line: string) => void;
}

/** The error of a run that was ended by Ctrl-C. */
export function interrupted(): TurnbuildError {
  return new TurnbuildError('INTERRUPTED', 'interrupted; finished steps are kept');
}

/**
 * Performs one step, unless it is current: same key, and every output still has its recorded hash. Records a failure in the manifest and
 * throws it. Does not start a step whose needs have failed, nor any step after Ctrl-C.
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
    inputs: step.needs.flatMap((need) => inputsFrom(recorded(store, need), step)),
    bases: basesOf(step, context),
    target: step.target,
    arch: step.arch,
    ...(step.cloud === undefined ? {} : { cloud: step.cloud }),
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
    const record = { ...entry, status, ...ended(), ...result, ...(error === '' ? {} : { error }) };
    // Before the record: if interrupted in between, the step is repeated and nothing is forgotten.
    await removeStale(staleOutputs(record, context.plan, store), context);
    await store.record(record);
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

/** Path of the log of a step or base image, relative to the release's folder. @param id of the step, e.g. `build:debian-12:arm64` */
export function logFile(id: string): string {
  return `work/logs/${id.replaceAll(':', '-')}.log`;
}

function recorded(store: ManifestStore, id: string): ManifestStep | undefined {
  return store.read().steps.find((step) => step.id === id);
}

/** The digest of all inputs of a step. */
async function keyOf(
  step: PlannedStep,
  context: InputsContext,
  { table, keys }: Pick<StepRun, 'table' | 'keys'>,
): Promise<string> {
  const made = await table[step.stage].inputs(step, context);
  return context.io.files.sha256Text(JSON.stringify([step.stage, keys.get(step.id)?.inputs, made]));
}

function inputsFrom(need: ManifestStep | undefined, { stage }: PlannedStep): ManifestStep['inputs'] {
  if (need === undefined || !isMadeFrom(stage, need.stage)) return [];
  return need.outputs.map(({ path, sha256 }) => ({ path, sha256 }));
}

/**
 * Files of earlier runs that no step produces any more: of this step, e.g. packages of an earlier revision, and of later steps that no run of
 * this plan repeats, i.e. images of a package that this step has replaced.
 */
function staleOutputs(record: ManifestStep, { steps }: Plan, store: ManifestStore): readonly Artifact[] {
  const made = withStep(store.read(), record).steps;
  const isGone = (each: ManifestStep) =>
    each.id === record.id || (isLater(each, record) && ![...made, ...steps].some(({ id }) => id === each.id));
  const kept = new Set([
    ...made.flatMap(({ outputs }) => outputs).map(({ path }) => path),
    // A parallel step may just have moved its files into place.
    ...steps.flatMap(({ outputs }) => outputs),
  ]);
  const earlier = [...store.read().steps, ...store.earlier].filter(isGone);
  return earlier.flatMap(({ outputs }) => outputs).filter(({ path }) => !kept.has(path));
}

function plannedKey({ id }: PlannedStep, keys: StepRun['keys']): { planned?: string } {
  const planned = keys.get(id)?.key;
  return planned === undefined ? {} : { planned };
}

/** The base images that a step starts from, if this run has prepared them: name -> digest. */
function basesOf(step: PlannedStep, { bases }: StageContext): Record<string, string> {
  return Object.fromEntries(
    baseNames(step).flatMap((name) => {
      const digest = bases.get(name)?.digest;
      return digest === undefined ? [] : [[name, digest]];
    }),
  );
}

/** A command for a single stage must not use results that an earlier stage made from other sources or recipes. */
function requireFresh(
  need: PlannedStep,
  { bases }: StageContext,
  { keys, store }: Pick<StepRun, 'keys' | 'store'>,
): void {
  // A verdict applies to its inputs, whichever checks were selected. The store drops verdicts on other packages.
  if (judges(need.stage)) return;
  const made = recorded(store, need.id);
  const stale = (what: string) =>
    new TurnbuildError('STEP_STALE', `the ${need.stage} step used ${what}`, {
      hint: 'Run `turnbuild release`, which repeats outdated steps.',
    });
  if (made?.planned !== keys.get(need.id)?.key) throw stale('other sources, recipes or options');
  // The current digest is known only for base images that this run has prepared.
  const [changed] = Object.entries(made?.bases ?? {}).filter(
    ([name, digest]) => bases.has(name) && bases.get(name)?.digest !== digest,
  );
  if (changed !== undefined) throw stale(`another base image ${changed[0]}`);
}

/** Whether a step is up to date, provided that its needs are. @param last its record */
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
