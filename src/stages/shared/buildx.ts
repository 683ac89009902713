import { stepCommand } from '../../plan/buildx.ts';
import type { Command } from '../../plan/command.ts';
import { contextPaths, matching } from '../../plan/dockerfile.ts';
import { labLabels } from '../../plan/lab.ts';
import { platformOf } from '../../plan/platforms.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { BUILDER_DISK, buildError } from './build-error.ts';
import { type CommandContext, type PlannedContext, readyBase, type StageContext } from './context.ts';
import { diskFull } from './machine-error.ts';
import { runCommand } from './run-command.ts';

/** Limits in bytes: for facts and logs (a megabyte in practice; their stages check it before exporting), and for compiled and packed files. */
export const MAX_FACTS = 256 * 1024 * 1024;
const MAX_FILES = 8 * 1024 ** 3;

/** The folder with the Dockerfile. */
function dockerFolder(context: Pick<PlannedContext, 'recipes'>): string {
  return `${context.recipes}/docker`;
}

/** Digests a Dockerfile and the files beside it that a step's stages use with its build arguments. */
export async function digestRecipe(
  step: PlannedStep,
  context: PlannedContext,
  dockerfile = 'Dockerfile',
): Promise<string> {
  const { files } = context.io;
  const folder = dockerFolder(context);
  const paths = contextPaths(
    await files.readText(`${folder}/${dockerfile}`),
    step.dockerStages,
    step.buildArgs,
  );
  return files.digestFiles(folder, [dockerfile, ...matching(await files.listFiles(folder), paths)]);
}

/** One Docker stage of a step. */
export interface DockerBuild {
  dockerStage: string;
  /** Name of the Dockerfile, if it is not `Dockerfile`. */
  dockerfile?: string;
  /** Folders. */
  inputs: string;
  output: string;
  /** Name of the image that the stage becomes, instead of files. */
  image?: string;
  args?: Readonly<Record<string, string>>;
  /**
   * Stages of the Dockerfile that `--no-cache` rebuilds; by default `NAME-run`. The first step rebuilds shared stages: packaging reuses the
   * build's toolchain.
   */
  fresh?: readonly string[];
  /** The stage uses the caches outside the builder. */
  cached?: true;
  /** The stage also runs programs in the target's root. */
  inTarget?: boolean;
  /** The package may have written the exported facts and logs, so they are untrusted. */
  fromPackage?: boolean;
}

/** The command that builds one Docker stage of a step. */
export function dockerCommand(step: PlannedStep, context: CommandContext, build: DockerBuild): Command {
  const { image, inTarget, fromPackage, cached, ...rest } = build;
  const limits = fromPackage === true ? { MAX_RESULTS: String(MAX_FACTS) } : {};
  const own = `linux/${platformOf(context.plan.compilesOn[step.arch]).oci}`;
  return stepCommand(step, {
    ...rest,
    args: { ...rest.args, ...limits },
    ...(image === undefined
      ? {}
      : { image: { name: image, platform: own, labels: labLabels(context.io.leftovers.owner()) } }),
    folder: dockerFolder(context),
    base: readyBase(context, step.base).context,
    ...(inTarget === true ? { target: readyBase(context, step.targetBase).context } : {}),
    builder: context.builder,
    noCache: context.noCache,
    ...(cached === true ? { cache: context.buildCache } : {}),
    inherited: context.io.proxiesForBuilds(),
  });
}

/**
 * Builds one Dockerfile stage and exports its files into `output`.
 * @throws the error reported by the build's script (`turnbuild-error: CODE: message`), or by its environment
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
  // A verification goes on after an error of the package manager, which may be the package's fault. A full disk is not.
  const full = build.inTarget === true ? diskFull(step.id, lines, BUILDER_DISK) : undefined;
  if (full !== undefined) throw full;
  if (build.image === undefined)
    await context.io.files.requirePlainFiles(
      build.output,
      build.fromPackage === true ? MAX_FACTS : MAX_FILES,
    );
}
