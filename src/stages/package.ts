import { type Exposure, type ExposureContext, exposureOf } from '../config/exposure.ts';
import { knownReading } from '../config/option-catalogue.ts';
import { parseOptionList } from '../config/option-table.ts';
import { kindOfPackageFile } from '../manifest/package-kinds.ts';
import { layoutDashboard } from '../packaging/dashboard.ts';
import { parseLinked, parseShared, renderSbom } from '../packaging/sbom.ts';
import { renderTemplate } from '../packaging/template.ts';
import { packagingValues } from '../packaging/values.ts';
import { matching } from '../plan/dockerfile.ts';
import { targetOfStep } from '../plan/index.ts';
import { packageLayout, TARBALL_LAYOUT } from '../plan/layout.ts';
import { sbomFile } from '../plan/package-version.ts';
import { platformOf } from '../plan/platforms.ts';
import type { PlannedStep } from '../plan/types.ts';
import { dashboardSchema } from '../recipe/monitoring.ts';
import { parseRecipeFile } from '../recipe/parse.ts';
import { ARCHIVE_FILE } from './shared/archive.ts';
import {
  buildFolder,
  describeArtifacts,
  featuresIn,
  firstWords,
  sourceFile,
  workFolder,
  workPath,
} from './shared/artifacts.ts';
import { collectBuildInputs, digestBuildInputs } from './shared/build-inputs.ts';
import { type DockerBuild, digestRecipe, dockerCommand, runBuildx } from './shared/buildx.ts';
import { type InputsContext, readyBase, type Stage } from './shared/context.ts';

/** Exports of the build stage that go into the packages unchanged. The last two exist only with static linking. */
const TREES = ['tree.tar', 'debug.tar', 'licenses.tar', 'sources.tar'];
/** Exports of the build stage that this stage reads. */
const BUILD_FILES = [
  ...TREES,
  ...['options.txt', 'metrics.txt', 'features.txt', 'packages.txt', 'linked.txt', 'libraries.txt'],
];
/** File name of the bill of materials in a package. */
const SBOM = 'coturn.cdx.json';
/** The configuration in the .deb or .rpm, and that in the tarball. */
const CONFIGURATION = 'turnserver.conf';
const TARBALL_CONFIGURATION = 'tarball/turnserver.conf';

/** Written in YAML, so that lines can depend on the version; shipped as JSON. */
const DASHBOARD = 'monitoring/grafana-dashboard.yaml';

/** Packages the build stage's exports, with packaging files rendered for exactly this turnserver. */
export const packageStage: Stage = {
  kind: 'docker',

  async planned(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    const packaging = `${context.recipes}/packaging`;
    // The selection decides which architecture makes the source package, which does not affect the other packages.
    const { SOURCE_RPM: _, ...args } = step.buildArgs;
    return {
      args: files.sha256Text(
        JSON.stringify([args, context.plan.coturn, context.plan.maintainer, context.plan.relay, target]),
      ),
      packaging: await files.digestFiles(
        packaging,
        matching(await files.listFiles(packaging), ['common/', `${target.format}/`]),
      ),
      recipe: await digestRecipe(step, context),
      ...(target.format === 'rpm' ? await digestBuildInputs(context) : {}),
    };
  },

  async inputs(step, context) {
    const { files } = context.io;
    return {
      build: await files.digestFiles(
        buildFolder(step, context),
        await presentIn(buildFolder(step, context), BUILD_FILES, context),
      ),
      sboms: files.sha256Text(JSON.stringify([...(await renderSboms(step, context))])),
      rendered: files.sha256Text(JSON.stringify([...(await renderPackaging(step, context))])),
      base: readyBase(context, step.base).digest,
      ...(hasSourcePackage(step) ? { tarball: await files.sha256File(sourceFile(context)) } : {}),
    };
  },

  commands: (step, context, { archive }) => [dockerCommand(step, context, buildOf(step, context, archive))],

  async perform(step, context) {
    const { files } = context.io;
    const work = await workFolder(context, step);
    const inputs = `${work}/inputs`;
    for (const name of await presentIn(buildFolder(step, context), TREES, context))
      await files.copyInto(`${buildFolder(step, context)}/${name}`, `${inputs}/${name}`);
    for (const [path, text] of await renderPackaging(step, context))
      await files.writeText(`${inputs}/packaging/${path}`, text);
    if (hasSourcePackage(step)) await collectBuildInputs(context, `${inputs}/source`);
    const sboms = await renderSboms(step, context);
    for (const [name, text] of sboms) {
      const folder = kindOfPackageFile(name) === 'tarball' ? 'packaging/tarball' : 'packaging';
      await files.writeText(`${inputs}/${folder}/${SBOM}`, text);
    }
    const archive = (await files.readText(`${buildFolder(step, context)}/${ARCHIVE_FILE}`)).trim();
    await runBuildx(step, context, buildOf(step, context, archive));
    for (const [name, text] of sboms) await files.writeText(`${work}/out/${sbomFile(name)}`, text);
    for (const name of step.outputs) await files.moveInto(`${work}/out/${name}`, `${context.dir}/${name}`);
    return {
      outputs: await describeArtifacts(context, step, step.outputs, kindOfPackageFile),
      exposures: await recordedExposures(step, context),
    };
  },
};

/** @param archive state of the archive that the toolchain came from, not the current one */
function buildOf(step: PlannedStep, context: { dir: string }, archive: string): DockerBuild {
  const work = workPath(context, step);
  const args = { ARCHIVE_STATE: archive };
  return { dockerStage: 'package', inputs: `${work}/inputs`, output: `${work}/out`, args };
}

function hasSourcePackage({ outputs }: PlannedStep): boolean {
  return outputs.some((name) => kindOfPackageFile(name) === 'rpm-source');
}

async function presentIn(dir: string, names: readonly string[], { io }: InputsContext): Promise<string[]> {
  const present = await Promise.all(names.map((name) => io.files.exists(`${dir}/${name}`)));
  return names.filter((_, index) => present[index]);
}

/** The bill of materials of each package that the step makes. */
async function renderSboms(step: PlannedStep, context: InputsContext): Promise<Map<string, string>> {
  const { files } = context.io;
  const { version, epoch } = context.plan.coturn;
  const target = targetOfStep(context.plan, step);
  const read = (name: string) => files.readText(`${buildFolder(step, context)}/${name}`);
  const libraries =
    target.staticLibraries === undefined
      ? parseShared(await read('libraries.txt'), target.format)
      : parseLinked(await read('linked.txt'));
  const sha256 = await files.sha256File(sourceFile(context));
  const exposures = await exposuresOf(step, context);
  const render = (file: string) =>
    renderSbom({
      file,
      packageVersion: step.packageVersion,
      format: kindOfPackageFile(file) === 'tarball' ? 'generic' : target.format,
      platform: platformOf(step.arch),
      coturn: { version, epoch, sha256 },
      licenses: target.staticLibraries?.licenses ?? {},
      libraries,
      patches: context.plan.needs.reasons,
      advisories: context.plan.advisories,
      exposures: exposures(kindOfPackageFile(file) === 'tarball' ? TARBALL_CONFIGURATION : CONFIGURATION),
      digest: files.sha256Text,
    });
  const packages = step.packages.filter((name) => step.packages.includes(sbomFile(name)));
  return new Map(packages.map((name) => [name, render(name)]));
}

/** A shipped configuration -> its exposure to each advisory. */
async function exposuresOf(
  step: PlannedStep,
  context: InputsContext,
): Promise<(file: string) => Record<string, Exposure>> {
  const rendered = await renderPackaging(step, context);
  const { version } = context.plan.coturn;
  const options = parseOptionList(
    await context.io.files.readText(`${buildFolder(step, context)}/options.txt`),
  );
  return (file) => {
    const shipped: ExposureContext = {
      version,
      options,
      arch: step.arch,
      configuration: rendered.get(file) ?? '',
    };
    const declared = Object.entries(context.plan.exposures);
    return Object.fromEntries(declared.map(([id, each]) => [id, exposureOf(each, shipped)]));
  };
}

/** The exposures for the manifest: those of the .deb or .rpm. */
async function recordedExposures(step: PlannedStep, context: InputsContext) {
  const exposures = Object.entries((await exposuresOf(step, context))(CONFIGURATION));
  return Object.fromEntries(exposures.map(([id, { justification: _, ...exposure }]) => [id, exposure]));
}

/** The packaging files for exactly this turnserver: path -> text. */
async function renderPackaging(step: PlannedStep, context: InputsContext): Promise<Map<string, string>> {
  const { files } = context.io;
  const { plan } = context;
  const target = targetOfStep(plan, step);
  const built = (name: string) => files.readText(`${buildFolder(step, context)}/${name}`);
  const names = firstWords(await built('options.txt'));
  const input = {
    // Lines that have no effect, or that turnserver calls deprecated, are not shipped.
    options: new Set(names.filter((name) => knownReading(name, plan.coturn.version) !== 'none')),
    metrics: new Set(firstWords(await built('metrics.txt'))),
    features: featuresIn(await built('features.txt')),
    values: packagingValues(plan, step, packageLayout(target.format)),
  };
  const rendered = new Map([['options', names.map((name) => `${name}\n`).join('')]]);
  for (const folder of ['common', target.format]) {
    for (const name of await files.listFiles(`${context.recipes}/packaging/${folder}`)) {
      const path = `${context.recipes}/packaging/${folder}/${name}`;
      const text = renderTemplate(await files.readText(path), input);
      if (name !== DASHBOARD) rendered.set(name, text);
      else rendered.set(name.replace('.yaml', '.json'), dashboardJson(path, text));
    }
  }
  if (!step.outputs.some((name) => name.endsWith('.tar.gz'))) return rendered;
  const configuration = await files.readText(`${context.recipes}/packaging/common/${CONFIGURATION}`);
  const unpacked = {
    ...input,
    features: new Set([...input.features, 'relocatable']),
    values: packagingValues(plan, step, TARBALL_LAYOUT),
  };
  return rendered.set(TARBALL_CONFIGURATION, renderTemplate(configuration, unpacked));
}

function dashboardJson(path: string, text: string): string {
  const dashboard = layoutDashboard(parseRecipeFile(path, text, dashboardSchema));
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}
