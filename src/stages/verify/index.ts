import { targetOfStep } from '../../plan/index.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { describeArtifacts, workFolder } from '../shared/artifacts.ts';
import { dockerContext } from '../shared/buildx.ts';
import { readyBase, type Stage, type StageContext } from '../shared/context.ts';
import type { Check } from './check.ts';
import { elfChecks } from './elf-checks.ts';
import { parseSamples } from './facts.ts';
import { gather } from './gather.ts';
import { judgeAll } from './judge.ts';
import { labChecks } from './lab-checks.ts';
import { lifecycleChecks } from './lifecycle-checks.ts';
import { monitoringChecks } from './monitoring-checks.ts';
import { type Runs, runsFor } from './needs.ts';
import { packageChecks } from './package-checks.ts';
import { readFacts } from './read-facts.ts';
import { relayRangeOf } from './relay-range.ts';
import { rpmChecks, tarballChecks } from './rpm-checks.ts';
import { sanitizerChecks } from './sanitizer-checks.ts';
import { sbomChecks } from './sbom-checks.ts';
import { serviceChecks } from './service-checks.ts';
import { trafficChecks } from './traffic-checks.ts';
import { upgradeChecks } from './upgrade-checks.ts';
import { buildFolder, isBuiltHere } from './what-is-known.ts';

/** SHA-256 of the sources of all checks (this folder, config and turn), put in by scripts/bundle.js. */
declare const CHECKS_DIGEST: string;

/** Every check of a package, in the order of the report. Some are for one format only. */
export const CHECKS: readonly Check[] = [
  ...elfChecks,
  ...packageChecks,
  ...sbomChecks,
  ...monitoringChecks,
  ...lifecycleChecks,
  ...upgradeChecks,
  ...rpmChecks,
  ...tarballChecks,
  ...trafficChecks,
  ...labChecks,
  ...sanitizerChecks,
  ...serviceChecks,
];

/** What the chosen checks of such a package need. */
export function runsOf(
  step: PlannedStep,
  { plan, selection }: Pick<StageContext, 'plan' | 'selection'>,
): Runs {
  const target = targetOfStep(plan, step);
  return runsFor(
    CHECKS.filter(({ applies }) => applies?.(target) ?? true),
    selection,
  );
}

/** Inspects a package, installs it in a clean root, uses it, and judges what was seen. */
export const verify: Stage = {
  async planned(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    return {
      args: files.sha256Text(JSON.stringify([step.buildArgs, step.dockerStages])),
      recipe: await files.digestFiles(dockerContext(context)),
      checks: files.sha256Text(
        JSON.stringify([CHECKS_DIGEST, target.allowedLibraries, context.selection, context.full]),
      ),
      lab: await files.sha256File(context.labProgram),
      known: files.sha256Text(JSON.stringify([context.plan.metrics, context.plan.advisories])),
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

  async perform(step, context) {
    const { files } = context.io;
    const work = await workFolder(context, step);
    await gather(step, context, work, runsOf(step, context));
    const [output] = step.outputs as [string];
    await files.moveInto(`${work}/out`, `${context.dir}/${output}`);
    const facts = await readFacts(step, context, output);
    const paths = (await files.listFiles(`${context.dir}/${output}`)).map((path) => `${output}/${path}`);
    return {
      outputs: await describeArtifacts(context, step, paths, () => 'verify'),
      checks: judgeAll(CHECKS, facts, context.selection),
      metrics: Object.fromEntries(parseSamples(facts.lab?.sessions.after ?? '')),
      facts: { relayPorts: relayRangeOf(facts.inspected.configuration ?? '').join('-') },
    };
  },
};
