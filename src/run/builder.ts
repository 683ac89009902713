import { TurnbuildError } from '../errors.ts';
import type { Exec } from '../io/exec.ts';
import {
  architecturesOf,
  compilesOn,
  engineVersionCommand,
  imageStoreCommand,
  inspectBuilderCommand,
  MIN_ENGINE,
  parseBuilder,
  parseEngine,
} from '../plan/builder.ts';
import { DOCTOR_HINT, dockerFailure } from '../plan/docker-failure.ts';
import { type Arch, platformOf } from '../plan/platforms.ts';

/** The properties of a builder that turnbuild depends on. */
export interface BuilderFacts {
  name: string;
  driver: string;
  /** Architectures that it can run, natively or under QEMU. */
  architectures: Arch[];
  /** The processor that it compiles on, by target architecture: nodes may differ. */
  compilesOn: Readonly<Record<Arch, Arch>>;
  /** Whether it takes base images as OCI layouts. An engine without the containerd image store needs them as local images. */
  ociLayouts: boolean;
}

/** Whether the builder's containers may share a network. Only the engine's own builder is known to give each container its own. */
export function sharesNetwork({ driver }: Pick<BuilderFacts, 'driver'>): boolean {
  return driver !== 'docker';
}

/**
 * Inspects a builder (the current one without a name), and starts its nodes if `bootstrap` is set.
 * @throws DOCKER_MISSING, BUILDX_MISSING, DOCKER_UNAVAILABLE, DOCKER_REFUSED, DOCKER_TOO_OLD, BUILDER_UNKNOWN, BUILDER_UNSUITABLE
 */
export async function inspectBuilder(
  name: string | undefined,
  { bootstrap, exec }: { bootstrap: boolean; exec: Exec },
): Promise<BuilderFacts> {
  const result = await exec(inspectBuilderCommand(name, bootstrap));
  if (result.code !== 0) throw builderError(name, result.code, `${result.stderr}\n${result.stdout}`.trim());
  const builder = parseBuilder(result.stdout);
  if (builder.error !== undefined) throw builderError(name, result.code, builder.error);
  const [arm64, x86_64] = [compilesOn(builder, 'arm64'), compilesOn(builder, 'x86_64')];
  if (arm64 === undefined || x86_64 === undefined) throw unsuitable(builder.name, { arm64, x86_64 });
  return {
    name: builder.name,
    driver: builder.driver,
    architectures: architecturesOf(builder),
    compilesOn: { arm64, x86_64 },
    ociLayouts: builder.driver === 'docker' ? await engineTakesLayouts(builder.name, exec) : true,
  };
}

/** No node supports arm64 or amd64, or the first node, to which buildx sends unsupported platforms, supports neither. */
function unsuitable(
  name: string,
  { arm64, x86_64 }: { arm64: Arch | undefined; x86_64: Arch | undefined },
): TurnbuildError {
  const message =
    arm64 === undefined && x86_64 === undefined
      ? `Builder ${name} supports neither linux/arm64 nor linux/amd64`
      : `Builder ${name} would build for linux/${arm64 === undefined ? 'arm64' : 'amd64'} on its first node, which supports neither that nor linux/${arm64 === undefined ? 'amd64' : 'arm64'}`;
  return new TurnbuildError('BUILDER_UNSUITABLE', message, {
    hint: 'See `docker buildx ls`. Start the nodes with `docker buildx inspect --bootstrap`, and list a node with these platforms first.',
  });
}

async function engineTakesLayouts(builder: string, exec: Exec): Promise<boolean> {
  const result = await exec(imageStoreCommand(builder));
  if (result.code !== 0)
    throw builderError(builder, result.code, `${result.stderr}\n${result.stdout}`.trim());
  const engine = parseEngine(result.stdout);
  if (engine.suitable) return engine.ociLayouts;
  throw new TurnbuildError(
    'DOCKER_TOO_OLD',
    `The Docker engine is ${engine.version}; ${MIN_ENGINE}.0 or newer is required`,
    { hint: 'Upgrade it, or select another buildx builder with --builder.' },
  );
}

/** The architecture of this machine. */
export const ownArch = (): Arch => (process.arch === 'arm64' ? 'arm64' : 'x86_64');

/** The builder to assume for a plan if none can be inspected: an engine of this machine's architecture. */
export function assumedBuilder(): BuilderFacts {
  const own = ownArch();
  return {
    name: 'assumed',
    driver: 'docker',
    architectures: [own],
    compilesOn: { arm64: own, x86_64: own },
    ociLayouts: true,
  };
}

/** @throws BUILDER_PLATFORM_MISSING if the builder cannot run an architecture */
export function requirePlatforms(builder: BuilderFacts, wanted: readonly Arch[]): void {
  const missing = wanted.filter((arch) => !builder.architectures.includes(arch));
  if (missing.length === 0) return;
  const names = missing.map((arch) => `linux/${platformOf(arch).oci}`).join(', ');
  throw new TurnbuildError('BUILDER_PLATFORM_MISSING', `Builder ${builder.name} cannot run ${names}`, {
    hint: 'Run `turnbuild doctor --fix` to register QEMU, use a --builder with a native node, or build without verifying (--no-verify).',
  });
}

/**
 * Packages and images are tested in a container, which only an engine can run. Checked early, although the engine is needed last.
 * @throws LAB_UNAVAILABLE if no engine is reachable
 */
export async function requireEngine(builder: BuilderFacts, exec: Exec): Promise<void> {
  if (builder.driver === 'docker') return;
  const result = await exec(engineVersionCommand());
  if (result.code === 0) return;
  const { code, message, hint } = dockerFailure(result.stderr);
  if (code === 'DOCKER_REFUSED') throw new TurnbuildError(code, message, { hint });
  throw new TurnbuildError(
    'LAB_UNAVAILABLE',
    `Verification needs a Docker engine beside the builder ${builder.name}, and none is reachable\n${result.stderr}`,
    {
      hint: 'Start one, or select one (DOCKER_HOST, docker context use). --no-verify builds without verifying, and --no-boot builds images without booting them.',
    },
  );
}

function builderError(name: string | undefined, exit: number, text: string): TurnbuildError {
  if (exit === 127) {
    return new TurnbuildError('DOCKER_MISSING', 'docker is not installed', {
      hint: DOCTOR_HINT,
    });
  }
  const { code, message, hint } = dockerFailure(text, name);
  return new TurnbuildError(code, message, { hint });
}
