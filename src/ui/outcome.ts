import { isImage, isPackage } from '../manifest/package-kinds.ts';
import {
  type Artifact,
  CHECK_STATUSES,
  type CheckResult,
  type Exposure,
  type Manifest,
  type ManifestStep,
} from '../manifest/schema.ts';
import { judges, traitsOf } from '../manifest/stages.ts';

/** The manifest's records of one package or image, identified by target or cloud, and architecture. */
export interface Variant {
  /** `debian-12 / arm64`, or the step's id for a step that belongs to no package. */
  name: string;
  target: string | undefined;
  arch: string | undefined;
  /** Its packages, or its machine image. */
  packages: Artifact[];
  checks: CheckResult[];
  /** Whether a check passed that tested the packages. The checks of a disk don't: it must also boot. */
  verified: boolean;
  metrics: Record<string, number>;
  /** Facts recorded by its steps; the value of a later step wins. */
  facts: Record<string, unknown>;
  /** Whether its packages are exposed to advisories, if recorded: advisory -> exposure. */
  exposures: Record<string, Exposure>;
}

/** Number of checks by status. */
export type Counts = Record<CheckResult['status'], number>;

/**
 * `passed`: every step is done, and every package has checks, none of which failed.
 * `accepted`: the same, except for checks that failed because of accepted advisories.
 * `unverified`: no check that tested a package or image passed, or an image's package is missing. Running no checks is not a success.
 */
export type Verdict = 'passed' | 'accepted' | 'failed' | 'unverified';

export function variantsOf(manifest: Manifest): Variant[] {
  const variants = new Map<string, Variant>();
  for (const step of manifest.steps) {
    const packages = step.outputs.filter(isPackage);
    const { name, target, arch } = variantOf(step);
    const relevant = target !== undefined || packages.length > 0 || (step.checks ?? []).length > 0;
    if (!relevant) continue;
    const variant = variants.get(name) ?? {
      name,
      target,
      arch,
      packages: [],
      checks: [],
      verified: false,
      metrics: {},
      facts: {},
      exposures: {},
    };
    variant.packages.push(...packages);
    variant.checks.push(...(step.checks ?? []));
    variant.verified ||= judges(step.stage) && (step.checks ?? []).some(isPassed);
    Object.assign(variant.metrics, step.metrics ?? {});
    Object.assign(variant.facts, step.facts ?? {});
    Object.assign(variant.exposures, step.exposures ?? {});
    variants.set(name, variant);
  }
  return [...variants.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function variantOf(step: ManifestStep): Pick<Variant, 'name' | 'target' | 'arch'> {
  const { arch } = step;
  // An image has its own checks, which are not those of the package in it.
  const target = step.cloud ?? step.target;
  const name =
    target === undefined && arch === undefined ? step.id : [target, arch].filter(Boolean).join(' / ');
  return { name, target, arch };
}

/** Whether a variant consists of packages, not of a machine image. */
export function isOfPackages({ packages }: Variant): boolean {
  return packages.some((file) => !isImage(file));
}

/** Number of packages and of machine images. */
export function countFiles(variants: readonly Variant[]): { packages: number; images: number } {
  const files = variants.flatMap(({ packages }) => packages);
  const images = files.filter(isImage).length;
  return { packages: files.length - images, images };
}

/** Images whose package the manifest does not list: it is to be built again. */
export function imagesAlone({ steps }: Manifest): Artifact[] {
  const made = new Set(
    steps.flatMap(({ outputs }) => outputs.map(({ path, sha256 }) => `${sha256} ${path}`)),
  );
  return steps
    .filter(
      ({ stage, inputs }) =>
        traitsOf(stage).makes === 'images' &&
        !inputs.every(({ path, sha256 }) => made.has(`${sha256} ${path}`)),
    )
    .flatMap(({ outputs }) => outputs.filter(isImage));
}

export function countChecks(checks: readonly CheckResult[]): Counts {
  const counts = Object.fromEntries(CHECK_STATUSES.map((status) => [status, 0])) as Counts;
  for (const { status } of checks) counts[status] += 1;
  return counts;
}

function isPassed({ status }: CheckResult): boolean {
  return status === 'passed';
}

/** Whether a check failed or is blocked; in both cases, the property is unproved. */
export function isBad({ status }: CheckResult): boolean {
  return status === 'failed' || status === 'blocked';
}

/** Known causes of failures, each once, with the affected packages. */
export function causesOf(variants: readonly Variant[]): { cause: string; variants: string[] }[] {
  const causes = new Map<string, string[]>();
  for (const { name, checks } of variants)
    for (const { cause, status } of checks)
      if (cause !== undefined && status === 'failed') causes.set(cause, [...(causes.get(cause) ?? []), name]);
  return [...causes].map(([cause, names]) => ({ cause, variants: names }));
}

/** When the last verification ended; undefined if not recorded. */
export function verifiedAt(manifest: Manifest): string | undefined {
  const ends = manifest.steps.flatMap(({ checks, finished }) =>
    checks === undefined ? [] : (finished ?? []),
  );
  return ends.sort().at(-1);
}

export function failedSteps(manifest: Manifest): ManifestStep[] {
  return manifest.steps.filter((step) => step.status === 'failed');
}

export function verdictOf(manifest: Manifest): Verdict {
  const variants = variantsOf(manifest);
  const checks = variants.flatMap((variant) => variant.checks);
  if (failedSteps(manifest).length > 0 || checks.some(isBad)) return 'failed';
  const built = variants.filter((variant) => variant.packages.length > 0);
  const verified = built.every((variant) => variant.verified);
  if (built.length === 0 || !verified || imagesAlone(manifest).length > 0) return 'unverified';
  return checks.some((c) => c.status === 'accepted') ? 'accepted' : 'passed';
}

/** The sum of a metric over all its series; undefined if it has none. */
export function metricTotal(metrics: Readonly<Record<string, number>>, name: string): number | undefined {
  const series = Object.entries(metrics).filter(([key]) => key === name || key.startsWith(`${name}{`));
  return series.length === 0 ? undefined : series.reduce((sum, [, value]) => sum + value, 0);
}
