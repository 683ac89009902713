import { sha256Text } from '../io/files.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { StepKey } from '../plan/document.ts';
import type { PlannedContext } from '../stages/shared/context.ts';
import { codeOf, type StageTable } from './stage-table.ts';

/**
 * The inputs of each step that are known before anything is built, by the step's id. Outputs of earlier steps are not known: they may be
 * unchanged even if the inputs of those steps differ.
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

/** Changes the keys of steps that must be repeated for a revision, even if their inputs are unchanged. */
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
 * The steps that were repeated for this revision, by their records. Later runs must plan them with the same keys, or each run would repeat
 * them again.
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
