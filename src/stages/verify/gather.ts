import type { Runs } from '../../checks/needs.ts';
import { kindOfPackageFile } from '../../manifest/package-kinds.ts';
import type { Artifact } from '../../manifest/schema.ts';
import { targetOfStep } from '../../plan/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { ARCHIVE_FILE, repositoryArgs } from '../shared/archive.ts';
import { collectBuildInputs } from '../shared/build-inputs.ts';
import { runBuildx } from '../shared/buildx.ts';
import type { StageContext } from '../shared/context.ts';
import { runLab } from './lab.ts';
import { readProgram } from './program.ts';
import { buildFolder, isBuiltHere, optionsOf, programFeatures, sanitizes } from './what-is-known.ts';

/**
 * Inspects a package, then installs and uses it in a root of its target, and in the laboratory: the two share nothing, and go side
 * by side where the machine has room for it. What nothing needs is not run. What they have seen is in WORK/out.
 */
export async function gather(
  step: PlannedStep,
  context: StageContext,
  work: string,
  { phases, scenarios }: Runs,
): Promise<void> {
  const inputs = `${work}/inputs`;
  await collectPackage(step, context, inputs);
  const root = await rootArgs(step, context);
  const run = (dockerStage: 'inspect' | 'verify', within: StageContext, args: Record<string, string> = {}) =>
    runBuildx(step, within, { dockerStage, inputs, output: `${work}/out/${dockerStage}`, args });
  // Whatever is chosen: what a program can do is read off it.
  await run('inspect', context);
  await readProgram(context, `${work}/out/inspect`);
  const use = (within: StageContext) =>
    run('verify', within, {
      ...root,
      ATTEMPT: context.attempt,
      ...phasesArgs({ phases }),
      ...networkArgs(context),
    });
  const tryOut = async (within: StageContext) =>
    runLab(step, within, {
      inputs,
      root,
      output: `${work}/out/lab`,
      options: await optionsOf(step, context, `${work}/out/inspect`),
      drains: (await programFeatures(context, `${work}/out/inspect`)).has('drain'),
      scenarios,
      sanitized: scenarios.includes('sanitized') ? await compileSanitized(step, within, work) : undefined,
    });
  await together(step, context, [
    ...(phases.length > 0 ? [use] : []),
    ...(scenarios.length > 0 ? [tryOut] : []),
  ]);
}

/** Build arguments that say what is done with a package. */
export const phasesArgs = ({ phases }: Pick<Runs, 'phases'>) => ({ PHASES: phases.join(' ') });

/** Build arguments that let verifications take turns where containers share a network; else each has a turn of its own. */
export const networkArgs = ({
  sharedNetwork,
}: Pick<StageContext, 'sharedNetwork'>): Record<string, string> =>
  sharedNetwork ? { NETWORK: 'shared' } : {};

/**
 * Does several things side by side, as far as the context lets it. The first one that fails ends the others, and is the error.
 * Exported for its test.
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
    // It may have waited for its turn.
    if (others.signal.aborted) return;
    await work(within).catch((error: unknown) => {
      errors.push(error);
      others.abort();
    });
  };
  await Promise.all(works.map((work) => context.piece(step, () => attempt(work))));
  if (errors.length > 0) throw errors[0];
}

/** Build arguments for a root that dnf fills from the distribution's repositories; none for other roots. */
async function rootArgs(step: PlannedStep, context: StageContext): Promise<Record<string, string>> {
  if (step.buildArgs.RPM_ROOT !== 'installed') return {};
  const target = targetOfStep(context.plan, step);
  return {
    ...(await repositoryArgs(target, step.arch, context.repositories)),
    ARCHIVE_STATE: isBuiltHere(step) ? await archiveOf(step, context) : '',
  };
}

/** Which state of the archive the package's toolchain is of. */
async function archiveOf(step: PlannedStep, context: StageContext): Promise<string> {
  return (await context.io.files.readText(`${buildFolder(step, context)}/${ARCHIVE_FILE}`)).trim();
}

/** What each kind of package file is called while it is verified. */
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

/** Compiles turnserver with AddressSanitizer, of the sources and with the toolchain of the package. Returns where the program is; undefined where it could not run. */
async function compileSanitized(
  step: PlannedStep,
  context: StageContext,
  work: string,
): Promise<string | undefined> {
  if (!sanitizes(step)) return undefined;
  const inputs = `${work}/sources`;
  await collectBuildInputs(context, inputs);
  await runBuildx(step, context, {
    dockerStage: 'sanitize',
    inputs,
    output: `${work}/sanitized`,
    args: {
      ARCHIVE_STATE: await archiveOf(step, context),
      ...(await repositoryArgs(targetOfStep(context.plan, step), step.arch, context.repositories)),
    },
  });
  return `${work}/sanitized/turnserver`;
}
