import { TurnbuildError } from '../../errors.ts';
import { stepCommand } from '../../plan/buildx.ts';
import type { Command } from '../../plan/command.ts';
import { contextPaths, matching } from '../../plan/dockerfile.ts';
import { platformOf } from '../../plan/platforms.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { type CommandContext, type PlannedContext, readyBase, type StageContext } from './context.ts';
import { runCommand } from './run-command.ts';

/** Last lines of a failed build that go into the error. */
const TAIL_LINES = 25;

/** Bytes of facts and logs (a megabyte in practice), which their stages count before they hand them over; and of what is compiled and packed. */
export const MAX_FACTS = 256 * 1024 * 1024;
const MAX_FILES = 8 * 1024 ** 3;

/** The folder with the Dockerfile. */
function dockerFolder(context: Pick<PlannedContext, 'recipes'>): string {
  return `${context.recipes}/docker`;
}

/** Digests the Dockerfile, and the files beside it that a step's stages take by its build arguments. */
export async function digestRecipe(step: PlannedStep, context: PlannedContext): Promise<string> {
  const { files } = context.io;
  const folder = dockerFolder(context);
  const paths = contextPaths(await files.readText(`${folder}/Dockerfile`), step.dockerStages, step.buildArgs);
  return files.digestFiles(folder, ['Dockerfile', ...matching(await files.listFiles(folder), paths)]);
}

/** One Docker stage of a step. */
export interface DockerBuild {
  dockerStage: string;
  /** Folders. */
  inputs: string;
  output: string;
  /** Name of the image that the stage becomes, instead of files. */
  image?: string;
  args?: Readonly<Record<string, string>>;
  /** Stages of the Dockerfile that `--no-cache` makes anew; `NAME-run` without it. What two share is the first one's: packaging finds the build's toolchain. */
  fresh?: readonly string[];
  /** It runs in the root of the target, too. */
  inTarget?: boolean;
  /** The package itself may have written what is exported: facts and logs. */
  fromPackage?: boolean;
}

/** The command that builds one Docker stage of a step. */
export function dockerCommand(step: PlannedStep, context: CommandContext, build: DockerBuild): Command {
  const { image, inTarget, fromPackage, ...rest } = build;
  const limits = fromPackage === true ? { MAX_RESULTS: String(MAX_FACTS) } : {};
  const own = `linux/${platformOf(context.plan.compilesOn[step.arch]).oci}`;
  return stepCommand(step, {
    ...rest,
    args: { ...rest.args, ...limits },
    ...(image === undefined ? {} : { image: { name: image, platform: own } }),
    folder: dockerFolder(context),
    base: readyBase(context, step.base).context,
    ...(inTarget === true ? { target: readyBase(context, step.targetBase).context } : {}),
    builder: context.builder,
    noCache: context.noCache,
    inherited: context.io.proxiesForBuilds(),
  });
}

/**
 * Builds one Dockerfile stage and exports its files into `output`.
 * @throws the error that the build's own script reported (`turnbuild-error: CODE: message`), or what went wrong around it
 */
export async function runBuildx(step: PlannedStep, context: StageContext, build: DockerBuild): Promise<void> {
  const command = dockerCommand(step, context, build);
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    context.onLine(line);
  };
  const result = await runCommand(context, command, { onLine, signal: context.io.signal });
  if (result.code !== 0) throw buildError(step.id, lines);
  if (build.image === undefined)
    await context.io.files.requirePlainFiles(
      build.output,
      build.fromPackage === true ? MAX_FACTS : MAX_FILES,
    );
}

/** Reads the reason out of what buildx printed. Exported for its test. */
export function buildError(id: string, lines: readonly string[]): TurnbuildError {
  const text = lines.map((line) => line.replace(/^#\d+ (\d+\.\d+ )?/, ''));
  const tail = text
    .filter((line) => line.trim() !== '')
    .slice(-TAIL_LINES)
    .join('\n');
  const own = text
    .map((line) => /turnbuild-error: ([A-Z_]+): (.*)$/.exec(line))
    .find((match) => match !== null);
  if (own?.[1] !== undefined) {
    const before = text
      .slice(
        0,
        text.findIndex((line) => line.includes('turnbuild-error:')),
      )
      // buildx's own words say nothing about the reason.
      .filter((line) => !/^(DONE|CACHED)\b|^\[.*\d\/\d\]|^\s*$/.test(line))
      .slice(-TAIL_LINES);
    return new TurnbuildError(own[1], `${own[2] ?? ''}\n${before.join('\n')}`, {
      hint: HINTS[own[1]] ?? "The whole output is in the step's log.",
    });
  }
  for (const [pattern, code, message, hint] of KNOWN_FAILURES) {
    if (lines.some((line) => pattern.test(line)))
      return new TurnbuildError(code, `${id}: ${message}\n${tail}`, { hint });
  }
  return new TurnbuildError('BUILD_FAILED', `${id}: the build failed\n${tail}`, {
    hint: "The whole output is in the step's log.",
  });
}

const HINTS: Record<string, string> = {
  PATCH_FAILED:
    'The patch is for other versions: narrow its range in patches/compatibility.yaml, or refresh it.',
  PROMETHEUS_MISSING: 'A package without Prometheus is never made. See which library configure did not find.',
  GLIBC_TOO_NEW:
    'A library that is linked in, or a flag of the compiler, brings it: give the program its own function, or raise glibc in the recipe.',
  STATIC_LIBRARY_MISSING:
    'Add the package that has it to `libraries`, or take the name out of `staticLibraries.names`.',
  LIBRARY_UNKNOWN: 'What a package needs has to be known, for its bill of materials.',
  LICENSE_UNKNOWN: 'Add it with its SPDX name, or leave the library out.',
  SYSROOT_FAILED:
    "Are all of the recipe's `libraries` in its repositories, and is the key of each among its `keys`? The whole output is in the step's log.",
  KEYS_MISSING: 'On Debian 13 distribution-gpg-keys has those of most distributions.',
  DISTRIBUTION_UNKNOWN: 'Distributions of rpms have it in system-release.',
  SPEC_FAILED: 'The line is of the rendered recipes/packaging/rpm/coturn.spec.',
  COMPILE_FAILED: "The compiler's first error is in the step's log.",
  REPOSITORY_FAILED:
    'Run the same command again: finished steps are kept. --no-cache makes the root and its repository anew.',
  REPOSITORY_CHANGED:
    'If its mirror has just been updated, run the same command again. Otherwise the mirror does not show the same to everybody: use another --mirror.',
  ROOT_FAILED: "The whole output is in the step's log. --no-cache makes the root anew.",
  VERIFY_PORT_IN_USE:
    'Stop what listens there, or use a builder whose containers have a network of their own.',
  RESULT_UNSAFE: 'The package may be hostile: look into it before you go on.',
  LAB_FILES_LIMITED:
    'Raise `default-ulimits` (nofile) in the configuration of the Docker engine. Without --full it takes 3,500.',
  LAB_NO_NAMESPACES:
    'The engine must let a container make network namespaces and join them: NET_ADMIN, SYS_ADMIN, and the kernel module veth.',
  NATIVE_TOOLS_FAILED: '--refresh-base makes the roots of both architectures anew, of the same packages.',
  NETWORK_FAILED: "Check the builder's network, then run the same command again: finished steps are kept.",
};

/** What QEMU before 6.0 says of the processor that plan/platforms.ts names. */
export const QEMU_TOO_OLD = /pauth-impdef.* not found/;

const KNOWN_FAILURES: [RegExp, string, string, string][] = [
  [
    /no space left on device/i,
    'DISK_FULL',
    "no space left on the builder's disk",
    'Free some space (docker buildx prune) and run the same command again: finished steps are kept.',
  ],
  [
    /exec format error/i,
    'PLATFORM_UNSUPPORTED',
    'the builder cannot run programs of this architecture',
    'Run `turnbuild doctor --fix` to register QEMU, or use a --builder with a native node.',
  ],
  [
    QEMU_TOO_OLD,
    'QEMU_TOO_OLD',
    'the QEMU that runs programs of this architecture is older than 6.0',
    'Update qemu-user-static on the machine of the builder, or use a --builder with a native node.',
  ],
  [/no builder .* found/i, 'BUILDER_UNKNOWN', 'there is no such builder', 'See `docker buildx ls`.'],
  [
    /cannot connect to the docker daemon|error during connect|connection refused.*docker/i,
    'DOCKER_UNAVAILABLE',
    'no Docker engine answers',
    'Run `turnbuild doctor --fix`.',
  ],
  [
    /permission denied.*docker.*sock/i,
    'DOCKER_REFUSED',
    'the Docker engine refuses this user',
    'Add the user to the group docker, or use sudo.',
  ],
  [
    /could not resolve|temporary failure resolving|failed to fetch/i,
    'NETWORK_FAILED',
    'the package archive could not be reached from the builder',
    "Check the builder's network, then run the same command again: finished steps are kept.",
  ],
];
