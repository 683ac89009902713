import { TurnbuildError } from '../errors.ts';
import type { BaseImage, Manifest, ManifestStep } from './schema.ts';
import { inOrder } from './store.ts';

/** What one machine has made of a plan. */
export interface Part {
  /** As the user calls it: its folder. */
  name: string;
  manifest: Manifest;
}

/** What is compared with the plan. */
export interface PlannedParts {
  /** Digest of the plan. */
  digest: string;
  /** In the plan's order. */
  steps: readonly { id: string; key: string; needs: readonly string[] }[];
}

/** A release that is put together of parts. */
export interface Merged {
  manifest: Manifest;
  /** The part that each step comes from, by the step's id. */
  origins: ReadonlyMap<string, Part>;
}

/**
 * Puts together what several machines have made of one plan. Two may have made the same step if they have made the same files.
 * @throws COLLECT_CONFLICT, COLLECT_INCOMPLETE with everything that is wrong
 */
export function mergeManifests(parts: readonly Part[], plan: PlannedParts): Merged {
  const conflicts = [
    ...parts.flatMap((part) => foreign(part, plan)),
    ...plan.steps.flatMap(({ id }) => contradictions(id, parts)),
    ...rootConflicts(parts),
  ];
  const origins = new Map(
    plan.steps.flatMap(({ id }) => {
      const part = parts.find(({ manifest }) => stepOf(manifest, id) !== undefined);
      return part === undefined ? [] : [[id, part] as const];
    }),
  );
  const steps = [...origins].flatMap(([id, { manifest }]) => stepOf(manifest, id) ?? []);
  if (conflicts.length === 0) conflicts.push(...steps.flatMap((step) => otherInputs(step, steps, origins)));
  if (conflicts.length > 0) throw conflictError(conflicts);
  requireComplete(steps, plan);
  const [{ manifest: first }] = parts as [Part, ...Part[]];
  const bases = new Map(parts.flatMap(({ manifest }) => manifest.bases.map((base) => [base.name, base])));
  const merged = { ...first, bases: [...bases.values()], steps };
  return { manifest: inOrder(merged, plan.steps), origins };
}

/** What in a part is not of the plan. */
function foreign({ name, manifest }: Part, plan: PlannedParts): string[] {
  if (manifest.plan !== plan.digest) return [`${name} was made by another plan`];
  return manifest.steps.flatMap((step) => {
    const planned = plan.steps.find(({ id }) => id === step.id);
    if (planned === undefined) return [`${name} has ${step.id}, which is not in the plan`];
    return planned.key === step.planned ? [] : [`${step.id} in ${name} was made by an earlier plan`];
  });
}

/** Parts that have made a step, and not the same way. */
function contradictions(id: string, parts: readonly Part[]): string[] {
  const [first, ...others] = parts.filter(({ manifest }) => stepOf(manifest, id) !== undefined);
  if (first === undefined) return [];
  const madeBy = ({ manifest }: Part) => {
    const step = stepOf(manifest, id);
    return JSON.stringify([step?.status, step?.outputs.map(({ path, sha256 }) => [path, sha256])]);
  };
  return others
    .filter((other) => madeBy(other) !== madeBy(first))
    .map(({ name }) => `${id} is in ${first.name} and in ${name}, and not the same`);
}

function rootConflicts(parts: readonly Part[]): string[] {
  const seen = new Map<string, { part: Part; base: BaseImage }>();
  const conflicts: string[] = [];
  for (const part of parts) {
    for (const base of part.manifest.bases) {
      const before = seen.get(base.name);
      if (before === undefined) seen.set(base.name, { part, base });
      else if (before.base.digest !== base.digest)
        conflicts.push(
          `the root ${base.name} of ${part.name} is not the one of ${before.part.name}: the archive has changed in between`,
        );
    }
  }
  return conflicts;
}

/** Inputs of a step that no step of the whole has made so. */
function otherInputs(
  step: ManifestStep,
  steps: readonly ManifestStep[],
  origins: Merged['origins'],
): string[] {
  const made = new Map(
    steps.flatMap(({ outputs }) => outputs.map(({ path, sha256 }) => [path, sha256] as const)),
  );
  const [other] = step.inputs.filter(({ path, sha256 }) => made.get(path) !== sha256);
  if (other === undefined) return [];
  return [
    `${step.id} in ${origins.get(step.id)?.name} was made of another ${other.path} than is in the parts`,
  ];
}

function conflictError(conflicts: readonly string[]): TurnbuildError {
  return new TurnbuildError(
    'COLLECT_CONFLICT',
    `The parts do not fit together:\n${conflicts.map((each) => `  ${each}`).join('\n')}`,
    { hint: 'Make the parts that differ again: turnbuild release --plan plan.json --target T --arch A' },
  );
}

/** Whatever nobody has made, and nothing that has failed stood in the way of. */
function requireComplete(steps: readonly ManifestStep[], plan: PlannedParts): void {
  const done = new Set(steps.filter(({ status }) => status === 'done').map(({ id }) => id));
  const known = new Set(steps.map(({ id }) => id));
  const missing: string[] = [];
  for (const { id, needs } of plan.steps) {
    if (known.has(id)) continue;
    // Steps come after those that they need: what was blocked blocks in turn.
    if (needs.some((need) => known.has(need) && !done.has(need))) known.add(id);
    else missing.push(id);
  }
  if (missing.length === 0) return;
  throw new TurnbuildError(
    'COLLECT_INCOMPLETE',
    `Parts of the plan are missing:\n${missing.map((id) => `  ${id}`).join('\n')}`,
    { hint: 'Give the folders of all parts, or plan only what there is.' },
  );
}

function stepOf({ steps }: Manifest, id: string): ManifestStep | undefined {
  return steps.find((step) => step.id === id);
}
