import { join, resolve } from 'node:path';
import { CHECKS } from '../checks/index.ts';
import { judges, type StageName, traitsOf } from '../manifest/stages.ts';
import { type CheckSelection, requireValid } from '../plan/check-selection.ts';
import { PLAN_SCHEMA, type PlanDocument, partOf, type StepKey } from '../plan/document.ts';
import { createPlan } from '../plan/index.ts';
import type { Choices, Plan, PlannedSource } from '../plan/types.ts';
import type { ResolvedSource } from '../sources/fetch.ts';
import type { PlannedContext } from '../stages/shared/context.ts';
import { assumedBuilder, type BuilderFacts } from './builder.ts';
import { fetchExtraPackages, withExtra } from './extra-packages.ts';
import { fetchShown } from './fetch-shown.ts';
import { machineChoices } from './machine-options.ts';
import { readManifest } from './manifest-file.ts';
import { officialImages } from './official-images.ts';
import {
  architecturesOption,
  imageOption,
  listOption,
  maintainerOption,
  selectionOption,
} from './options.ts';
import { readyBuilder } from './ready-builder.ts';
import { packageRoot, packageVersion } from './recipes.ts';
import { assumedRevision, chooseRevision } from './revision.ts';
import type { PlannedRelease, Session } from './session.ts';
import { STAGE_TABLE } from './stage-table.ts';
import { rebuiltBefore, stepKeys, withRebuilt } from './step-keys.ts';

/** A planned release with its sources. */
export type PlannedSourceRelease = PlannedRelease & { source: ResolvedSource; document: PlanDocument };

/** The part of a session that planning needs. */
export type PlanningSession = Pick<Session, 'recipes'> & { io: Pick<Session['io'], 'files'> };

/**
 * Gathers facts and plans a release.
 * @param stages to perform
 */
export async function planRelease(
  session: Session,
  version: string | undefined,
  { stages, perform }: { stages: readonly StageName[]; perform: boolean },
): Promise<PlannedSourceRelease> {
  const { options } = session;
  const images = stages.some((stage) => traitsOf(stage).pipeline === 'image');
  const verifies = stages.some(judges);
  // Images contain packages that were verified.
  const verify = images || verifies;
  const runs = stages.some((stage) => traitsOf(stage).runsTarget);
  // Finds wrong names before anything is downloaded or queried.
  const assumed = { version: '0.0.0', epoch: 0, revision: assumedRevision(session) };
  const unbuilt = chosen(session, verify, assumedBuilder(), images);
  makePlan(session, unbuilt, { coturn: assumed, maintainer: maintainerOf(session) });
  const builder = await readyBuilder(session, {
    architectures: unbuilt.architectures,
    runs,
    verifies,
    perform,
  });
  const extra = images ? await fetchExtraPackages(session, unbuilt.architectures) : [];
  const source = await fetchShown(session, version);
  const dir = resolve(options.out ?? 'dist', source.version);
  const made = await readManifest(dir);
  const { revision, rebuild } = await chooseRevision(session, made);
  const wanted = chosen(session, verify, builder, images);
  const choice = await withImages(session, withExtra(wanted, extra), builder);
  const coturn = { version: source.version, epoch: source.epoch, revision };
  const plan = makePlan(session, choice, {
    coturn,
    source: plannedSource(source),
    maintainer: maintainerOf(session),
  });
  const plain = await keysOf(session, plan, choice);
  const rebuilt = new Set([...rebuild, ...rebuiltBefore(plain, made?.steps ?? [], revision)]);
  const choices = { ...choice, rebuild: [...rebuilt].sort() };
  const keys = withRebuilt(plain, rebuilt, revision);
  return {
    source,
    selection: choices.selection,
    full: choices.full,
    builder,
    rebuild,
    plan: partOf(plan, { ...choices, stages }),
    keys,
    document: await documentOf(plan, {
      choices,
      keys,
      source: plannedSource(source),
    }),
    dir,
  };
}

/** Adds the official images that the targets start from. */
export async function withImages(
  session: Session,
  choices: Choices,
  builder: BuilderFacts,
): Promise<Choices> {
  const targets = session.recipes.targets.filter(({ name }) => choices.targets.includes(name));
  const images = await officialImages(session, targets, builder);
  return images === undefined ? choices : { ...choices, images };
}

/** The choices made by options. */
function chosen(
  session: Session,
  verify: boolean,
  builder: Pick<BuilderFacts, 'compilesOn'>,
  images: boolean,
): Choices {
  const { options, recipes } = session;
  const machine = images ? machineChoices(options, recipes.machine) : undefined;
  const verifyOn = imageOption(options.verifyOn);
  return {
    targets: images ? [recipes.machine.target] : (listOption(options.target) ?? recipes.release.targets),
    architectures: architecturesOption(options.arch) ?? recipes.release.architectures,
    compilesOn: options.native === true ? { arm64: 'arm64', x86_64: 'x86_64' } : builder.compilesOn,
    verify,
    selection: chosenChecks(session),
    full: options.full === true,
    ...(verifyOn === undefined ? {} : { verifyOn }),
    ...(machine === undefined ? {} : { machine }),
    rebuild: [],
  };
}

function maintainerOf({ options, recipes }: Session): string {
  return maintainerOption(options.maintainer) ?? recipes.release.maintainer;
}

/** Choices and recipes -> plan. */
export function makePlan(
  { recipes }: Pick<Session, 'recipes'>,
  { targets, architectures, compilesOn, verify, verifyOn, full, images, machine }: Choices,
  {
    coturn,
    source,
    maintainer,
  }: { coturn: Plan['coturn']; source?: PlannedSource | undefined; maintainer: string },
): Plan {
  return createPlan({
    coturn,
    source,
    release: { ...recipes.release, maintainer },
    knownTargets: recipes.targets,
    compatibility: recipes.compatibility,
    metrics: recipes.metrics,
    deviations: recipes.deviations,
    advisories: recipes.advisories,
    targets,
    architectures,
    compilesOn,
    verify,
    verifyOn,
    images,
    machine: machine === undefined ? undefined : { ...machine, recipe: recipes.machine },
    ownTools: full,
  });
}

/** The inputs of a plan's steps that are known before anything is built. */
export async function keysOf(
  session: PlanningSession,
  plan: Plan,
  choices: Pick<Choices, 'selection' | 'full'>,
): Promise<ReadonlyMap<string, StepKey>> {
  return stepKeys(await plannedContext(session, plan, choices), STAGE_TABLE);
}

/** The context in which stages plan their steps. */
export async function plannedContext(
  { io, recipes }: PlanningSession,
  plan: Plan,
  { selection, full }: Pick<Choices, 'selection' | 'full'>,
): Promise<PlannedContext> {
  const lib = join(await packageRoot(), 'lib');
  const programs = { labProgram: join(lib, 'lab.mjs'), bootProgram: join(lib, 'boot.mjs') };
  return { io, plan, recipes: recipes.dir, patches: recipes.patches, ...programs, selection, full };
}

/** A plan as a document. */
export async function documentOf(
  plan: Plan,
  { choices, keys, source }: { choices: Choices; keys: ReadonlyMap<string, StepKey>; source: PlannedSource },
): Promise<PlanDocument> {
  const { coturn, ...rest } = plan;
  const keyOf = (id: string): StepKey => {
    const key = keys.get(id);
    if (key === undefined) throw new Error(`step ${id} has no key`);
    return key;
  };
  return {
    schema: PLAN_SCHEMA,
    turnbuild: await packageVersion(),
    coturn,
    choices,
    ...rest,
    source,
    steps: plan.steps.map((step) => ({ ...step, ...keyOf(step.id) })),
  };
}

/** The record of sources in plans and manifests. */
export function plannedSource({
  provider,
  location,
  sha256,
  tree,
  commit,
  gitTree,
}: ResolvedSource): PlannedSource {
  return {
    provider,
    location,
    sha256,
    tree,
    ...(commit === undefined ? {} : { commit }),
    ...(gitTree === undefined ? {} : { gitTree }),
  };
}

/** The options' selection of checks, or a usage error. */
export function chosenChecks(session: Session): CheckSelection {
  const selection = selectionOption(session.options);
  requireKnown(session, selection);
  return selection;
}

/** Refuses an invalid selection of checks, as `requireValid` does. */
export function requireKnown({ recipes }: Pick<Session, 'recipes'>, selection: CheckSelection): void {
  requireValid(
    selection,
    CHECKS.map(({ id }) => id),
    recipes.advisories.map(({ id }) => id),
  );
}
