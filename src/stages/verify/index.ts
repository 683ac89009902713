import { recordedSamples } from '../../checks/facts.ts';
import { CHECKS, runsOf } from '../../checks/index.ts';
import { judgeAll } from '../../checks/judge.ts';
import { relayRangeOf } from '../../checks/relay-range.ts';
import { targetOfStep } from '../../plan/index.ts';
import { buildFolder, describeArtifacts, workFolder } from '../shared/artifacts.ts';
import { digestRecipe } from '../shared/buildx.ts';
import { readyBase, type Stage } from '../shared/context.ts';
import { commandsOf, gather } from './gather.ts';
import { isBuiltHere } from './package.ts';
import { readFacts } from './read-facts.ts';

/** Inspects a package, installs it in a clean root, uses it, and judges the observations. */
export const verify: Stage = {
  kind: 'docker',

  async planned(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    return {
      args: files.sha256Text(JSON.stringify([step.buildArgs, step.dockerStages])),
      recipe: await digestRecipe(step, context),
      checks: files.sha256Text(JSON.stringify([target.allowedLibraries, context.selection, context.full])),
      lab: await files.sha256File(context.labProgram),
      known: files.sha256Text(
        JSON.stringify([context.plan.metrics, context.plan.deviations, context.plan.advisories]),
      ),
    };
  },

  async inputs(step, context) {
    const { files } = context.io;
    return {
      packages: await files.digestFiles(context.dir, step.packages),
      build: isBuiltHere(step)
        ? await files.digestFiles(buildFolder(step, context), [
            'tools.tar',
            'options.txt',
            'features.txt',
            'metrics.txt',
          ])
        : 'none',
      base: readyBase(context, step.base).digest,
      target: readyBase(context, step.targetBase).digest,
    };
  },

  commands: (step, context, found) =>
    commandsOf({ step, context, runs: runsOf(step, context), found }, context),

  async perform(step, context) {
    const { files } = context.io;
    const work = await workFolder(context, step);
    await gather(step, context, runsOf(step, context));
    const [output] = step.outputs as [string];
    await files.moveInto(`${work}/out`, `${context.dir}/${output}`);
    const facts = await readFacts(step, context, output);
    const paths = (await files.listFiles(`${context.dir}/${output}`)).map((path) => `${output}/${path}`);
    return {
      outputs: await describeArtifacts(context, step, paths, () => 'verify'),
      checks: judgeAll(CHECKS, facts, context.selection),
      metrics: recordedSamples(facts.lab?.sessions.after ?? ''),
      facts: { relayPorts: relayRangeOf(facts.inspected.configuration ?? '').join('-') },
    };
  },
};
