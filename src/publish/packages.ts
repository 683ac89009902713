import { TurnbuildError } from '../errors.ts';
import { isCompanion, isImage, isPackage } from '../manifest/package-kinds.ts';
import type { Artifact, Manifest, ManifestStep } from '../manifest/schema.ts';
import { judges, traitsOf } from '../manifest/stages.ts';

/** The packages of one target and architecture, as one step made them. */
export interface PackageGroup {
  /** The step's id. */
  id: string;
  target: string;
  arch: 'arm64' | 'x86_64';
  /** Packages and the files that accompany them. */
  files: readonly Artifact[];
  /** Advisories that were accepted for failed checks. */
  accepted: readonly string[];
  /** Checks that the machine could not run. */
  cannotHere: readonly string[];
}

/** Which packages to publish. Undefined: all of them. */
export interface PackageChoice {
  targets: readonly string[] | undefined;
  architectures: readonly string[] | undefined;
}

/**
 * The packages of a release that may be published: every check of their verification passed, was accepted, does not apply or could not run
 * on that machine, and judged exactly these bytes.
 * @throws PUBLISH_UNVERIFIED with every reason, PUBLISH_EMPTY if the release lacks chosen packages
 */
export function verifiedPackages(manifest: Manifest, choice: PackageChoice): PackageGroup[] {
  const steps = manifest.steps.filter(
    ({ stage, target, arch }) =>
      traitsOf(stage).makes === 'packages' &&
      (choice.targets?.includes(target ?? '') ?? true) &&
      (choice.architectures?.includes(arch ?? '') ?? true),
  );
  const problems = steps.flatMap((step) =>
    problemsOf(step, manifest).map((problem) => `  ${step.target} ${step.arch}: ${problem}`),
  );
  if (problems.length > 0)
    throw new TurnbuildError(
      'PUBLISH_UNVERIFIED',
      `Packages that are not completely verified can't be published:\n${problems.join('\n')}`,
      {
        hint: 'Verify them with `turnbuild verify`, without --only and --skip, or choose other packages with --target and --arch.',
      },
    );
  const groups = steps.flatMap((step) => groupOf(step, manifest));
  const missing = [
    ...(choice.targets ?? []).filter((name) => !groups.some(({ target }) => target === name)),
    ...(choice.architectures ?? []).filter((name) => !groups.some(({ arch }) => arch === name)),
  ];
  if (groups.length > 0 && missing.length > 0)
    throw new TurnbuildError(
      'PUBLISH_EMPTY',
      `The release ${manifest.packageVersion} has no packages for ${missing.join(', ')}`,
      { hint: 'Build them with `turnbuild release`, or leave them out of --target and --arch.' },
    );
  if (groups.length === 0)
    throw new TurnbuildError(
      'PUBLISH_EMPTY',
      `The release ${manifest.packageVersion} has no packages to publish`,
      {
        hint: 'Build it with `turnbuild release`. --target and --arch must name packages of the release.',
      },
    );
  return groups;
}

function groupOf(step: ManifestStep, manifest: Manifest): PackageGroup[] {
  const { id, target, arch } = step;
  if (target === undefined || arch === undefined) return [];
  const files = step.outputs.filter((file) => (isPackage(file) || isCompanion(file)) && !isImage(file));
  const failed = verificationOf(step, manifest)?.checks?.filter(({ status }) => status === 'accepted') ?? [];
  const accepted = [...new Set(failed.flatMap(({ advisories = [] }) => advisories))].sort();
  const checks = verificationOf(step, manifest)?.checks ?? [];
  const cannotHere = checks.filter(({ status }) => status === 'cannot-here').map((check) => check.id);
  return files.length === 0 ? [] : [{ id, target, arch, files, accepted, cannotHere }];
}

function verificationOf(step: ManifestStep, { steps }: Manifest): ManifestStep | undefined {
  return steps.find(
    ({ stage, target, arch, cloud }) =>
      judges(stage) && cloud === undefined && target === step.target && arch === step.arch,
  );
}

/** Why the packages of a step must not be published. */
function problemsOf(step: ManifestStep, manifest: Manifest): string[] {
  if (step.status === 'failed') return [`could not be built (${step.error ?? 'no reason recorded'})`];
  const verification = verificationOf(step, manifest);
  if (verification === undefined) return ['not verified'];
  if (verification.status === 'failed')
    return [`the verification failed (${verification.error ?? 'no reason recorded'})`];
  const judged = new Map(verification.inputs.map(({ path, sha256 }) => [path, sha256]));
  const others = step.outputs.filter(({ path, sha256 }) => judged.get(path) !== sha256);
  if (others.length > 0)
    return [`the verification was of other files: ${others.map(({ path }) => path).join(', ')}`];
  const checks = verification.checks ?? [];
  if (!checks.some(({ status }) => status === 'passed')) return ['no check passed'];
  const of = (status: string) => checks.filter((check) => check.status === status).map(({ id }) => id);
  return [
    ...counted(of('failed'), 'failed'),
    ...counted(of('blocked'), 'could not run because of another failure'),
    ...counted(of('deselected'), 'left out by --only or --skip'),
  ];
}

/** Number of checks whose names are shown. */
const SHOWN = 3;

function counted(ids: readonly string[], what: string): string[] {
  if (ids.length === 0) return [];
  const names = ids.slice(0, SHOWN).join(', ') + (ids.length > SHOWN ? ', …' : '');
  return [`${ids.length} ${ids.length === 1 ? 'check' : 'checks'} ${what} (${names})`];
}
