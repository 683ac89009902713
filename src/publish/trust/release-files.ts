import { isCompanion, isImage, isPackage } from '../../manifest/package-kinds.ts';
import type { Artifact, Manifest, ManifestStep } from '../../manifest/schema.ts';
import { judges, traitsOf } from '../../manifest/stages.ts';
import type { Subject } from './statement.ts';

/** The files that one step made for users, and how it made them. */
export interface MadeFiles {
  /** First part of the names of its statements, without characters that GitHub replaces in names of assets. */
  name: string;
  /** The step that made the files: packages, or an image. */
  step: ManifestStep;
  /** The steps whose results are in the files, in order. The last one is `step`. */
  steps: readonly ManifestStep[];
  /** The step that tested exactly these files. */
  verification: ManifestStep;
  files: readonly Artifact[];
}

/**
 * Groups the files of some steps. A file's provenance names only its own inputs, so each step has its own statements.
 * @param ids of steps that make packages or images, all of which are verified
 */
export function madeFiles(manifest: Manifest, ids: readonly string[]): MadeFiles[] {
  return ids.flatMap((id) => {
    const step = manifest.steps.find((each) => each.id === id);
    const verification = step === undefined ? undefined : verificationOf(step, manifest);
    if (step === undefined || verification === undefined) return [];
    const files = step.outputs.filter((file) => isPackage(file) || isCompanion(file));
    const { version, revision } = manifest.coturn;
    const name = ['coturn', version, revision, step.cloud ?? step.target, step.arch].join('-');
    return [{ name, step, steps: [...builtFrom(step, manifest), step], verification, files }];
  });
}

/** Ids of the images that were booted, and whose checks all passed, were accepted, do not apply or could not run there. */
export function verifiedImages(manifest: Manifest): string[] {
  return manifest.steps
    .filter((step) => step.status === 'done' && step.outputs.some(isImage))
    .filter((step) => isVerified(step, verificationOf(step, manifest)))
    .map(({ id }) => id);
}

function isVerified({ outputs }: ManifestStep, verification: ManifestStep | undefined): boolean {
  const checks = verification?.checks ?? [];
  const judged = new Map(verification?.inputs.map(({ path, sha256 }) => [path, sha256]));
  return (
    verification?.status === 'done' &&
    outputs.filter(isImage).every(({ path, sha256 }) => judged.get(path) === sha256) &&
    checks.some(({ status }) => status === 'passed') &&
    !checks.some(({ status }) => status === 'failed' || status === 'blocked' || status === 'deselected')
  );
}

function verificationOf(step: ManifestStep, { steps }: Manifest): ManifestStep | undefined {
  return steps.find(
    ({ stage, target, arch, cloud }) =>
      judges(stage) && target === step.target && arch === step.arch && cloud === step.cloud,
  );
}

/** The steps whose outputs a step had as inputs. */
function builtFrom(step: ManifestStep, { steps }: Manifest): ManifestStep[] {
  const inputs = new Set(step.inputs.map(({ path, sha256 }) => `${path} ${sha256}`));
  return steps.filter(
    ({ id, stage, outputs }) =>
      id !== step.id &&
      !judges(stage) &&
      traitsOf(stage).makes !== 'images' &&
      outputs.some(({ path, sha256 }) => inputs.has(`${path} ${sha256}`)),
  );
}

/**
 * The files that a group's statements are about.
 * @param published path in the release's folder -> digest of the file that users get instead: a signed package, or a bill of materials
 */
export function subjectsOf({ files }: MadeFiles, published: ReadonlyMap<string, string>): Subject[] {
  return files.map(({ path, sha256, kind }) => {
    const signed = published.get(path);
    if (signed === undefined || signed === sha256) return { name: path, digest: { sha256 } };
    const before = kind === 'sbom' ? 'sha256BeforePublication' : 'sha256BeforeSigning';
    return { name: path, digest: { sha256: signed }, annotations: { [before]: sha256 } };
  });
}
