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
  /** Names of build arguments whose values docker takes from its environment, because they may be secret: proxies. */
  inherited?: readonly string[] | undefined;
  /** Folder that gets the files of the stage, path of a tar of them, or the name of an image that the engine gets. */
  output: { folder: string } | { tar: string } | { image: string };
  /** Name of a buildx builder; the current one without it. */
  builder?: string;
  /** Stages of the Dockerfile that are never taken from the build cache. */
  fresh?: readonly string[];
  /** `provenance.json` beside the files: what the build was made of, images by digest. */
  provenance?: true;
}

/** Exports the result as files (`type=local`), because an image exists on one engine only; the laboratory's has to. */
export function buildxCommand(build: BuildxBuild): Command {
  return {
    file: 'docker',
    args: [
      'buildx',
      'build',
      ...(build.builder === undefined ? [] : ['--builder', build.builder]),
      '--progress=plain',
      `--provenance=${build.provenance === true ? 'mode=min' : 'false'}`,
      `--platform=${build.platform}`,
      `--target=${build.dockerStage}`,
      ...(build.fresh === undefined ? [] : [`--no-cache-filter=${build.fresh.join(',')}`]),
      ...Object.entries(build.contexts).map(([name, value]) => `--build-context=${name}=${value}`),
      ...Object.entries(build.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
      ...(build.inherited ?? []).map((name) => `--build-arg=${name}`),
      `--output=${outputOf(build.output)}`,
      build.context,
    ],
    // Plain lines whatever the terminal is, and no build records piling up.
    env: { DOCKER_CLI_HINTS: 'false', BUILDX_NO_DEFAULT_ATTESTATIONS: '1' },
    effect: 'write',
  };
}

function outputOf(output: BuildxBuild['output']): string {
  if ('image' in output) return imageOutput(output.image);
  return 'tar' in output
    ? `type=tar,${csvField(`dest=${output.tar}`)}`
    : `type=local,${csvField(`dest=${output.folder}`)}`;
}

/** One field of the comma-separated list that buildx reads (RFC 4180). */
function csvField(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Into the engine's own images, and not packed: it is used once, here. */
function imageOutput(image: string): string {
  return `type=docker,name=${image},compression=uncompressed,force-compression=true`;
}

/** Where the Docker stage of a step reads and writes. */
export interface StepBuild {
  dockerStage: string;
  /** Folder with the Dockerfile. */
  folder: string;
  /** Values of the named contexts: base images for the build platform and, if the stage runs there, for the target platform; and a folder. */
  base: string;
  target?: string;
  inputs: string;
  output: string;
  /** The stage becomes an image of this name instead, for a platform of the builder's own. */
  image?: { name: string; platform: string };
  builder?: string | undefined;
  /** Nothing of this step comes from the build cache. */
  noCache?: boolean;
  /** What runs for this stage in the Dockerfile; `NAME-run` without it. */
  fresh?: readonly string[] | undefined;
  /** Build arguments on top of the step's own. */
  args?: Readonly<Record<string, string>>;
  /** As of `BuildxBuild`. */
  inherited?: readonly string[];
}

/** The buildx call of one Docker stage of a step: what a run performs and a dry run prints. */
export function stepCommand(step: PlannedStep, build: StepBuild): Command {
  return buildxCommand({
    context: build.folder,
    dockerStage: build.dockerStage,
    platform: build.image?.platform ?? `linux/${platformOf(step.arch).oci}`,
    contexts: {
      base: build.base,
      ...(build.target === undefined ? {} : { target: build.target }),
      inputs: build.inputs,
    },
    buildArgs: { ...step.buildArgs, ...build.args },
    inherited: build.inherited,
    output: build.image === undefined ? { folder: build.output } : { image: build.image.name },
    ...(build.builder === undefined ? {} : { builder: build.builder }),
    ...(build.noCache === true ? { fresh: build.fresh ?? [`${build.dockerStage}-run`] } : {}),
  });
}
