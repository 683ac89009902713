import { usageError } from '../errors.ts';
import type { Target } from '../recipe/schema.ts';
import { ARCHITECTURES, type Arch, platformOf } from './platforms.ts';
import type { Plan } from './types.ts';

/** A package file, described by its control file. */
export interface PackageFile {
  /** Its coturn version, without epoch, revision and additions of a distribution. */
  version: string;
  packageVersion: string;
  arch: Arch;
  target: Target;
}

/**
 * Determines a package's coturn version and target: the target whose label ends the version, otherwise the wanted one,
 * because the versions of a distribution's own packages have no label.
 * @param control fields of the control file
 * @throws PACKAGE_NOT_COTURN, PACKAGE_ARCH_UNKNOWN, PACKAGE_TARGET_UNKNOWN, PACKAGE_FOREIGN
 */
export function describePackage(
  file: string,
  control: Readonly<Record<string, string>>,
  { targets, wanted }: { targets: readonly Target[]; wanted: Target | undefined },
): PackageFile {
  const { Package: name = '', Version: packageVersion = '', Architecture: architecture = '' } = control;
  if (name !== 'coturn')
    throw usageError('PACKAGE_NOT_COTURN', `${file} is the package ${name} ${packageVersion}, not coturn`);
  const arch = ARCHITECTURES.find((each) => platformOf(each).debian === architecture);
  if (arch === undefined) {
    const known = ARCHITECTURES.map((each) => platformOf(each).debian).join(' and ');
    throw usageError('PACKAGE_ARCH_UNKNOWN', `${file} is for ${architecture}; turnbuild supports ${known}`);
  }
  const version = packageVersion
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~].*$/, '');
  return { version, packageVersion, arch, target: targetOf(file, packageVersion, targets, wanted) };
}

function targetOf(
  file: string,
  packageVersion: string,
  targets: readonly Target[],
  wanted: Target | undefined,
): Target {
  if (wanted !== undefined && wanted.format !== 'deb')
    throw usageError(
      'PACKAGE_FOREIGN',
      `${file} is a .deb, but ${wanted.name} takes .${wanted.format} packages`,
    );
  const candidates = targets.filter(({ format }) => format === 'deb');
  const own = /~([a-z][a-z0-9.]*)$/.exec(packageVersion)?.[1];
  const labelled = own === undefined ? undefined : candidates.find(({ label }) => label === own);
  if (wanted !== undefined && labelled !== undefined && labelled.name !== wanted.name) {
    throw usageError(
      'PACKAGE_FOREIGN',
      `${file} is for ${labelled.name} (${packageVersion}), not for ${wanted.name}`,
    );
  }
  const target = wanted ?? labelled;
  if (target !== undefined) return target;
  const names = candidates.map((each) => each.name);
  throw usageError(
    'PACKAGE_TARGET_UNKNOWN',
    `Cannot tell from its version (${packageVersion}) which distribution ${file} is for`,
    `Pass --target (${names.join(', ')}).`,
  );
}

/** The plan to verify an existing package: a single step. @param plan of a whole release for the same target */
export function planPackageFile(plan: Plan, { packageVersion }: PackageFile, packages: string[]): Plan {
  const steps = plan.steps
    .filter(({ stage }) => stage === 'verify')
    .map((step) => ({
      ...step,
      needs: step.needs.filter((need) => need.startsWith('package:')),
      // Its sources are not available to compile again.
      dockerStages: step.dockerStages.filter((name) => name !== 'sanitize'),
      packages,
      packageVersion,
    }));
  return { ...plan, steps };
}
