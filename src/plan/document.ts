import { z } from 'zod';
import { type DocumentKind, digestOf, type Sha256, sealed, unsealed } from '../manifest/sealed.ts';
import { sha256, sourceSchema } from '../manifest/source.ts';
import { STAGES, type StageName } from '../manifest/stages.ts';
import { CLOUDS, SSH_CHOICES } from '../recipe/machine.ts';
import { imageDigest, MAINTAINER, pinnedImage } from '../recipe/schema.ts';
import { baseNames } from './planned-bases.ts';
import type { Arch } from './platforms.ts';
import type { Choices, Plan, PlannedSource, PlannedStep } from './types.ts';

export const PLAN_SCHEMA = 2;

/** The inputs of a step that are known at planning. */
export interface StepKey {
  /** Name -> digest. */
  inputs: Record<string, string>;
  /** Digest of the inputs. */
  key: string;
}

/** plan.json: the plan of a release, for all machines that perform it. */
export interface PlanDocument extends Omit<Plan, 'steps'> {
  schema: typeof PLAN_SCHEMA;
  /** Version of turnbuild. */
  turnbuild: string;
  source: PlannedSource;
  choices: Choices;
  steps: (PlannedStep & StepKey)[];
}

const arch = z.enum(['arm64', 'x86_64']);

/** The parts of a plan that are read. Everything else is recreated from recipes and choices, and compared. */
export const planSchema = z.looseObject({
  schema: z.literal(PLAN_SCHEMA),
  turnbuild: z.string(),
  coturn: z.strictObject({
    version: z.string().regex(/^\d+(\.\d+){2,3}$/),
    revision: z.number().int().positive(),
    epoch: z.number().int(),
  }),
  source: sourceSchema,
  maintainer: z.string().regex(MAINTAINER),
  choices: z.strictObject({
    targets: z.array(z.string()).min(1),
    architectures: z.array(arch).min(1),
    compilesOn: z.strictObject({ arm64: arch, x86_64: arch }),
    verify: z.boolean(),
    selection: z.strictObject({
      only: z.array(z.string()),
      skip: z.array(z.string()),
      reason: z.string().optional(),
      accept: z.array(z.string()),
    }),
    full: z.boolean(),
    verifyOn: pinnedImage.optional(),
    images: z.record(z.string(), imageDigest).optional(),
    machine: z
      .strictObject({
        clouds: z.array(z.enum(CLOUDS)).min(1),
        sizeGiB: z.number().int().min(1).max(64),
        ssh: z.enum(SSH_CHOICES).optional(),
        extra: z
          .array(z.strictObject({ name: z.string(), version: z.string(), architecture: z.string(), sha256 }))
          .optional(),
      })
      .optional(),
    rebuild: z.array(z.string()),
  }),
  steps: z
    .array(
      z.looseObject({
        id: z.string(),
        stage: z.enum(STAGES),
        target: z.string(),
        arch,
        needs: z.array(z.string()),
        outputs: z.array(z.string()),
        inputs: z.record(z.string(), z.string()),
        key: sha256,
      }),
    )
    .min(1),
});

const PLAN: DocumentKind<PlanDocument> = {
  name: 'plan',
  schema: PLAN_SCHEMA,
  // The rest is compared with this turnbuild's own plan before it is used.
  shape: planSchema as unknown as z.ZodType<PlanDocument>,
  codes: { invalid: 'PLAN_INVALID', newer: 'PLAN_NEWER', changed: 'PLAN_CHANGED' },
  hint: 'Create it again: turnbuild plan VERSION --json >plan.json',
};

/** Plan -> text of plan.json. */
export function formatPlan(document: PlanDocument, digest: Sha256): string {
  return sealed(document, digest);
}

/** Text of a plan.json -> plan. Throws PLAN_NEWER, PLAN_INVALID or PLAN_CHANGED, which name the file. */
export function parsePlan(file: string, text: string, digest: Sha256): PlanDocument {
  return unsealed(PLAN, file, text, digest);
}

/** The digest that identifies a plan in manifests. */
export function planDigest(document: PlanDocument, digest: Sha256): string {
  return digestOf(document, digest);
}

/** The first differences between two plans, as paths such as `steps.build:debian-12:arm64.inputs.recipe`. */
export function differences(a: unknown, b: unknown, most = 5): string[] {
  return [...differing(a, b, '')].slice(0, most);
}

function* differing(a: unknown, b: unknown, path: string): Generator<string> {
  if (Object.is(a, b)) return;
  if (!isObject(a) || !isObject(b)) {
    yield path;
    return;
  }
  const [left, right] = [entriesOf(a), entriesOf(b)];
  // A step's key differs only because its inputs do.
  for (const name of new Set([...left.keys(), ...right.keys()]))
    if (name !== 'key')
      yield* differing(left.get(name), right.get(name), path === '' ? name : `${path}.${name}`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The members of an object or a list; those of a list by their ids or names if they have them. */
function entriesOf(value: object): Map<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const named = (member: unknown, index: number) => {
    const { id, name } = (member ?? {}) as { id?: unknown; name?: unknown };
    return [id, name].find((each) => typeof each === 'string') ?? String(index);
  };
  return new Map(value.map((member, index) => [named(member, index), member]));
}

/** A part of a plan: the steps of some targets, architectures and stages, and their base images. */
export function partOf(
  plan: Plan,
  part: {
    targets: readonly string[];
    architectures: readonly Arch[];
    stages: readonly StageName[];
  },
): Plan {
  const steps = plan.steps.filter(
    (step) => part.targets.includes(step.target) && part.architectures.includes(step.arch),
  );
  const performed = steps.filter(({ stage }) => part.stages.includes(stage));
  const used = new Set(performed.flatMap(baseNames));
  return { ...plan, steps, bases: plan.bases.filter(({ id }) => used.has(id)) };
}
