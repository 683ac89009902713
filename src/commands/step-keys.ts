import { sha256Text } from '../io/files.ts';
import type { StepKey } from '../plan/document.ts';
import type { PlannedContext } from '../stages/shared/context.ts';
import { codeOf, type StageTable } from './stage-table.ts';

/** What goes into each step of a plan and is known before anything is made, by the step's id. */
export async function stepKeys(
  context: PlannedContext,
  table: StageTable,
): Promise<ReadonlyMap<string, StepKey>> {
  const keys = new Map<string, StepKey>();
  // Steps come after those that they need.
  for (const step of context.plan.steps) {
    const inputs = { code: codeOf(step.stage), ...(await table[step.stage].planned(step, context)) };
    const needs = step.needs.map((need) => keys.get(need)?.key);
    keys.set(step.id, { inputs, key: sha256Text(JSON.stringify([step.stage, inputs, needs])) });
  }
  return keys;
}
