import { TurnbuildError } from '../errors.ts';
import { type Exec, runProcess } from '../io/exec.ts';
import { inspectBuilderCommand, parseBuilder } from '../plan/buildx.ts';
import { type Arch, archOfOciPlatform, platformOf } from '../plan/platforms.ts';

/** What turnbuild has to know of the builder that does the work. */
export interface BuilderFacts {
  name: string;
  driver: string;
  /** Architectures that it can run, natively or under QEMU. */
  architectures: Arch[];
  /** The processor that it compiles on: the first platform it names. */
  buildArch: Arch;
}

/**
 * Asks the builder (the current one without a name) what it is.
 * @throws DOCKER_MISSING, DOCKER_UNAVAILABLE, DOCKER_REFUSED, BUILDER_UNKNOWN
 */
export async function inspectBuilder(
  name: string | undefined,
  exec: Exec = runProcess,
): Promise<BuilderFacts> {
  const result = await exec(inspectBuilderCommand(name));
  if (result.code !== 0) throw builderError(name, result.code, `${result.stderr}\n${result.stdout}`.trim());
  const builder = parseBuilder(result.stdout);
  const architectures = [...new Set(builder.platforms.map(archOfOciPlatform))].filter(
    (arch) => arch !== undefined,
  );
  const [buildArch] = architectures;
  if (buildArch === undefined) {
    throw new TurnbuildError(
      'BUILDER_UNSUITABLE',
      `Builder ${builder.name} runs neither linux/arm64 nor linux/amd64`,
      {
        hint: 'See `docker buildx ls`; start its nodes with `docker buildx inspect --bootstrap`.',
      },
    );
  }
  return { name: builder.name, driver: builder.driver, architectures, buildArch };
}

/** @throws BUILDER_PLATFORM_MISSING if packages of an architecture can't be run there */
export function requirePlatforms(builder: BuilderFacts, wanted: readonly Arch[]): void {
  const missing = wanted.filter((arch) => !builder.architectures.includes(arch));
  if (missing.length === 0) return;
  const names = missing.map((arch) => `linux/${platformOf(arch).oci}`).join(', ');
  throw new TurnbuildError('BUILDER_PLATFORM_MISSING', `Builder ${builder.name} can't run ${names}`, {
    hint: 'Run `turnbuild doctor --fix` to register QEMU, use a --builder with a native node, or --no-verify to only make packages.',
  });
}

function builderError(name: string | undefined, code: number, text: string): TurnbuildError {
  const doctor = 'Run `turnbuild doctor` to see what is missing, `turnbuild doctor --fix` to mend it.';
  if (code === 127) return new TurnbuildError('DOCKER_MISSING', 'docker is not installed', { hint: doctor });
  if (/permission denied/i.test(text)) {
    return new TurnbuildError('DOCKER_REFUSED', `The Docker engine refuses this user\n${text}`, {
      hint: 'Add the user to the group docker, or use sudo.',
    });
  }
  if (name !== undefined && /no builder/i.test(text)) {
    return new TurnbuildError('BUILDER_UNKNOWN', `There is no buildx builder "${name}"`, {
      hint: 'See `docker buildx ls`.',
    });
  }
  return new TurnbuildError('DOCKER_UNAVAILABLE', `No Docker engine answers\n${text}`, { hint: doctor });
}
