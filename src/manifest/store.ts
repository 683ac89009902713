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

/** Digest of a text, lower-case hex. */
type Sha256 = (text: string) => string;

/**
 * manifest -> text of manifest.json: the document with a digest of its content. The digest reveals damage and manual edits. It is no
 * signature: it has no key, so anyone can recompute it.
 */
export function formatManifest(manifest: Manifest, sha256: Sha256): string {
  return `${JSON.stringify({ ...manifest, digest: sha256(JSON.stringify(manifest)) }, null, 2)}\n`;
}

/** Text of a manifest.json -> manifest. Throws MANIFEST_NEWER, MANIFEST_INVALID or MANIFEST_CHANGED, which name the file. */
export function parseManifest(file: string, text: string, sha256: Sha256): Manifest {
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
  const { digest, ...document } = (value ?? {}) as { digest?: unknown };
  const result = manifestSchema.safeParse(document);
  if (result.success && digest === sha256(JSON.stringify(document))) return result.data;
  if (result.success) {
    throw new TurnbuildError(
      'MANIFEST_CHANGED',
      `${file} is not as turnbuild wrote it: its digest does not fit what is in it`,
      { hint: HINT },
    );
  }
  const issues = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new TurnbuildError(
    'MANIFEST_INVALID',
    `${file} is not a manifest that turnbuild wrote:\n${issues.join('\n')}`,
    { hint: HINT },
  );
}

/** Stages in the order in which one's outputs go into the next. */
const ORDER: readonly ManifestStep['stage'][] = ['source', 'build', 'package', 'verify'];

/**
 * A manifest with one step's record put in, or replaced. Steps keep the order in which they were first recorded. Where the
 * outputs have changed, or the step has failed, the records of later stages of the same package go: they speak of
 * files that are no more, and a verdict must never be read as one on other bytes.
 */
export function withStep(manifest: Manifest, step: ManifestStep): Manifest {
  const old = manifest.steps.find((each) => each.id === step.id);
  const same = step.status === 'done' && old !== undefined && outputsOf(old) === outputsOf(step);
  const later = ORDER.slice(ORDER.indexOf(step.stage) + 1);
  const outdated = (each: ManifestStep) =>
    !same && each.target === step.target && each.arch === step.arch && later.includes(each.stage);
  const kept = manifest.steps.filter((each) => !outdated(each));
  const steps = old === undefined ? [...kept, step] : kept.map((each) => (each.id === step.id ? step : each));
  return { ...manifest, steps };
}

function outputsOf(step: ManifestStep): string {
  return JSON.stringify(step.outputs.map(({ path, sha256 }) => [path, sha256]));
}

/** A manifest with one root's record put in, or replaced. */
export function withBase(manifest: Manifest, base: BaseImage): Manifest {
  return { ...manifest, bases: [...manifest.bases.filter((each) => each.name !== base.name), base] };
}
