import { sha256Text } from '../io/files.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { StepKey } from '../plan/document.ts';
import type { PlannedContext } from '../stages/shared/context.ts';
import { codeOf, type StageTable } from './stage-table.ts';

/**
 * What goes into each step of a plan and is known before anything is made, by the step's id. What the steps before it make is not known:
 * it may be the same bytes as before, although their inputs are others.
 */
export async function stepKeys(
  context: PlannedContext,
  table: StageTable,
): Promise<ReadonlyMap<string, StepKey>> {
  const keys = new Map<string, StepKey>();
  for (const step of context.plan.steps) {
    const inputs = { code: codeOf(step.stage), ...(await table[step.stage].planned(step, context)) };
    keys.set(step.id, keyOf(step.stage, inputs));
  }
  return keys;
}

/** Keys of a plan in which some steps are to be performed again for its revision, whatever has been made of the same inputs. */
export function withRebuilt(
  keys: ReadonlyMap<string, StepKey>,
  rebuild: ReadonlySet<string>,
  revision: number,
): ReadonlyMap<string, StepKey> {
  return new Map(
    [...keys].map(([id, key]) => [
      id,
      rebuild.has(id) ? keyOf(id.split(':')[0] ?? '', { ...key.inputs, revision: String(revision) }) : key,
    ]),
  );
}

/**
 * The steps that were performed again for this revision, by what is recorded of them. They stay so: without that the plan of a later run
 * would have other keys than what was made, and each run would make it again.
 */
export function rebuiltBefore(
  keys: ReadonlyMap<string, StepKey>,
  steps: Manifest['steps'],
  revision: number,
): string[] {
  const rebuilt = withRebuilt(keys, new Set(keys.keys()), revision);
  return steps
    .filter(({ id, planned }) => planned !== undefined && planned === rebuilt.get(id)?.key)
    .map(({ id }) => id);
}

function keyOf(stage: string, inputs: Record<string, string>): StepKey {
  return { inputs, key: sha256Text(JSON.stringify([stage, inputs])) };
}
