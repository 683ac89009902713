import type { Command } from './command.ts';
import { platformOf } from './platforms.ts';
import type { PlannedStep } from './types.ts';

/** One `docker buildx build`: everything in it can be sent to any builder. */
export interface BuildxBuild {
  /** Folder with the Dockerfile and its scripts. */
  context: string;
  dockerStage: string;
  /** OCI platform, e.g. `linux/arm64`. */
  platform: string;
  /** Named contexts: folders, `oci-layout://DIR@DIGEST` or `docker-image://REF@DIGEST`. */
  contexts: Readonly<Record<string, string>>;
  buildArgs: Readonly<Record<string, string>>;
  /** Folder that gets the files of the stage. */
  output: string;
  /** Name of a buildx builder; the current one without it. */
  builder?: string;
  /** Stages of the Dockerfile that are never taken from the build cache. */
  fresh?: readonly string[];
}

/** Exports the result as files (`type=local`), because a local image tag exists on one machine only. */
export function buildxCommand(build: BuildxBuild): Command {
  return {
    file: 'docker',
    args: [
      'buildx',
      'build',
      ...(build.builder === undefined ? [] : ['--builder', build.builder]),
      '--progress=plain',
      '--provenance=false',
      `--platform=${build.platform}`,
      `--target=${build.dockerStage}`,
      ...(build.fresh === undefined ? [] : [`--no-cache-filter=${build.fresh.join(',')}`]),
      ...Object.entries(build.contexts).map(([name, value]) => `--build-context=${name}=${value}`),
      ...Object.entries(build.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
      `--output=type=local,dest=${build.output}`,
      build.context,
    ],
    // Plain lines whatever the terminal is, and no build records piling up.
    env: { DOCKER_CLI_HINTS: 'false', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' },
    effect: 'write',
  };
}

/** Where the Docker stage of a step reads and writes. */
export interface StepBuild {
  dockerStage: string;
  /** Folder with the Dockerfile. */
  folder: string;
  /** Values of the named contexts: roots for the build platform and for the target platform, and a folder. */
  base: string;
  target: string;
  inputs: string;
  output: string;
  builder?: string | undefined;
  /** Nothing of this step comes from the build cache. */
  noCache?: boolean;
  /** Build arguments on top of the step's own. */
  args?: Readonly<Record<string, string>>;
}

/** The buildx call of one Docker stage of a step: what a run performs and a dry run prints. */
export function stepCommand(step: PlannedStep, build: StepBuild): Command {
  return buildxCommand({
    context: build.folder,
    dockerStage: build.dockerStage,
    platform: `linux/${platformOf(step.arch).oci}`,
    contexts: {
      base: build.base,
      ...(build.dockerStage === 'verify' ? { target: build.target } : {}),
      inputs: build.inputs,
    },
    buildArgs: { ...step.buildArgs, ...build.args },
    output: build.output,
    ...(build.builder === undefined ? {} : { builder: build.builder }),
    // The toolchain is installed once, for the build; packaging then finds that very one.
    ...(build.noCache === true
      ? { fresh: [...(build.dockerStage === 'build' ? ['toolchain'] : []), `${build.dockerStage}-run`] }
      : {}),
  });
}

/** Asks a builder for its name, driver and platforms. */
export function inspectBuilderCommand(builder?: string): Command {
  const name = builder === undefined ? [] : [builder];
  return { file: 'docker', args: ['buildx', 'inspect', '--bootstrap', ...name], effect: 'read' };
}

/** Reads what `docker buildx inspect` prints: all nodes' platforms together. */
export function parseBuilder(text: string): { name: string; driver: string; platforms: string[] } {
  const value = (key: string) => new RegExp(`^${key}:\\s*(.+)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const platforms = [...text.matchAll(/^\s*Platforms:\s*(.+)$/gm)].flatMap((match) =>
    (match[1] ?? '').split(','),
  );
  return {
    name: value('Name'),
    driver: value('Driver'),
    platforms: [...new Set(platforms.map((each) => each.trim().replace(/\*$/, '')))].filter(
      (each) => each !== '',
    ),
  };
}
