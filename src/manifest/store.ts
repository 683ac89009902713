import {
  type BaseImage,
  MANIFEST_SCHEMA,
  type Manifest,
  type ManifestStep,
  manifestSchema,
} from './schema.ts';
import { type DocumentKind, type Sha256, sealed, unsealed } from './sealed.ts';
import { isMadeFrom, stagesAfter, traitsOf } from './stages.ts';

const MANIFEST: DocumentKind<Manifest> = {
  name: 'manifest',
  schema: MANIFEST_SCHEMA,
  shape: manifestSchema,
  codes: { invalid: 'MANIFEST_INVALID', newer: 'MANIFEST_NEWER', changed: 'MANIFEST_CHANGED' },
  hint: 'Remove it to start over (existing packages are rebuilt), or restore the one that turnbuild wrote.',
  upgrades: {
    1: (document) => withInputs(document as Manifest),
    // Schema 2 lacked the digests of published files and the commit of the recipes.
    2: (document) => ({ ...document, schema: 3 }),
  },
};

/**
 * Schema 1 lacked turnbuild's version, the inputs of steps, and the reasons for checks without a verdict. Its steps are not current, but
 * its records of packages can be read.
 */
function withInputs(old: Manifest): object {
  const { version, revision } = old.coturn;
  const isFile = old.source === undefined;
  return {
    ...old,
    schema: 2,
    turnbuild: 'unknown',
    packageVersion: isFile ? version : `${version}+turnbuild-${revision}`,
    steps: old.steps.map((step) => ({
      ...step,
      inputs: [],
      bases: {},
      ...(step.checks === undefined
        ? {}
        : {
            checks: step.checks.map((check) =>
              String(check.status) === 'skipped' ? { ...check, status: 'cannot-here' as const } : check,
            ),
          }),
    })),
  };
}

/** Manifest -> text of manifest.json. */
export function formatManifest(manifest: Manifest, sha256: Sha256): string {
  return sealed(manifest, sha256);
}

/** Text of a manifest.json -> manifest. @throws MANIFEST_NEWER, MANIFEST_INVALID, MANIFEST_CHANGED */
export function parseManifest(file: string, text: string, sha256: Sha256): Manifest {
  return unsealed(MANIFEST, file, text, sha256);
}

/**
 * Adds or replaces a step's record. Steps keep the order in which they were first recorded. If the outputs have changed or
 * the step has failed, removes the records of later stages of the same package: their files no longer exist, and a verdict
 * must never appear to apply to other files. Images stay until a package with other bytes replaces theirs.
 */
export function withStep(manifest: Manifest, step: ManifestStep): Manifest {
  const old = manifest.steps.find((each) => each.id === step.id);
  const same = step.status === 'done' && old !== undefined && outputsOf(old) === outputsOf(step);
  const later = manifest.steps.filter((each) => isLater(each, step));
  const ofOthers = later.filter((each) => traitsOf(each.stage).makes === 'images' && !isMadeOf(each, step));
  const isOutdated = (each: ManifestStep) =>
    later.includes(each) &&
    (traitsOf(each.stage).pipeline === traitsOf(step.stage).pipeline
      ? !same
      : ofOthers.some(({ cloud }) => cloud === each.cloud));
  const kept = manifest.steps.filter((each) => !isOutdated(each));
  const steps = old === undefined ? [...kept, step] : kept.map((each) => (each.id === step.id ? step : each));
  return { ...manifest, steps };
}

/** Whether a step belongs to a later stage of the same package, or of the same image: those of different clouds are not made from each other. */
export function isLater(
  each: ManifestStep,
  step: Pick<ManifestStep, 'stage' | 'target' | 'arch' | 'cloud'>,
): boolean {
  return (
    stagesAfter(step.stage).includes(each.stage) &&
    each.target === step.target &&
    each.arch === step.arch &&
    (step.cloud === undefined || each.cloud === step.cloud)
  );
}

/** Whether an image contains what a step has made, if that is a package. One that could not be made has no files, and replaces none. */
function isMadeOf({ stage, inputs }: ManifestStep, step: ManifestStep): boolean {
  if (!isMadeFrom(stage, step.stage)) return true;
  return step.outputs.every(({ path, sha256 }) =>
    inputs.some((input) => input.path === path && input.sha256 === sha256),
  );
}

function outputsOf(step: ManifestStep): string {
  return JSON.stringify(step.outputs.map(({ path, sha256 }) => [path, sha256]));
}

/** Adds or replaces a base image's record. */
export function withBase(manifest: Manifest, base: BaseImage): Manifest {
  return { ...manifest, bases: [...manifest.bases.filter((each) => each.name !== base.name), base] };
}

/** Sorts a manifest the same way on every machine: steps as planned, after any others, and base images by name. */
export function inOrder(manifest: Manifest, planned: readonly { id: string }[]): Manifest {
  const place = ({ id }: ManifestStep) => planned.findIndex((step) => step.id === id);
  return {
    ...manifest,
    bases: manifest.bases.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    steps: manifest.steps.toSorted((a, b) => place(a) - place(b)),
  };
}
