import type { Artifact } from '../manifest/schema.ts';
import { targetOfStep } from '../plan/index.ts';
import { hasSsh } from '../plan/machine.ts';
import type { PlannedStep } from '../plan/types.ts';
import { combinedState } from './shared/archive.ts';
import {
  buildFolder,
  describeArtifacts,
  featuresIn,
  firstWords,
  workFolder,
  workPath,
} from './shared/artifacts.ts';
import { type DockerBuild, digestRecipe, dockerCommand, runBuildx } from './shared/buildx.ts';
import { type InputsContext, readyBase, type Stage } from './shared/context.ts';

/** Installs a package in a machine's root file system and makes a bootable disk image of it. */
export const image: Stage = {
  kind: 'docker',

  async planned(step, context) {
    return {
      args: context.io.files.sha256Text(JSON.stringify(step.buildArgs)),
      recipe: await digestRecipe(step, context, DOCKERFILE),
    };
  },

  async inputs(step, context) {
    const { files } = context.io;
    return {
      package: await files.sha256File(`${context.dir}/${packageOf(step)}`),
      agent: files.sha256Text(await agentConfiguration(step, context)),
      base: readyBase(context, step.base).digest,
      target: readyBase(context, step.targetBase).digest,
    };
  },

  commands: (step, context, { archive }) => [dockerCommand(step, context, buildOf(step, context, archive))],

  async perform(step, context) {
    const { files } = context.io;
    const work = await workFolder(context, step);
    await files.copyInto(`${context.dir}/${packageOf(step)}`, `${work}/inputs/packages/coturn.deb`);
    await files.writeText(`${work}/inputs/agent.json`, await agentConfiguration(step, context));
    const archive = combinedState(
      [await context.archive(targetOfStep(context.plan, step))],
      files.sha256Text,
    );
    await runBuildx(step, context, buildOf(step, context, archive?.id ?? ''));
    const [disk = '', packages = ''] = step.outputs;
    await files.moveInto(`${work}/out/disk`, `${context.dir}/${disk}`);
    await files.moveInto(`${work}/out/packages.txt`, `${context.dir}/${packages}`);
    return { outputs: await describeArtifacts(context, step, step.outputs, kindOfImageFile) };
  },
};

/** The kind of a file made by this stage, by its name. */
export function kindOfImageFile(path: string): Artifact['kind'] {
  return path.endsWith('.packages.txt') ? 'package-list' : 'image';
}

const DOCKERFILE = 'machine.Dockerfile';
/** Dockerfile stages that --no-cache rebuilds. */
const FRESH = [
  'agent-compiler',
  'agent',
  'machine-root-own',
  'machine-root-native',
  'disk-tools',
  'image-run',
];

function buildOf(step: PlannedStep, context: { dir: string }, archive: string): DockerBuild {
  const work = workPath(context, step);
  return {
    dockerStage: 'image',
    dockerfile: DOCKERFILE,
    inputs: `${work}/inputs`,
    output: `${work}/out`,
    args: { ARCHIVE_STATE: archive },
    fresh: FRESH,
    inTarget: true,
  };
}

/** The program's package. */
function packageOf(step: PlannedStep): string {
  const [first = ''] = step.packages;
  return first;
}

/** What turn-agent must know about the image that it is in. */
async function agentConfiguration(step: PlannedStep, context: InputsContext): Promise<string> {
  const { files } = context.io;
  const read = (name: string) => files.readText(`${buildFolder(step, context)}/${name}`);
  const features = featuresIn(await read('features.txt'));
  const configuration = {
    cloud: step.cloud,
    options: firstWords(await read('options.txt')),
    drain: features.has('drain'),
    reload: features.has('reload'),
    ssh: hasSsh(step),
    user: 'turnserver',
  };
  return `${JSON.stringify(configuration, undefined, 2)}\n`;
}
