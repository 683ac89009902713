import { TurnbuildError } from '../errors.ts';
import {
  type BaseImage,
  MANIFEST_SCHEMA,
  type Manifest,
  type ManifestStep,
  manifestSchema,
} from './schema.ts';

const HINT =
  'Remove it to begin anew (packages that are there are made again), or restore the one that turnbuild wrote.';

/** Text of a manifest.json -> manifest. Throws MANIFEST_NEWER or MANIFEST_INVALID, which name the file. */
export function parseManifest(file: string, text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TurnbuildError('MANIFEST_INVALID', `${file} is not JSON`, { cause: error, hint: HINT });
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > MANIFEST_SCHEMA) {
    throw new TurnbuildError(
      'MANIFEST_NEWER',
      `${file} has schema ${schema}; this turnbuild knows ${MANIFEST_SCHEMA}`,
      {
        hint: 'Use the turnbuild that wrote it, or a newer one.',
      },
    );
  }
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new TurnbuildError(
    'MANIFEST_INVALID',
    `${file} is not a manifest that turnbuild wrote:\n${issues.join('\n')}`,
    { hint: HINT },
  );
}

/** A manifest with one step's record put in, or replaced. Steps keep the order in which they were first recorded. */
export function withStep(manifest: Manifest, step: ManifestStep): Manifest {
  const known = manifest.steps.some((each) => each.id === step.id);
  const steps = known
    ? manifest.steps.map((each) => (each.id === step.id ? step : each))
    : [...manifest.steps, step];
  return { ...manifest, steps };
}

/** A manifest with one root's record put in, or replaced. */
export function withBase(manifest: Manifest, base: BaseImage): Manifest {
  return { ...manifest, bases: [...manifest.bases.filter((each) => each.name !== base.name), base] };
}
