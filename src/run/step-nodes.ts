import { traitsOf } from '../manifest/stages.ts';
import { targetOfStep } from '../plan/index.ts';
import { baseNames } from '../plan/planned-bases.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';
import { baseNodeId } from './bases.ts';
import type { GraphNode } from './graph.ts';
import type { StageTable } from './stage-table.ts';

/**
 * Steps as nodes of the graph. Packages that compile their own libraries take longest, so they go first: otherwise one would run alone at
 * the end.
 */
export function stepNodes(plan: Plan, steps: readonly PlannedStep[], table: StageTable): GraphNode[] {
  const packages = packagesOf(plan, steps);
  return packages.flatMap((each, rank) =>
    each.map((step) => ({
      id: step.id,
      needs: [...baseNames(step).map(baseNodeId), ...step.needs],
      after: [],
      kind: table[step.stage].kind,
      emulated: isEmulated(plan, step),
      rank,
    })),
  );
}

/** What a step belongs to, as its group is shown: `debian-13 arm64`, or `aws arm64` for an image. */
export function titleOf({ target, cloud, arch }: PlannedStep): string {
  return `${cloud ?? target} ${arch}`;
}

/** Steps grouped by package or image, the slowest packages first. */
export function packagesOf(plan: Plan, steps: readonly PlannedStep[]): PlannedStep[][] {
  const byPackage = new Map<string, PlannedStep[]>();
  for (const step of steps) {
    const key = titleOf(step);
    byPackage.set(key, [...(byPackage.get(key) ?? []), step]);
  }
  const isShort = ([first]: PlannedStep[]) =>
    first === undefined || targetOfStep(plan, first).staticLibraries === undefined ? 1 : 0;
  return [...byPackage.values()].sort((a, b) => isShort(a) - isShort(b));
}

/** Whether a step runs programs of a different architecture than the builder's. */
export function isEmulated({ compilesOn }: Plan, { stage, arch }: PlannedStep): boolean {
  return traitsOf(stage).runsTarget && compilesOn[arch] !== arch;
}
