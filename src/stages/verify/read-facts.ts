import { type ElfFile, type PackageFacts, parseFacts } from '../../checks/facts.ts';
import { kindOfPackageFile } from '../../manifest/package-kinds.ts';
import { targetOfStep } from '../../plan/index.ts';
import { platformOf } from '../../plan/platforms.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { buildFolder, featuresIn, firstWords } from '../shared/artifacts.ts';
import type { StageContext } from '../shared/context.ts';
import { parseLabFacts } from './lab.ts';
import { isBuiltHere, optionsOf, programFeatures, sanitizes } from './package.ts';

/** Reads the facts about a package in the step's folder `output`. */
export async function readFacts(
  step: PlannedStep,
  context: StageContext,
  output: string,
): Promise<PackageFacts> {
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
    rpmlint: await optional(`${inspect}/rpmlint.txt`),
    rpmlintExit: await optional(`${inspect}/rpmlint-exit.txt`),
    requires: await optional(`${inspect}/requires.txt`),
    unread: await optional(`${inspect}/unread.txt`),
    systemd: await optional(`${inspect}/systemd.txt`),
    unit: await optional(`${inspect}/coturn.service`),
    units: await optional(`${inspect}/units.txt`),
    configuration: await optional(`${inspect}/turnserver.conf`),
    library: await optional(`${inspect}/library.txt`),
    tarballConfiguration: await optional(`${inspect}/tarball.conf`),
    rules: await optional(`${inspect}/coturn.rules.yml`),
    rulesTest: await optional(`${inspect}/coturn.rules.test.yml`),
    dashboard: await optional(`${inspect}/grafana-dashboard.json`),
    promtool: await optional(`${inspect}/promtool.txt`),
    openssl: await optional(`${inspect}/openssl.txt`),
    sbom: await optional(`${inspect}/coturn.cdx.json`),
    tarballSbom: await optional(`${inspect}/tarball.cdx.json`),
    ...(await documentsIn(context, `${inspect}/documents`)),
    ...(await sbomsBeside(step, context)),
    debugIds: await optional(`${inspect}/debug-ids.txt`),
  };
  const built = isBuiltHere(step) ? buildFolder(step, context) : undefined;
  const names = await files.listFiles(used);
  const can = await programFeatures(context, inspect);
  const lab = await optional(`${context.dir}/${output}/lab/lab.json`);
  return {
    version: context.plan.coturn.version,
    packageVersion: step.packageVersion,
    target,
    platform: platformOf(step.arch),
    advisories: context.plan.advisories,
    metrics: context.plan.metrics,
    deviations: context.plan.deviations,
    sourceMetrics: new Set(
      firstWords(
        await files.readText(built === undefined ? `${inspect}/metrics.txt` : `${built}/metrics.txt`),
      ),
    ),
    elf: await readElfFiles(context, `${inspect}/elf`),
    tarballElf: await readElfFiles(context, `${inspect}/tarball-elf`),
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
        : featuresIn(await files.readText(`${built}/features.txt`)).has('stop-signal'),
    drains: can.has('drain'),
    reloads: can.has('reload'),
    hasMicrohttpd: can.has('microhttpd'),
    lab: lab === undefined ? undefined : parseLabFacts(lab),
    options: await optionsOf(step, context, inspect),
    programOptions: new Set(firstWords((await optional(`${inspect}/options.txt`)) ?? '')),
    built: built !== undefined,
    sanitizes: sanitizes(step),
  };
}

/** `document:NAME` -> text, from the folder written by inspection.sh. */
async function documentsIn({ io }: StageContext, dir: string): Promise<Record<string, string>> {
  const names = await io.files.listFiles(dir);
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [`document:${name}`, await io.files.readText(`${dir}/${name}`)] as const),
    ),
  );
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
        versions: await read('versions'),
        segments: await read('segments'),
        notes: await read('notes'),
      };
    }),
  );
}

/** The bills of materials beside the packages. */
async function sbomsBeside(
  { packages }: PlannedStep,
  { io, dir }: StageContext,
): Promise<{ sbomBeside?: string; tarballSbomBeside?: string }> {
  const read = async (name: string) => io.files.readText(`${dir}/${name}`);
  const all = packages.filter((name) => kindOfPackageFile(name) === 'sbom');
  const tarball = all.find((name) => name.includes('.tar.gz'));
  const main = all.find((name) => name !== tarball);
  return {
    ...(main === undefined ? {} : { sbomBeside: await read(main) }),
    ...(tarball === undefined ? {} : { tarballSbomBeside: await read(tarball) }),
  };
}
