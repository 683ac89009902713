import { openFilesLimit, relayPorts } from '../plan/capacity.ts';
import { layoutDashboard } from '../plan/dashboard.ts';
import { targetOfStep } from '../plan/index.ts';
import { debVersion } from '../plan/package-version.ts';
import { renderTemplate } from '../plan/template.ts';
import type { PlannedStep } from '../plan/types.ts';
import { dashboardSchema } from '../recipe/monitoring.ts';
import { parseRecipeFile } from '../recipe/parse.ts';
import { ARCHIVE_FILE } from './shared/archive.ts';
import { describeArtifacts, featuresIn, firstWords, workFolder } from './shared/artifacts.ts';
import { dockerContext, runBuildx } from './shared/buildx.ts';
import { readyBase, type Stage, type StageContext } from './shared/context.ts';

const CONTEXT_FILES = ['Dockerfile', 'toolchain.sh', 'package.sh'];
/** Exports of the build stage that this stage reads. */
const BUILD_FILES = ['tree.tar', 'debug.tar', 'options.txt', 'metrics.txt', 'features.txt', 'packages.txt'];

/** Kept as YAML, where lines can come and go with a version, and shipped as JSON. */
const DASHBOARD = 'monitoring/grafana-dashboard.yaml';

/** Makes .deb files of what the build stage exported, with the packaging files rendered for exactly this turnserver. */
export const packageStage: Stage = {
  async inputs(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    return {
      args: files.sha256Text(
        JSON.stringify([
          step.buildArgs,
          context.plan.coturn,
          context.plan.maintainer,
          context.plan.relay,
          target,
        ]),
      ),
      build: await files.digestFiles(buildFolder(step, context), BUILD_FILES),
      packaging: await files.digestFiles(`${context.recipes}/packaging`),
      recipe: await files.digestFiles(dockerContext(context, target.format), CONTEXT_FILES),
      base: readyBase(context, step.base).digest,
    };
  },

  async perform(step, context) {
    const { files } = context.io;
    const target = targetOfStep(context.plan, step);
    const work = await workFolder(context, step);
    const inputs = `${work}/inputs`;
    for (const name of ['tree.tar', 'debug.tar'])
      await files.copyInto(`${buildFolder(step, context)}/${name}`, `${inputs}/${name}`);
    await renderPackaging(step, context, `${inputs}/packaging`);
    const archive = (await files.readText(`${buildFolder(step, context)}/${ARCHIVE_FILE}`)).trim();
    await runBuildx(step, context, {
      dockerStage: 'package',
      format: target.format,
      inputs,
      output: `${work}/out`,
      // The toolchain that compiled, whatever the archive has got since.
      args: { ARCHIVE_STATE: archive },
    });
    for (const name of step.outputs) await files.moveInto(`${work}/out/${name}`, `${context.dir}/${name}`);
    return {
      outputs: await describeArtifacts(context, step, step.outputs, (path) =>
        path.includes('dbgsym') ? 'deb-dbgsym' : 'deb',
      ),
    };
  },
};

function buildFolder(step: PlannedStep, context: StageContext): string {
  return `${context.dir}/build/${step.target}-${step.arch}`;
}

async function renderPackaging(step: PlannedStep, context: StageContext, to: string): Promise<void> {
  const { files } = context.io;
  const { plan } = context;
  const target = targetOfStep(plan, step);
  const options = await files.readText(`${buildFolder(step, context)}/options.txt`);
  const names = firstWords(options);
  const input = {
    options: new Set(names),
    metrics: new Set(firstWords(await files.readText(`${buildFolder(step, context)}/metrics.txt`))),
    features: featuresIn(await files.readText(`${buildFolder(step, context)}/features.txt`)),
    values: {
      version: plan.coturn.version,
      revision: plan.coturn.revision,
      packageVersion: debVersion(plan.coturn.version, plan.coturn.revision, target.label),
      suite: target.suite,
      maintainer: plan.maintainer,
      date: rfc5322Date(plan.coturn.epoch),
      minPort: plan.relay.minPort,
      maxPort: plan.relay.maxPort,
      ports: relayPorts(plan.relay),
      nofile: openFilesLimit(plan.relay),
    },
  };
  await files.writeText(`${to}/options`, names.map((name) => `${name}\n`).join(''));
  for (const folder of ['common', target.format]) {
    for (const name of await files.listFiles(`${context.recipes}/packaging/${folder}`)) {
      const path = `${context.recipes}/packaging/${folder}/${name}`;
      const text = renderTemplate(await files.readText(path), input);
      if (name !== DASHBOARD) await files.writeText(`${to}/${name}`, text);
      else await files.writeText(`${to}/${name.replace('.yaml', '.json')}`, dashboardJson(path, text));
    }
  }
}

function dashboardJson(path: string, text: string): string {
  const dashboard = layoutDashboard(parseRecipeFile(path, text, dashboardSchema));
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

/** `Sat, 03 Dec 2022 21:21:36 +0000`, as Debian changelogs want it. @param epoch Unix seconds */
function rfc5322Date(epoch: number): string {
  return new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
}
