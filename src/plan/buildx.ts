import type { Command } from './command.ts';

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
