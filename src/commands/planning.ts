import { resolve } from 'node:path';
import { TurnbuildError, usageError } from '../errors.ts';
import { type Exec, runProcess } from '../io/exec.ts';
import { type CheckSelection, requireValid } from '../plan/check-selection.ts';
import { createPlan } from '../plan/index.ts';
import type { Arch } from '../plan/platforms.ts';
import type { Plan } from '../plan/types.ts';
import { MAINTAINER } from '../recipe/schema.ts';
import type { ResolvedSource } from '../stages/source.ts';
import { CHECKS } from '../stages/verify/index.ts';
import {
  assumedBuilder,
  type BuilderFacts,
  inspectBuilder,
  requireEngine,
  requirePlatforms,
} from './builder.ts';
import { architecturesOption, imageOption, listOption, selectionOption } from './options.ts';
import { assumedRevision, chooseRevision } from './revision.ts';
import type { PlannedRelease, Session } from './session.ts';
import { fetchShown } from './source-progress.ts';

/** What is planned for, and whether it will be performed. */
interface Wanted {
  targets: readonly string[];
  architectures: readonly Arch[];
  /** Packages will be run, which needs a builder for their architecture. */
  verify: boolean;
  /** The plan will be performed: the builder is started and must fit. Else it is asked only if it is there. */
  perform: boolean;
}

/** Gathers facts and plans a release. */
export async function planRelease(
  session: Session,
  version: string | undefined,
  { verify, perform }: { verify: boolean; perform: boolean },
): Promise<PlannedRelease & { source: ResolvedSource }> {
  const { options, recipes } = session;
  const wanted: Wanted = {
    targets: listOption(options.target) ?? recipes.release.targets,
    architectures: architecturesOption(options.arch) ?? recipes.release.architectures,
    verify,
    perform,
  };
  const selection = chosenChecks(session);
  // Wrong names are found before anything is downloaded or asked.
  const assumed = { version: '0.0.0', epoch: 0, revision: assumedRevision(session) };
  makePlan(session, wanted, assumed, assumedBuilder());
  const builder = await readyBuilder(session, wanted);
  const source = await fetchShown(session, version);
  const { revision, rebuild } = await chooseRevision(session, source.version);
  return {
    source,
    selection,
    builder,
    rebuild,
    plan: makePlan(session, wanted, { ...source, revision }, builder),
    dir: resolve(options.out ?? 'dist', source.version),
  };
}

/** Facts of the session, as options and recipes have them -> plan. */
export function makePlan(
  { options, recipes }: Session,
  { targets, architectures, verify }: Wanted,
  { version, epoch, revision }: { version: string; epoch: number; revision: number },
  builder: Pick<BuilderFacts, 'driver' | 'compilesOn'>,
): Plan {
  if (options.maintainer !== undefined && !MAINTAINER.test(options.maintainer)) {
    throw usageError('OPTION_INVALID', '--maintainer is written as: Name <address@host>');
  }
  return createPlan({
    coturn: { version, epoch, revision },
    release: { ...recipes.release, maintainer: options.maintainer ?? recipes.release.maintainer },
    knownTargets: recipes.targets,
    compatibility: recipes.compatibility,
    metrics: recipes.metrics,
    deviations: recipes.deviations,
    advisories: recipes.advisories,
    targets,
    architectures,
    compilesOn: builder.compilesOn,
    verify,
    verifyOn: imageOption(options.verifyOn),
    // Only the engine's own builder is known to give each container a network of its own.
    sharedNetwork: builder.driver !== 'docker',
    ownTools: options.full === true,
  });
}

/** Which checks the options choose, or a usage error. */
export function chosenChecks({ options, recipes }: Session): CheckSelection {
  const selection = selectionOption(options);
  requireValid(
    selection,
    CHECKS.map(({ id }) => id),
    recipes.advisories.map(({ id }) => id),
  );
  return selection;
}

/** The builder, which has to fit if the plan will be performed. */
export async function readyBuilder(
  session: Session,
  { architectures, verify, perform }: Wanted,
): Promise<BuilderFacts> {
  const builder = await chooseBuilder(session, perform);
  if (verify && perform) {
    requirePlatforms(builder, [...architectures]);
    await requireEngine(builder, interruptible(session));
  }
  return builder;
}

/** Processes that Ctrl-C ends, in a dry run too: they only ask. */
function interruptible(session: Session): Exec {
  return (command) => runProcess(command, { signal: session.io.signal });
}

async function chooseBuilder(session: Session, perform: boolean): Promise<BuilderFacts> {
  try {
    return await inspectBuilder(session.options.builder, {
      bootstrap: perform,
      exec: interruptible(session),
    });
  } catch (error) {
    const absent = [
      ...['DOCKER_MISSING', 'DOCKER_UNAVAILABLE', 'DOCKER_REFUSED', 'BUILDX_MISSING', 'BUILDER_UNSUITABLE'],
    ];
    if (perform || !(error instanceof TurnbuildError) || !absent.includes(error.code)) throw error;
    return assumedBuilder();
  }
}
