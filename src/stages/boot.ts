import { bootChecks } from '../checks/machine/boot-checks.ts';
import { judgeImage } from '../checks/machine/check.ts';
import { settingChecks } from '../checks/machine/setting-checks.ts';
import { trialChecks } from '../checks/machine/trial-checks.ts';
import { TurnbuildError } from '../errors.ts';
import type { MachineFacts, MachineSettings } from '../lab/machine/facts.ts';
import type { Command } from '../plan/command.ts';
import {
  copyFromLabCommand,
  copyToLabCommand,
  createBootCommand,
  LAB_PATHS,
  type LabContainer,
  removeLabCommands,
  startLabCommand,
} from '../plan/lab.ts';
import { hasSsh } from '../plan/machine.ts';
import type { PlannedStep } from '../plan/types.ts';
import { currentArchive } from './shared/archive.ts';
import { buildFolder, describeArtifacts, featuresIn, workFolder, workPath } from './shared/artifacts.ts';
import { type DockerBuild, digestRecipe, dockerCommand, MAX_FACTS, runBuildx } from './shared/buildx.ts';
import { type CommandContext, readyBase, type Stage, type StageContext } from './shared/context.ts';
import { removeAbandoned, removeLab, required, startLab } from './shared/lab-container.ts';

/** Boots an image in QEMU, in a container without a network, and judges what it does. */
export const boot: Stage = {
  kind: 'boot',

  async planned(step, context) {
    const { files } = context.io;
    return {
      args: files.sha256Text(JSON.stringify(step.buildArgs)),
      recipe: await digestRecipe(step, context, DOCKERFILE),
      program: await files.sha256File(context.bootProgram),
    };
  },

  async inputs(step, context) {
    const { files } = context.io;
    return {
      image: await files.sha256File(`${context.dir}/${imageOf(step)}`),
      base: readyBase(context, step.base).digest,
    };
  },

  commands(step, context, { archive }) {
    const { create, fill, start, fetch, remove } = commandsFor(step, context);
    const image = laboratory(step, context, archive);
    return [dockerCommand(step, context, image), create, ...fill, start, fetch, ...remove];
  },

  async perform(step, context) {
    const { files } = context.io;
    const work = await workFolder(context, step);
    await files.writeText(`${work}/settings/machine.json`, JSON.stringify(settingsOf(step)));
    await runMachine(step, context);
    const [output = ''] = step.outputs;
    await files.moveInto(`${work}/out`, `${context.dir}/${output}`);
    const machine = JSON.parse(await files.readText(`${context.dir}/${output}/machine.json`)) as MachineFacts;
    const paths = (await files.listFiles(`${context.dir}/${output}`)).map((path) => `${output}/${path}`);
    return {
      outputs: await describeArtifacts(context, step, paths, () => 'verify'),
      checks: judgeImage([...bootChecks, ...trialChecks, ...settingChecks], {
        machine,
        contents: { maxUsedMiB: Number(step.buildArgs.MAX_USED_MIB) },
        cloud: settingsOf(step).cloud,
        ssh: hasSsh(step),
        drains: featuresIn(await files.readText(`${buildFolder(step, context)}/features.txt`)).has('drain'),
        deviations: context.plan.deviations,
      }),
    };
  },
};

const DOCKERFILE = 'machine.Dockerfile';
/** Seconds until an emulated machine must serve clients; on an idle machine it takes a tenth of that. */
const BOOT_SECONDS = 300;

/** The image that a step boots. */
function imageOf(step: PlannedStep): string {
  const [first = ''] = step.packages;
  return first;
}

function settingsOf(step: PlannedStep): MachineSettings {
  if (step.cloud === undefined) throw new Error(`${step.id} has no cloud`);
  const name = imageOf(step);
  return {
    arch: step.arch,
    cloud: step.cloud,
    image: `${LAB_PATHS.inputs}/${name}`,
    volumeGiB: Number(step.buildArgs.DISK_MIB) / 1024 + 2,
    bootSeconds: BOOT_SECONDS,
    ssh: hasSsh(step),
  };
}

function containerOf(step: PlannedStep, { engine, attempt }: CommandContext): LabContainer {
  return {
    name: `turnbuild-boot-${step.cloud}-${step.arch.replace('_', '-')}-${attempt.slice(0, 8)}`,
    engine,
  };
}

/** @param archive state of the archive that QEMU comes from. A newer QEMU is used for the next boot, but requires none. */
function laboratory(step: PlannedStep, context: CommandContext, archive: string): DockerBuild {
  const work = workPath(context, step);
  return {
    dockerStage: 'boot',
    dockerfile: DOCKERFILE,
    inputs: `${work}/settings`,
    output: `${work}/out`,
    image: containerOf(step, context).name,
    args: { ARCHIVE_STATE: archive },
    fresh: ['boot'],
  };
}

function commandsFor(step: PlannedStep, context: CommandContext) {
  const lab = containerOf(step, context);
  const work = workPath(context, step);
  return {
    create: createBootCommand(lab, context.io.leftovers.owner()),
    fill: [
      copyToLabCommand(lab, `${work}/settings/.`, LAB_PATHS.inputs),
      copyToLabCommand(lab, `${context.dir}/${imageOf(step)}`, `${LAB_PATHS.inputs}/`),
      copyToLabCommand(lab, context.bootProgram, LAB_PATHS.program),
    ],
    start: startLabCommand(lab),
    fetch: copyFromLabCommand(lab, `${LAB_PATHS.results}/.`, `${work}/out`),
    remove: removeLabCommands(lab),
  };
}

async function runMachine(step: PlannedStep, context: StageContext): Promise<void> {
  const { io } = context;
  await removeAbandoned(context);
  const { create, fill, start, fetch } = commandsFor(step, context);
  try {
    const archive = await currentArchive(step, context);
    await runBuildx(step, context, laboratory(step, context, archive?.id ?? ''));
    for (const command of [create, ...fill]) await required(step, context, command, unavailable(command));
    await startLab(step, context, start, { ...UNJUDGED, unavailable: unavailable(start) });
    const out = `${workPath(context, step)}/out`;
    await io.files.makeFolder(out);
    await required(step, context, fetch, unavailable(fetch));
    await io.files.requirePlainFiles(out, MAX_FACTS);
  } finally {
    await removeLab(context, containerOf(step, context));
  }
}

const UNJUDGED = {
  code: 'BOOT_FAILED',
  hint: "This is not a verdict on the image. The step's log has the complete output.",
};

const unavailable = (command: Command) => (stderr: string) =>
  new TurnbuildError(
    'LAB_UNAVAILABLE',
    `Cannot start a container to boot the image (docker ${command.args.join(' ')}): ${stderr}`,
    {
      hint: 'Booting needs a local Docker engine that grants containers NET_ADMIN, SYS_ADMIN and /dev/net/tun, even with a remote --builder. --no-boot builds without booting.',
    },
  );
