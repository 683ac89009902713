import { metricNamesIn, optionsOfElf } from '../../config/elf-options.ts';
import { OptionTableError } from '../../config/option-table.ts';
import { type CheckSelection, skippedBecause } from '../../plan/check-selection.ts';
import { targetOfStep } from '../../plan/index.ts';
import { platformOf } from '../../plan/platforms.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { ARCHIVE_FILE } from '../shared/archive.ts';
import { describeArtifacts, firstWords, workFolder } from '../shared/artifacts.ts';
import { collectBuildInputs } from '../shared/build-inputs.ts';
import { dockerContext, runBuildx } from '../shared/buildx.ts';
import { readyBase, type Stage, type StageContext } from '../shared/context.ts';
import { type Check, judgeAll } from './check.ts';
import { elfChecks } from './elf-checks.ts';
import { type ElfFile, type PackageFacts, parseFacts, parseSamples } from './facts.ts';
import { parseLabFacts, runLab } from './lab.ts';
import { labChecks } from './lab-checks.ts';
import { lifecycleChecks } from './lifecycle-checks.ts';
import { monitoringChecks } from './monitoring-checks.ts';
import { packageChecks } from './package-checks.ts';
import { sanitizerChecks } from './sanitizer-checks.ts';
import { serviceChecks } from './service-checks.ts';
import { trafficChecks } from './traffic-checks.ts';
import { upgradeChecks } from './upgrade-checks.ts';

/** SHA-256 of the sources of all checks (this folder, config and turn), put in by scripts/bundle.js. */
declare const CHECKS_DIGEST: string;

/** Every check of a .deb, in the order of the report. */
export const CHECKS: readonly Check[] = [
  ...elfChecks,
  ...packageChecks,
  ...monitoringChecks,
  ...lifecycleChecks,
  ...upgradeChecks,
  ...trafficChecks,
  ...labChecks,
  ...sanitizerChecks,
  ...serviceChecks,
];

/** The Docker stage whose facts each check judges. */
function partOf({ id }: Check): string {
  if ([...labChecks, ...sanitizerChecks, ...serviceChecks].some((check) => check.id === id)) return 'lab';
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
      packages: await files.digestFiles(context.dir, step.packages),
      build: isBuiltHere(step)
        ? await files.digestFiles(buildFolder(step, context), [
            'tools.tar',
            'options.txt',
            'features.txt',
            'metrics.txt',
          ])
        : 'none',
      recipe: await files.digestFiles(dockerContext(context, target.format)),
      checks: files.sha256Text(
        JSON.stringify([CHECKS_DIGEST, target.allowedLibraries, context.selection, context.full]),
      ),
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
    const [main, symbols] = step.packages;
    await files.copyInto(`${context.dir}/${main}`, `${inputs}/coturn.deb`);
    if (symbols !== undefined)
      await files.copyInto(`${context.dir}/${symbols}`, `${inputs}/coturn-dbgsym.deb`);
    if (isBuiltHere(step))
      await files.copyInto(`${buildFolder(step, context)}/tools.tar`, `${inputs}/tools.tar`);
    const parts = chosenParts(context.selection);
    // What a program can do is read off it.
    parts.add('inspect');
    for (const dockerStage of ['inspect', 'verify'].filter((name) => parts.has(name))) {
      const args: Record<string, string> = dockerStage === 'verify' ? { ATTEMPT: context.attempt } : {};
      await runBuildx(step, context, {
        dockerStage,
        format: target.format,
        inputs,
        output: `${work}/out/${dockerStage}`,
        args,
      });
      if (dockerStage === 'inspect') await readProgram(context, `${work}/out/inspect`);
    }
    if (parts.has('lab')) {
      await runLab(step, context, {
        format: target.format,
        inputs,
        output: `${work}/out/lab`,
        options: await optionsOf(step, context, `${work}/out/inspect`),
        sanitized: await compileSanitized(step, context, work),
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
      facts: { relayPorts: relayPortsOf(facts.inspected.configuration ?? '') },
    };
  },
};

/** The relay range of a configuration; coturn's own where it names none. */
function relayPortsOf(configuration: string): string {
  const port = (name: string, otherwise: number) =>
    new RegExp(`^${name}[ \\t]*=[ \\t]*(\\d+)`, 'm').exec(configuration)?.[1] ?? String(otherwise);
  return `${port('min-port', 49_152)}-${port('max-port', 65_535)}`;
}

/** Whether the package was built by this release, and not given as a file: then its source is known as well. */
function isBuiltHere(step: PlannedStep): boolean {
  return step.needs.some((need) => need.startsWith('build:'));
}

/** Whether a turnserver with AddressSanitizer goes into the laboratory as well. */
function sanitizes(step: PlannedStep): boolean {
  return step.dockerStages.includes('sanitize');
}

/** Compiles it of the sources, and with the toolchain, of the package. Returns where the program is; undefined if none is wanted. */
async function compileSanitized(
  step: PlannedStep,
  context: StageContext,
  work: string,
): Promise<string | undefined> {
  const wanted = sanitizerChecks.some(({ id }) => skippedBecause(id, context.selection) === undefined);
  if (!wanted || !sanitizes(step)) return undefined;
  const { files } = context.io;
  const inputs = `${work}/sources`;
  await collectBuildInputs(context, inputs);
  const archive = (await files.readText(`${buildFolder(step, context)}/${ARCHIVE_FILE}`)).trim();
  await runBuildx(step, context, {
    dockerStage: 'sanitize',
    format: targetOfStep(context.plan, step).format,
    inputs,
    output: `${work}/sanitized`,
    args: { ARCHIVE_STATE: archive },
  });
  return `${work}/sanitized/turnserver`;
}

function buildFolder(step: PlannedStep, context: StageContext): string {
  return `${context.dir}/build/${step.target}-${step.arch}`;
}

async function readFacts(step: PlannedStep, context: StageContext, output: string): Promise<PackageFacts> {
  const { files } = context.io;
  const target = targetOfStep(context.plan, step);
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
    rules: await optional(`${inspect}/coturn.rules.yml`),
    rulesTest: await optional(`${inspect}/coturn.rules.test.yml`),
    dashboard: await optional(`${inspect}/grafana-dashboard.json`),
    promtool: await optional(`${inspect}/promtool.txt`),
    debugIds: await optional(`${inspect}/debug-ids.txt`),
  };
  const built = isBuiltHere(step) ? buildFolder(step, context) : undefined;
  const names = await files.listFiles(used);
  const lab = await optional(`${context.dir}/${output}/lab/lab.json`);
  return {
    version: context.plan.coturn.version,
    packageVersion: step.packageVersion,
    target,
    platform: platformOf(step.arch),
    advisories: context.plan.advisories,
    metrics: context.plan.metrics,
    sourceMetrics: new Set(
      firstWords(
        await files.readText(built === undefined ? `${inspect}/metrics.txt` : `${built}/metrics.txt`),
      ),
    ),
    elf: await readElfFiles(context, `${inspect}/elf`),
    inspected: Object.fromEntries(
      Object.entries(inspected).filter(([, text]) => text !== undefined),
    ) as Record<string, string>,
    values: parseFacts((await optional(`${used}/facts.txt`)) ?? ''),
    files: new Map(
      await Promise.all(names.map(async (name) => [name, await files.readText(`${used}/${name}`)] as const)),
    ),
    handlesStop:
      built === undefined
        ? undefined
        : /^stop-signal yes$/m.test(await files.readText(`${built}/features.txt`)),
    lab: lab === undefined ? undefined : parseLabFacts(lab),
    options: await optionsOf(step, context, inspect),
    programOptions: new Set(firstWords((await optional(`${inspect}/options.txt`)) ?? '')),
    built: built !== undefined,
    sanitizes: sanitizes(step),
  };
}

/** Long options of the very turnserver: of its source where that is known, else of the program. */
async function optionsOf(step: PlannedStep, context: StageContext, inspect: string): Promise<Set<string>> {
  const file = `${isBuiltHere(step) ? buildFolder(step, context) : inspect}/options.txt`;
  return new Set(firstWords(await context.io.files.readText(file)));
}

/** Writes down what the program itself says, in the form in which a build does, and removes the copy of it. */
async function readProgram(context: StageContext, inspect: string): Promise<void> {
  const { files } = context.io;
  const file = `${inspect}/turnserver`;
  const program = (await files.exists(file)) ? await files.readBytes(file) : Buffer.alloc(0);
  await files.remove(file);
  await files.writeText(
    `${inspect}/options.txt`,
    optionsOrNone(program)
      .map((name) => `${name}\n`)
      .join(''),
  );
  await files.writeText(
    `${inspect}/metrics.txt`,
    metricNamesIn(program)
      .map((name) => `${name}\n`)
      .join(''),
  );
}

/** A program without a readable table has none; the check `elf.options` says so. */
function optionsOrNone(program: Buffer): string[] {
  try {
    return optionsOfElf(program).map(({ name }) => name);
  } catch (error) {
    if (error instanceof OptionTableError) return [];
    throw error;
  }
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
