import { nearestName, TurnbuildError, usageError } from '../errors.ts';
import { judges, type StageName } from '../manifest/stages.ts';
import { advisoriesFor, exposuresFor, type KnownAdvisory } from '../recipe/advisories.ts';
import { deviationsFor, type KnownDeviation } from '../recipe/deviations.ts';
import { contentsFor, type MachineRecipe } from '../recipe/machine.ts';
import { type MetricFamily, metricsFor } from '../recipe/metrics.ts';
import type { Compatibility, ReleaseRecipe, Sysroot, Target } from '../recipe/schema.ts';
import { needsOf } from './compatibility.ts';
import { packageLayout } from './layout.ts';
import { imageArgs, imageFiles, type MachineChoices } from './machine.ts';
import { packageFiles, packageVersionOf, sourceRpm } from './package-version.ts';
import { base, baseNames, rpmRoot, targetBase } from './planned-bases.ts';
import { type Arch, platformOf } from './platforms.ts';
import type { Plan, PlannedBase, PlannedSource, PlannedStep } from './types.ts';

/** Everything that a plan depends on, gathered in advance, so that planning is pure. */
export interface PlanFacts {
  coturn: { version: string; revision: number; epoch: number };
  source?: PlannedSource | undefined;
  release: ReleaseRecipe;
  /** All targets with a recipe. */
  knownTargets: readonly Target[];
  compatibility: Compatibility;
  metrics: readonly MetricFamily[];
  deviations: readonly KnownDeviation[];
  advisories: readonly KnownAdvisory[];
  /** Names of the wanted targets and architectures. */
  targets: readonly string[];
  architectures: readonly Arch[];
  /** The compiling processor, by target architecture. */
  compilesOn: Readonly<Record<Arch, Arch>>;
  /** Registry image, pinned by digest, in which .rpm packages are verified; by default the recipe's, otherwise turnbuild makes a root. */
  verifyOn?: string | undefined;
  /** Digests of official images, by their name and tag in recipes; base images without one are bootstrapped. */
  images?: Readonly<Record<string, string>> | undefined;
  /** How images of machines are made, and which are wanted; undefined for a release of packages. */
  machine?: (MachineChoices & { recipe: MachineRecipe }) | undefined;
  /** Whether packages are verified. */
  verify: boolean;
  /** Use a foreign root's own apt, dpkg and shells, under QEMU, instead of the build platform's. */
  ownTools: boolean;
}

/** Facts -> plan. Pure: no clock, no environment, no file. */
export function createPlan(facts: PlanFacts): Plan {
  const targets = facts.targets.map((name) => findTarget(name, facts.knownTargets));
  const pairs = targets.flatMap((target) =>
    target.architectures
      .filter((arch) => facts.architectures.includes(arch))
      .map((arch) => ({ target, arch })),
  );
  if (pairs.length === 0) {
    throw usageError(
      'PLAN_EMPTY',
      'No selected target supports the selected architectures, so there is nothing to do.',
    );
  }
  if (facts.verifyOn !== undefined && targets.every(({ format }) => format !== 'rpm')) {
    throw usageError(
      'OPTION_CONFLICT',
      `--verify-on applies only to .rpm packages, but ${facts.targets.join(', ')} ${targets.length === 1 ? 'has' : 'have'} none`,
    );
  }
  const steps = pairs.map(({ target, arch }) => stepsOf(target, arch, facts));
  const used = new Set(steps.flat().flatMap(baseNames));
  return {
    coturn: facts.coturn,
    ...(facts.source === undefined ? {} : { source: facts.source }),
    maintainer: facts.release.maintainer,
    relay: facts.release.relay,
    needs: needsOf(facts.coturn.version, facts.compatibility),
    metrics: metricsFor(facts.coturn.version, facts.metrics),
    deviations: deviationsFor(facts.coturn.version, facts.deviations),
    advisories: advisoriesFor(facts.coturn.version, facts.advisories),
    exposures: exposuresFor(facts.coturn.version, facts.advisories),
    targets,
    compilesOn: facts.compilesOn,
    bases: uniqueById(
      pairs.flatMap(({ target, arch }) => [
        base(target, facts.compilesOn[arch], facts),
        // Only running a package needs a base image of its architecture: compiling and packaging are cross.
        targetBase(target, arch, facts),
      ]),
    ).filter(({ id }) => used.has(id)),
    steps: steps.flat(),
  };
}

function stepsOf(target: Target, arch: Arch, facts: PlanFacts): PlannedStep[] {
  const { version, epoch } = facts.coturn;
  const layout = packageLayout(target.format);
  const common = {
    FORMAT: target.format,
    DEB_ARCH: platformOf(arch).debian,
    GNU_TRIPLE: platformOf(arch).gnuTriple,
    TOOL_PACKAGES: target.tools.join(' '),
    // A sysroot's libraries are not packages of the toolchain.
    LIBRARY_PACKAGES: target.sysroot === undefined ? target.libraries.join(' ') : '',
    SOURCE_DATE_EPOCH: String(epoch),
  };
  const compiling = {
    ...common,
    ...staticLibraries(target),
    ...sysroot(target),
    COTURN_VERSION: version,
    CONFIGURATION_DIR: layout.configurationDir,
    STATE_DIR: layout.stateDir,
    LIBRARY_DIR: layout.libraryDir,
    GLIBC: target.glibc ?? '',
  };
  const packageVersion = packageVersionOf(target, facts.coturn);
  const packages = packageFiles(target, arch, { version, packageVersion });
  // The source package is the same for all architectures, so only the first one makes it.
  const first = target.architectures.find((each) => facts.architectures.includes(each));
  const source = arch === first ? sourceRpm(target.format, packageVersion) : undefined;
  const step = (stage: StageName, needs: StageName[], more: Partial<PlannedStep>): PlannedStep => ({
    id: `${stage}:${target.name}:${arch}`,
    stage,
    target: target.name,
    arch,
    needs: needs.map((need) => `${need}:${target.name}:${arch}`),
    packages,
    packageVersion,
    outputs: [`work/${stage}/${target.name}-${arch}`],
    base: base(target, facts.compilesOn[arch], facts).id,
    targetBase: targetBase(target, arch, facts).id,
    dockerStages: [stage],
    buildArgs: common,
    ...more,
  });
  const steps = [
    step('build', [], { buildArgs: compiling }),
    step('package', ['build'], {
      outputs: [...packages, ...(source === undefined ? [] : [source])],
      buildArgs: {
        ...common,
        PACKAGE_VERSION: packageVersion,
        SOURCE_RPM: source ?? '',
        TARBALL: packages.find((name) => name.endsWith('.tar.gz')) ?? '',
      },
    }),
    step('verify', ['build', 'package'], {
      ...(target.format === 'rpm' ? { rpmRoot: rpmRoot(target, facts) } : {}),
      // A program with AddressSanitizer is too slow under QEMU, so it runs only on native builds.
      dockerStages: ['inspect', 'verify', ...(facts.compilesOn[arch] === arch ? ['sanitize'] : []), 'lab'],
      buildArgs: {
        ...compiling,
        NETWORK: `${target.name}-${arch}`,
        TARGET_OCI_ARCH: platformOf(arch).oci,
        ...platformOf(arch).emulation,
        ...(target.format === 'rpm' ? { RPM_ROOT: rpmRoot(target, facts) } : {}),
        ...tools(target, arch, facts),
      },
    }),
  ];
  const all = [...steps, ...imageSteps(target, arch, facts, { step, common })];
  return facts.verify ? all : all.filter(({ stage }) => !judges(stage));
}

/** The steps of a package's machine images, one for each cloud. */
function imageSteps(
  target: Target,
  arch: Arch,
  facts: PlanFacts,
  {
    step,
    common,
  }: {
    step: (stage: StageName, needs: StageName[], more: Partial<PlannedStep>) => PlannedStep;
    common: Record<string, string>;
  },
): PlannedStep[] {
  const { machine } = facts;
  if (machine === undefined || machine.recipe.target !== target.name) return [];
  return machine.clouds.flatMap((cloud) => {
    const { format, maxUsedMiB } = contentsFor(machine.recipe, cloud);
    const files = imageFiles(facts.coturn, { cloud, arch, format });
    const args = imageArgs(machine.recipe, { ...machine, cloud, arch, seed: machineSeed });
    const image = step('image', ['build', 'package', 'verify'], {
      id: `image:${cloud}:${arch}`,
      cloud,
      outputs: Object.values(files),
      dockerStages: ['image'],
      buildArgs: {
        ...common,
        TARGET_OCI_ARCH: platformOf(arch).oci,
        ...platformOf(arch).emulation,
        ...tools(target, arch, facts),
        ...args,
        MAX_USED_MIB: String(maxUsedMiB),
      },
    });
    const boot = step('boot', [], {
      id: `boot:${cloud}:${arch}`,
      cloud,
      needs: [image.id],
      packages: [files.disk],
      outputs: [`work/boot/${cloud}-${arch}`],
      dockerStages: ['boot'],
      buildArgs: { ...common, ...args, MAX_USED_MIB: String(maxUsedMiB) },
    });
    return [image, boot];
  });
}

/** Seed of identifiers in images, e.g. of file systems: the same for every build, like the bytes. */
const machineSeed = '5c2f0c3a-8d4b-4f53-9a0e-1f6f5c0f3b77';

/** Build arguments for static linking. */
function staticLibraries({ staticLibraries: libraries }: Target): Record<string, string> {
  if (libraries === undefined) return {};
  return {
    COMPILE_ON: 'static-libraries',
    ARCHIVE_LIBRARIES: libraries.names.join(' '),
    LICENSED: Object.keys(libraries.licenses).join(' '),
    SOURCE_LIBRARIES: libraries.sources.map((each) => `${each.suite}/${each.package}`).join(' '),
  };
}

/** Build arguments for a sysroot. The repositories' addresses are known later. */
function sysroot({ sysroot: root, libraries }: Target): Record<string, string> {
  if (root === undefined) return {};
  return { COMPILE_ON: 'sysroot', SYSROOT_PACKAGES: libraries.join(' '), ...sysrootKeys(root) };
}

/** The keys that sign packages, and in some repositories also the metadata. */
function sysrootKeys({ keys, repositories }: Sysroot): Record<string, string> {
  const signed = repositories.map((each) => (each.signed === true ? '1' : '0'));
  return {
    SYSROOT_KEYS: keys.join(' '),
    ...(signed.includes('1') ? { SYSROOT_SIGNED: signed.join(' ') } : {}),
  };
}

/**
 * Selects the apt or dnf and the shells that install a package: in a foreign root those of the build platform, so that QEMU runs only the
 * programs under test. The tools must be from the root's own release, so a root with another distribution's rpms uses its own tools.
 */
function tools(target: Target, arch: Arch, facts: PlanFacts): Record<string, string> {
  const builder = facts.compilesOn[arch];
  const hasForeignRpms = target.format === 'rpm' && rpmRoot(target, facts) !== 'made';
  if (builder === arch || facts.ownTools || hasForeignRpms) return {};
  return { TOOLS: 'native', NATIVE_TRIPLE: platformOf(builder).gnuTriple };
}

function uniqueById(bases: PlannedBase[]): PlannedBase[] {
  return [...new Map(bases.map((each) => [each.id, each])).values()];
}

/** The target of this name, or a usage error with the nearest one. */
export function findTarget(name: string, known: readonly Target[]): Target {
  const found = known.find((target) => target.name === name);
  if (found !== undefined) return found;
  const names = known.map((target) => target.name);
  const near = nearestName(name, names);
  throw usageError(
    'TARGET_UNKNOWN',
    `Unknown target "${name}"${near === undefined ? '' : `; did you mean ${near}?`}`,
    `Use one of ${names.join(', ')}, or add recipes/targets/${name}.yaml.`,
  );
}

/** The target that a step belongs to. */
export function targetOfStep(plan: Plan, step: PlannedStep): Target {
  const target = plan.targets.find((each) => each.name === step.target);
  if (target === undefined)
    throw new TurnbuildError('PLAN_INVALID', `step ${step.id} names no target of the plan`);
  return target;
}
