import type { Command } from './command.ts';
import { platformOf } from './platforms.ts';
import type { PlannedStep } from './types.ts';

/** Caches outside the builder, as `docker buildx build` takes them: `type=gha,scope=coturn`. */
export interface BuildCache {
  from?: string | undefined;
  to?: string | undefined;
}

/** One `docker buildx build`, which any builder can run. */
export interface BuildxBuild {
  /** Folder with the Dockerfile and its scripts. */
  context: string;
  /** Name of the Dockerfile, if it is not `Dockerfile`. */
  dockerfile?: string | undefined;
  dockerStage: string;
  /** OCI platform, e.g. `linux/arm64`. */
  platform: string;
  /** Named contexts: folders, `oci-layout://DIR@DIGEST` or `docker-image://REF@DIGEST`. */
  contexts: Readonly<Record<string, string>>;
  buildArgs: Readonly<Record<string, string>>;
  /** Names of build arguments, i.e. proxies, whose values docker takes from its environment because they may be secret. */
  inherited?: readonly string[] | undefined;
  /** Folder for the stage's files, path of a tar with them, or name of an image in the engine. */
  output: { folder: string } | { tar: string } | { image: string };
  /** Labels of the image. */
  labels?: Readonly<Record<string, string>>;
  /** Name of a buildx builder; the current one if undefined. */
  builder?: string;
  /** Stages of the Dockerfile that are never taken from the build cache. */
  fresh?: readonly string[];
  /** Caches outside the builder. */
  cache?: BuildCache | undefined;
  /** Adds `provenance.json` with the inputs of the build, images by digest. */
  provenance?: true;
}

/** Results are exported as files, because an image would exist on one engine only. The laboratory's image must be on its engine. */
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
      ...(build.dockerfile === undefined ? [] : [`--file=${build.context}/${build.dockerfile}`]),
      `--target=${build.dockerStage}`,
      ...(build.fresh === undefined ? [] : [`--no-cache-filter=${build.fresh.join(',')}`]),
      ...(build.cache?.from === undefined ? [] : [`--cache-from=${build.cache.from}`]),
      ...(build.cache?.to === undefined ? [] : [`--cache-to=${build.cache.to}`]),
      ...Object.entries(build.contexts).map(([name, value]) => `--build-context=${name}=${value}`),
      ...Object.entries(build.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
      ...(build.inherited ?? []).map((name) => `--build-arg=${name}`),
      ...Object.entries(build.labels ?? {}).map(([name, value]) => `--label=${name}=${value}`),
      `--output=${outputOf(build.output)}`,
      build.context,
    ],
    // No hints between the lines of output, and no attestations except those of --provenance.
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

/** Quotes a field of the comma-separated list that buildx reads (RFC 4180). */
function csvField(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Loads the image into the engine, uncompressed because it is used once and locally. */
function imageOutput(image: string): string {
  return `type=docker,name=${image},compression=uncompressed,force-compression=true`;
}

/** Inputs and outputs of a step's Docker stage. */
export interface StepBuild {
  dockerStage: string;
  /** Folder with the Dockerfile, and its name if it is not `Dockerfile`. */
  folder: string;
  dockerfile?: string | undefined;
  /** Values of the named contexts: base images of the build platform and, if the stage runs there, of the target platform; input folder. */
  base: string;
  target?: string;
  inputs: string;
  output: string;
  /** Makes an image with this name and these labels instead of files, for the builder's own platform. */
  image?: { name: string; platform: string; labels: Readonly<Record<string, string>> };
  builder?: string | undefined;
  /** Rebuilds the stages in `fresh` instead of using the build cache. */
  noCache?: boolean;
  /** Stages of the Dockerfile that `noCache` rebuilds; by default `NAME-run`. */
  fresh?: readonly string[] | undefined;
  /** Build arguments in addition to the step's own. */
  args?: Readonly<Record<string, string>>;
  /** As in `BuildxBuild`. */
  inherited?: readonly string[];
  cache?: BuildCache | undefined;
}

/** The buildx call for a step's Docker stage, which a run performs and a dry run prints. */
export function stepCommand(step: PlannedStep, build: StepBuild): Command {
  return buildxCommand({
    context: build.folder,
    dockerfile: build.dockerfile,
    dockerStage: build.dockerStage,
    platform: build.image?.platform ?? `linux/${platformOf(step.arch).oci}`,
    contexts: {
      base: build.base,
      ...(build.target === undefined ? {} : { target: build.target }),
      inputs: build.inputs,
    },
    buildArgs: { ...step.buildArgs, ...build.args },
    inherited: build.inherited,
    cache: build.cache,
    ...(build.image === undefined
      ? { output: { folder: build.output } }
      : { output: { image: build.image.name }, labels: build.image.labels }),
    ...(build.builder === undefined ? {} : { builder: build.builder }),
    ...(build.noCache === true ? { fresh: build.fresh ?? [`${build.dockerStage}-run`] } : {}),
  });
}
