import { type CheckSelection, skippedBecause } from '../../plan/check-selection.ts';
import { targetOfStep } from '../../plan/index.ts';
import { debVersion } from '../../plan/package-version.ts';
import { platformOf } from '../../plan/platforms.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { describeArtifacts, firstWords, workFolder } from '../shared/artifacts.ts';
import { dockerContext, runBuildx } from '../shared/buildx.ts';
import { readyBase, type Stage, type StageContext } from '../shared/context.ts';
import { type Check, judgeAll } from './check.ts';
import { elfChecks } from './elf-checks.ts';
import { type ElfFile, type PackageFacts, parseFacts, parseSamples } from './facts.ts';
import { parseLabFacts, runLab } from './lab.ts';
import { labChecks } from './lab-checks.ts';
import { packageChecks } from './package-checks.ts';
import { trafficChecks } from './traffic-checks.ts';

/** SHA-256 of the sources of all checks (this folder, config and turn), put in by scripts/bundle.js. */
declare const CHECKS_DIGEST: string;

/** Every check of a .deb, in the order of the report. */
export const CHECKS: readonly Check[] = [...elfChecks, ...packageChecks, ...trafficChecks, ...labChecks];

/** The Docker stage whose facts each check judges. */
function partOf({ id }: Check): string {
  if (labChecks.some((check) => check.id === id)) return 'lab';
  return id.startsWith('elf.') || id.startsWith('package.') ? 'inspect' : 'verify';
}

/** The Docker stages that the chosen checks need. */
function chosenParts(selection: CheckSelection): Set<string> {
  return new Set(CHECKS.filter(({ id }) => skippedBecause(id, selection) === undefined).map(partOf));
}

/** Inspects a package, installs it in a clean root, uses it, and judges what was seen. */
export const verify: Stage = {
  async inputs(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    return {
      packages: await files.digestFiles(context.dir, packagesOf(step, context)),
      build: await files.digestFiles(`${context.dir}/build/${step.target}-${step.arch}`, [
        'tools.tar',
        'options.txt',
        'features.txt',
        'metrics.txt',
      ]),
      recipe: await files.digestFiles(dockerContext(context, target.format)),
      checks: files.sha256Text(JSON.stringify([CHECKS_DIGEST, target.allowedLibraries, context.selection])),
      lab: await files.sha256File(context.labProgram),
      known: files.sha256Text(JSON.stringify([context.plan.metrics, context.plan.advisories])),
      base: readyBase(context, step.base).digest,
      target: readyBase(context, step.targetBase).digest,
    };
  },

  async perform(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    const work = await workFolder(context, step);
    const inputs = `${work}/inputs`;
    const [main, symbols] = packagesOf(step, context) as [string, string];
    await files.copyInto(`${context.dir}/${main}`, `${inputs}/coturn.deb`);
    await files.copyInto(`${context.dir}/${symbols}`, `${inputs}/coturn-dbgsym.deb`);
    await files.copyInto(`${context.dir}/build/${step.target}-${step.arch}/tools.tar`, `${inputs}/tools.tar`);
    const parts = chosenParts(context.selection);
    for (const dockerStage of step.dockerStages.filter((name) => name !== 'lab' && parts.has(name))) {
      const args: Record<string, string> = dockerStage === 'verify' ? { ATTEMPT: context.attempt } : {};
      await runBuildx(step, context, {
        dockerStage,
        format: target.format,
        inputs,
        output: `${work}/out/${dockerStage}`,
        args,
      });
    }
    const options = await files.readText(`${context.dir}/build/${step.target}-${step.arch}/options.txt`);
    if (parts.has('lab')) {
      await runLab(step, context, {
        format: target.format,
        inputs,
        output: `${work}/out/lab`,
        options: new Set(firstWords(options)),
      });
    }
    const [output] = step.outputs as [string];
    await files.moveInto(`${work}/out`, `${context.dir}/${output}`);
    const facts = await readFacts(step, context, output);
    const paths = (await files.listFiles(`${context.dir}/${output}`)).map((path) => `${output}/${path}`);
    return {
      outputs: await describeArtifacts(context, step, paths, () => 'verify'),
      checks: judgeAll(CHECKS, facts, context.selection),
      metrics: Object.fromEntries(parseSamples(facts.files.get('long-term.after.metrics') ?? '')),
    };
  },
};

function packagesOf(step: PlannedStep, context: StageContext): string[] {
  const id = `package:${step.target}:${step.arch}`;
  return context.plan.steps.find((each) => each.id === id)?.outputs ?? [];
}

async function readFacts(step: PlannedStep, context: StageContext, output: string): Promise<PackageFacts> {
  const { files } = context.io;
  const target = targetOfStep(context.plan, step);
  const { version, revision } = context.plan.coturn;
  const inspect = `${context.dir}/${output}/inspect`;
  const used = `${context.dir}/${output}/verify`;
  const optional = async (path: string) => ((await files.exists(path)) ? files.readText(path) : undefined);
  const inspected = {
    control: await optional(`${inspect}/control.txt`),
    contents: await optional(`${inspect}/contents.txt`),
    lintian: await optional(`${inspect}/lintian.txt`),
    lintianExit: await optional(`${inspect}/lintian-exit.txt`),
    systemd: await optional(`${inspect}/systemd.txt`),
    unit: await optional(`${inspect}/coturn.service`),
    configuration: await optional(`${inspect}/turnserver.conf`),
    debugIds: await optional(`${inspect}/debug-ids.txt`),
  };
  const options = await files.readText(`${context.dir}/build/${step.target}-${step.arch}/options.txt`);
  const names = await files.listFiles(used);
  const lab = await optional(`${context.dir}/${output}/lab/lab.json`);
  return {
    version,
    packageVersion: debVersion(version, revision, target.label),
    target,
    platform: platformOf(step.arch),
    advisories: context.plan.advisories,
    metrics: context.plan.metrics,
    sourceMetrics: new Set(
      firstWords(await files.readText(`${context.dir}/build/${step.target}-${step.arch}/metrics.txt`)),
    ),
    elf: await readElfFiles(context, `${inspect}/elf`),
    inspected: Object.fromEntries(
      Object.entries(inspected).filter(([, text]) => text !== undefined),
    ) as Record<string, string>,
    values: parseFacts((await optional(`${used}/facts.txt`)) ?? ''),
    files: new Map(
      await Promise.all(names.map(async (name) => [name, await files.readText(`${used}/${name}`)] as const)),
    ),
    handlesStop: /^stop-signal yes$/m.test(
      await files.readText(`${context.dir}/build/${step.target}-${step.arch}/features.txt`),
    ),
    lab: lab === undefined ? undefined : parseLabFacts(lab),
    options: new Set(firstWords(options)),
  };
}

async function readElfFiles(context: StageContext, dir: string): Promise<ElfFile[]> {
  const { files } = context.io;
  const numbers = (await files.listFiles(dir))
    .filter((name) => name.endsWith('.path'))
    .map((name) => name.replace(/\.path$/, ''));
  return Promise.all(
    numbers.map(async (number) => {
      const read = (kind: string) => files.readText(`${dir}/${number}.${kind}`);
      return {
        path: (await read('path')).trim(),
        header: await read('header'),
        dynamic: await read('dynamic'),
        symbols: await read('symbols'),
        segments: await read('segments'),
        notes: await read('notes'),
      };
    }),
  );
}
