import type { Runs } from '../../checks/needs.ts';
import { kindOfPackageFile } from '../../manifest/package-kinds.ts';
import type { Artifact } from '../../manifest/schema.ts';
import type { Command } from '../../plan/command.ts';
import { targetOfStep } from '../../plan/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { ARCHIVE_FILE, repositoryArgs } from '../shared/archive.ts';
import { buildFolder } from '../shared/artifacts.ts';
import { collectBuildInputs } from '../shared/build-inputs.ts';
import { type DockerBuild, dockerCommand, runBuildx } from '../shared/buildx.ts';
import type { CommandContext, Found, StageContext } from '../shared/context.ts';
import { chosenBuilds, inputsOf, type Verification } from './builds.ts';
import { labCommands, runLab } from './lab.ts';
import { isBuiltHere, optionsOf, programFeatures, sanitizes } from './package.ts';
import { readProgram } from './program.ts';

/**
 * Inspects a package, then installs and uses it in a root of its target and in the laboratory. These two are independent and run in
 * parallel if `--jobs` allows. Runs only the parts that selected checks need. Observations are in WORK/out.
 */
export async function gather(step: PlannedStep, context: StageContext, runs: Runs): Promise<void> {
  const verification: Verification = { step, context, runs, found: await find(step, context, runs) };
  await collectPackage(step, context, inputsOf(verification));
  const { inspect, use, sanitize, lab } = chosenBuilds(verification);
  await runBuildx(step, context, inspect);
  await readProgram(context, inspect.output);
  const works: ((within: StageContext) => Promise<void>)[] = [];
  if (use !== undefined) works.push((within) => runBuildx(step, within, use));
  const can = await programFeatures(context, inspect.output);
  const tryOut = async (within: StageContext) =>
    runLab(verification, within, {
      options: await optionsOf(step, context, inspect.output),
      drains: can.has('drain'),
      reloads: can.has('reload'),
      sanitized: sanitize === undefined ? undefined : await compileSanitized(step, within, sanitize),
    });
  if (lab) works.push(tryOut);
  await together(step, context, works);
}

/** The commands of a verification, in starting order. */
export function commandsOf(verification: Verification, context: CommandContext): Command[] {
  const { inspect, use, sanitize, lab } = chosenBuilds(verification);
  const builds = [inspect, use, sanitize].filter((build) => build !== undefined);
  return [
    ...builds.map((build) => dockerCommand(verification.step, context, build)),
    ...(lab ? labCommands(verification, context) : []),
  ];
}

/**
 * Does several pieces of work in parallel, within the limit of `--jobs`. The first failure aborts the others and is thrown. Exported for
 * its test.
 */
export async function together(
  step: PlannedStep,
  context: StageContext,
  works: readonly ((within: StageContext) => Promise<void>)[],
): Promise<void> {
  const others = new AbortController();
  const signal = AbortSignal.any([context.io.signal, others.signal]);
  const within = { ...context, io: { ...context.io, signal } };
  const errors: unknown[] = [];
  const attempt = async (work: (within: StageContext) => Promise<void>) => {
    // Another piece may have failed while this one waited for its turn.
    if (others.signal.aborted) return;
    await work(within).catch((error: unknown) => {
      errors.push(error);
      others.abort();
    });
  };
  await Promise.all(works.map((work) => context.piece(step, () => attempt(work))));
  if (errors.length > 0) throw errors[0];
}

/** Values for the commands that only a real run knows. */
async function find(step: PlannedStep, context: StageContext, { scenarios }: Runs): Promise<Found> {
  const asked = step.rpmRoot === 'installed' || (scenarios.includes('sanitized') && sanitizes(step));
  const target = targetOfStep(context.plan, step);
  return {
    // The state of the archive that the package's toolchain came from.
    archive: isBuiltHere(step)
      ? (await context.io.files.readText(`${buildFolder(step, context)}/${ARCHIVE_FILE}`)).trim()
      : '',
    repositories: asked ? await repositoryArgs(target, step.arch, context.repositories) : {},
  };
}

/** File names during verification, by the kind of package file. */
const INPUT_NAMES: Partial<Record<Artifact['kind'], string>> = {
  deb: 'coturn.deb',
  'deb-dbgsym': 'coturn-dbgsym.deb',
  rpm: 'coturn.rpm',
  'rpm-debuginfo': 'coturn-debuginfo.rpm',
  tarball: 'coturn.tar.gz',
};

async function collectPackage(step: PlannedStep, context: StageContext, inputs: string): Promise<void> {
  const { files } = context.io;
  for (const name of step.packages) {
    const as = INPUT_NAMES[kindOfPackageFile(name)];
    if (as !== undefined) await files.copyInto(`${context.dir}/${name}`, `${inputs}/${as}`);
  }
  if (isBuiltHere(step))
    await files.copyInto(`${buildFolder(step, context)}/tools.tar`, `${inputs}/tools.tar`);
}

/** Compiles turnserver with AddressSanitizer. Returns the program's path. */
async function compileSanitized(
  step: PlannedStep,
  context: StageContext,
  build: DockerBuild,
): Promise<string> {
  await collectBuildInputs(context, build.inputs);
  await runBuildx(step, context, build);
  return `${build.output}/turnserver`;
}
