import type { Check } from '../checks/check.ts';
import { CHECKS } from '../checks/index.ts';
import { messageOf, TurnbuildError } from '../errors.ts';
import * as files from '../io/files.ts';
import { differences, type PlanDocument, type StepKey } from '../plan/document.ts';
import type { Choices, Plan } from '../plan/types.ts';
import { lockFilesOf } from './lock-files.ts';
import type { CommonOptions } from './options.ts';
import { requireLocked } from './planned-sources.ts';
import { documentOf, keysOf, makePlan, type PlanningSession, requireKnown } from './planning.ts';
import { openProject } from './project.ts';
import { cacheFolder } from './session.ts';
import { withRebuilt } from './step-keys.ts';

/**
 * Recreates another machine's plan from its choices, its record of the sources and this machine's recipes. Needs neither the sources
 * themselves nor Docker.
 * @param file name of the plan's file, for messages
 * @throws PLAN_INVALID, PLAN_DIFFERS
 */
export async function planAgain(
  session: PlanningSession,
  file: string,
  document: PlanDocument,
): Promise<{ plan: Plan; keys: ReadonlyMap<string, StepKey> }> {
  const { choices, source } = document;
  requireChecks(session, file, document);
  const { plan, keys } = await planOf(session, document, choices);
  requireSame(document, await documentOf(plan, { choices, keys, source }));
  return { plan, keys };
}

/** The plan of another machine's sources, with the given choices. */
export async function planOf(
  session: PlanningSession,
  { coturn, maintainer, source }: PlanDocument,
  choices: Choices,
): Promise<{ plan: Plan; keys: ReadonlyMap<string, StepKey> }> {
  const plan = makePlan(session, choices, { coturn, source, maintainer });
  const keys = withRebuilt(await keysOf(session, plan, choices), new Set(choices.rebuild), coturn.revision);
  return { plan, keys };
}

/** Refuses a plan that this machine would not have made. @returns the checks that its verifications run */
export type RequirePlanned = (file: string, document: PlanDocument) => Promise<readonly Check[]>;

/** For `collect`: recreates the plan of other machines' parts with the recipes and lock file that the options select. */
export function planningHere(options: Pick<CommonOptions, 'recipes' | 'lock'>): RequirePlanned {
  return async (file, document) => {
    const { project, recipes } = await openProject(options, cacheFolder());
    await planAgain({ recipes, io: { files } }, file, document);
    await requireLocked({ locks: await lockFilesOf(options, project) }, document);
    return CHECKS;
  };
}

/** Requires that a plan's selection of checks is one that options could produce. @throws PLAN_INVALID */
function requireChecks(session: PlanningSession, file: string, { choices }: PlanDocument): void {
  try {
    requireKnown(session, choices.selection);
  } catch (error) {
    throw new TurnbuildError('PLAN_INVALID', `${file}: choices.selection: ${messageOf(error)}`, {
      cause: error,
      hint: 'Create it again: turnbuild plan VERSION --json >plan.json',
    });
  }
}

/** @throws PLAN_DIFFERS */
export function requireSame(document: PlanDocument, here: PlanDocument): void {
  const differing = differences(document, here);
  if (differing.length === 0) return;
  const hint =
    document.turnbuild === here.turnbuild
      ? 'Use the recipes and the turnbuild version that created the plan, or create a new plan.'
      : `turnbuild ${document.turnbuild} created the plan, but this is ${here.turnbuild}. Use that version, or create a new plan.`;
  throw new TurnbuildError(
    'PLAN_DIFFERS',
    `The plan differs from what this turnbuild would do: ${differing.join(', ')}`,
    { hint },
  );
}
