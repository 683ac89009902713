import { TurnbuildError } from '../errors.ts';
import { type BaseImage, type Manifest, type ManifestStep, manifestSchema } from './schema.ts';
import { inOrder } from './store.ts';

/** The part of a plan that one machine built. */
export interface Part {
  /** Its folder, as given by the user. */
  name: string;
  manifest: Manifest;
}

/** The plan that parts are checked against. */
export interface PlannedParts {
  /** Digest of the plan. */
  digest: string;
  /** Header of the merged manifest. It comes from the plan, because parts are untrusted. */
  header: Omit<Manifest, 'bases' | 'steps'>;
  /** In the plan's order. `log` is the required path of a step's log. */
  steps: readonly {
    id: string;
    key: string;
    needs: readonly string[];
    outputs: readonly string[];
    log: string;
  }[];
}

/** A release merged from parts. */
export interface Merged<P extends Part> {
  manifest: Manifest;
  /** The part of each step, by the step's id. */
  origins: ReadonlyMap<string, P>;
}

interface Taken<P extends Part = Part> {
  part: P;
  step: ManifestStep;
}

/**
 * Merges the parts of a plan that several machines built. Two parts may contain the same step if its files are identical. Ignores
 * steps of earlier plans in a part.
 * @throws COLLECT_CONFLICT, COLLECT_INCOMPLETE with all problems
 */
export function mergeManifests<P extends Part>(parts: readonly P[], plan: PlannedParts): Merged<P> {
  const others = parts
    .filter(({ manifest }) => manifest.plan !== plan.digest)
    .map(({ name }) => `${name} was built from another plan`);
  if (others.length > 0) throw conflictError(others);
  const candidates = plan.steps.map((planned) => stepsIn(parts, planned));
  const taken = candidates.flatMap((each) => each[0] ?? []);
  const conflicts = [
    ...candidates.flatMap(contradictions),
    ...taken.flatMap((each) => strays(each, plan)),
    ...baseConflicts(taken),
    ...taken.flatMap((each) => otherInputs(each, taken)),
  ];
  if (conflicts.length > 0) throw conflictError(conflicts);
  requireComplete(
    taken.map(({ step }) => step),
    plan,
  );
  const bases = new Map(taken.flatMap(basesOf).map((base) => [base.name, base]));
  const merged = { ...plan.header, bases: [...bases.values()], steps: taken.map(({ step }) => step) };
  return {
    manifest: manifestSchema.parse(inOrder(merged, plan.steps)),
    origins: new Map(taken.map(({ part, step }) => [step.id, part])),
  };
}

/** The parts that built a step as planned. */
function stepsIn<P extends Part>(parts: readonly P[], { id, key }: { id: string; key: string }): Taken<P>[] {
  return parts.flatMap((part) => {
    const step = part.manifest.steps.find((each) => each.id === id && each.planned === key);
    return step === undefined ? [] : [{ part, step }];
  });
}

/** Differences between the parts that built a step. */
function contradictions([first, ...others]: readonly Taken[]): string[] {
  if (first === undefined) return [];
  const result = ({ step }: Taken) =>
    JSON.stringify([step.status, step.outputs.map(({ path, sha256 }) => [path, sha256])]);
  return others
    .filter((other) => result(other) !== result(first))
    .map(({ part }) => `${first.step.id} differs between ${first.part.name} and ${part.name}`);
}

/** Files that do not belong to a step: they could replace another step's files. */
function strays({ part, step }: Taken, plan: PlannedParts): string[] {
  const planned = plan.steps.find(({ id }) => id === step.id);
  const own = (path: string) =>
    planned?.outputs.some((output) => path === output || path.startsWith(`${output}/`)) === true;
  const paths = step.outputs.map(({ path }) => path).filter((path) => !own(path));
  if (step.log !== undefined && step.log !== planned?.log) paths.push(step.log);
  return paths.map((path) => `${step.id} in ${part.name} names ${path}, which is not a file of that step`);
}

/** The base images that a step was performed in. */
function basesOf({ part, step }: Taken): BaseImage[] {
  return part.manifest.bases.filter(({ name }) => step.bases[name] !== undefined);
}

function baseConflicts(taken: readonly Taken[]): string[] {
  const seen = new Map<string, { digest: string; part: Part }>();
  const conflicts = new Set<string>();
  for (const { part, step } of taken) {
    for (const [name, digest] of Object.entries(step.bases)) {
      const before = seen.get(name);
      if (before === undefined) seen.set(name, { digest, part });
      else if (before.digest !== digest)
        conflicts.add(
          `the base image ${name} differs between ${before.part.name} and ${part.name}: the archive changed between the two builds`,
        );
    }
  }
  return [...conflicts];
}

/** Inputs of a step that no step of the merged release produced. */
function otherInputs({ part, step }: Taken, taken: readonly Taken[]): string[] {
  const made = new Map(
    taken.flatMap((each) => each.step.outputs.map(({ path, sha256 }) => [path, sha256] as const)),
  );
  const other = step.inputs.find(({ path, sha256 }) => made.get(path) !== sha256);
  if (other === undefined) return [];
  return [`${step.id} in ${part.name} was built from a different ${other.path} than the one in the parts`];
}

function conflictError(conflicts: readonly string[]): TurnbuildError {
  return new TurnbuildError(
    'COLLECT_CONFLICT',
    `The parts conflict:\n${conflicts.map((each) => `  ${each}`).join('\n')}`,
    { hint: 'Rebuild the conflicting parts: turnbuild release --plan plan.json --target T --arch A' },
  );
}

/** Requires every step, except those blocked by a failed one. @throws COLLECT_INCOMPLETE */
function requireComplete(steps: readonly ManifestStep[], plan: PlannedParts): void {
  const done = new Set(steps.filter(({ status }) => status === 'done').map(({ id }) => id));
  const known = new Set(steps.map(({ id }) => id));
  const missing: string[] = [];
  for (const { id, needs } of plan.steps) {
    if (known.has(id)) continue;
    // Steps come after those that they need, so a blocked step blocks others in turn.
    if (needs.some((need) => known.has(need) && !done.has(need))) known.add(id);
    else missing.push(id);
  }
  if (missing.length === 0) return;
  throw new TurnbuildError(
    'COLLECT_INCOMPLETE',
    `Steps of the plan are missing:\n${missing.map((id) => `  ${id}`).join('\n')}`,
    {
      hint: 'Pass the folders of all parts, or create a plan for only the targets and architectures that you built.',
    },
  );
}
