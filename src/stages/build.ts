import { TurnbuildError } from '../errors.ts';
import { targetOfStep } from '../plan/index.ts';
import type { PlannedStep } from '../plan/types.ts';
import { ARCHIVE_FILE, combinedState, lastKnown, repositoryArgs } from './shared/archive.ts';
import { describeArtifacts, featuresIn, sourceFile, workFolder, workPath } from './shared/artifacts.ts';
import { collectBuildInputs, digestBuildInputs } from './shared/build-inputs.ts';
import { type DockerBuild, digestRecipe, dockerCommand, runBuildx } from './shared/buildx.ts';
import { type Found, readyBase, type Stage } from './shared/context.ts';

/** Compiles coturn for one target and architecture. Exports the installed tree, debug symbols, options and features. */
export const build: Stage = {
  kind: 'docker',

  async planned(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    return {
      args: files.sha256Text(JSON.stringify([step.buildArgs, target.features])),
      ...(await digestBuildInputs(context)),
      recipe: await digestRecipe(step, context),
    };
  },

  async inputs(step, context) {
    return {
      tarball: await context.io.files.sha256File(sourceFile(context)),
      base: readyBase(context, step.base).digest,
    };
  },

  commands: (step, context, found) => [dockerCommand(step, context, buildOf(step, context, found))],

  async perform(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    const work = await workFolder(context, step);
    await collectBuildInputs(context, `${work}/inputs`);
    const suites = new Set((target.staticLibraries?.sources ?? []).map(({ suite }) => suite));
    suites.delete(target.suite);
    const origins = [target, ...[...suites].map((suite) => ({ suite }))];
    const { sysroot } = target;
    const states = [
      ...origins.map(context.archive),
      ...(sysroot === undefined ? [] : [context.repositories(sysroot, step.arch).state()]),
    ];
    const archive = combinedState(await Promise.all(states), files.sha256Text);
    if (archive?.unreachable !== undefined) context.onLine(lastKnown(archive, archive.unreachable));
    const unsigned = (sysroot?.repositories ?? []).filter(({ signed }) => signed !== true);
    if (unsigned.length > 0)
      context.onLine(
        `turnbuild: unsigned metadata: ${unsigned.map(({ path }) => path).join(', ')}. A mirror could withhold updates unnoticed`,
      );
    const repositories = await repositoryArgs(target, step.arch, context.repositories);
    await runBuildx(step, context, buildOf(step, context, { archive: archive?.id ?? '', repositories }));
    await files.writeText(`${work}/out/${ARCHIVE_FILE}`, `${archive?.id ?? ''}\n`);
    const features = featuresIn(await files.readText(`${work}/out/features.txt`));
    const missing = target.features.filter((name) => !features.has(name));
    if (missing.length > 0) {
      throw new TurnbuildError(
        'FEATURE_MISSING',
        `turnserver for ${step.target} on ${step.arch} lacks ${missing.join(', ')}`,
        {
          hint: `The recipe of ${step.target} requires it. The step's log shows what configure found.`,
        },
      );
    }
    const [output] = step.outputs as [string];
    await files.moveInto(`${work}/out`, `${context.dir}/${output}`);
    const linked = `${context.dir}/${output}/linked.txt`;
    const paths = (await files.listFiles(`${context.dir}/${output}`)).map((path) => `${output}/${path}`);
    return {
      outputs: await describeArtifacts(context, step, paths, () => 'build'),
      facts: {
        compiler: (await files.readText(`${context.dir}/${output}/compiler.txt`)).trim(),
        features: [...features],
        ...(archive === undefined ? {} : { archive: archive.suites }),
        toolchain: (await files.readText(`${context.dir}/${output}/packages.txt`)).trim().split('\n'),
        // Statically linked libraries: source package, version, suite.
        ...((await files.exists(linked))
          ? { linked: (await files.readText(linked)).trim().split('\n') }
          : {}),
        patches: context.plan.needs.reasons,
      },
    };
  },
};

/** Dockerfile stages that --no-cache rebuilds. */
const FRESH = ['compiler', 'toolchain', 'static-libraries', 'sysroot', 'build-run'];

function buildOf(step: PlannedStep, context: { dir: string }, { archive, repositories }: Found): DockerBuild {
  const work = workPath(context, step);
  const args = { ARCHIVE_STATE: archive, ...repositories };
  // Only compilations: the toolchain takes longest, and a second build with the same cache would replace the first one's.
  const files = { inputs: `${work}/inputs`, output: `${work}/out` };
  return { dockerStage: 'build', ...files, args, fresh: FRESH, cached: true };
}
