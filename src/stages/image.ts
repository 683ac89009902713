import { judgeImage } from '../checks/machine/check.ts';
import { diskChecksFor, lacksSsmAgent } from '../checks/machine/disk-checks.ts';
import {
  type DiskFacts,
  parseGroups,
  parseInstalled,
  parseOwners,
  parsePasswords,
  parseTree,
  parseUsers,
  parseValues,
} from '../checks/machine/disk-facts.ts';
import { diskUsage } from '../checks/machine/disk-usage.ts';
import { TurnbuildError } from '../errors.ts';
import type { Artifact } from '../manifest/schema.ts';
import { renderImageSbom } from '../packaging/image-sbom.ts';
import { targetOfStep } from '../plan/index.ts';
import { extraPackagesOf, hasSsh } from '../plan/machine.ts';
import { platformOf } from '../plan/platforms.ts';
import type { PlannedStep } from '../plan/types.ts';
import type { Cloud } from '../recipe/machine.ts';
import { currentArchive } from './shared/archive.ts';
import {
  buildFolder,
  describeArtifacts,
  extraPackageFile,
  featuresIn,
  firstWords,
  sourceFile,
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
      known: context.io.files.sha256Text(
        JSON.stringify([
          context.plan.coturn,
          context.plan.source?.tree ?? 'none',
          context.plan.needs.reasons,
          context.plan.advisories,
        ]),
      ),
    };
  },

  async inputs(step, context) {
    const { files } = context.io;
    return {
      package: await files.sha256File(`${context.dir}/${packageOf(step)}`),
      agent: files.sha256Text(await agentConfiguration(step, context)),
      // Machines are not upgraded, so an image must have the updates of its day.
      archive: (await context.archive(targetOfStep(context.plan, step)))?.id ?? 'unknown',
      base: readyBase(context, step.base).digest,
      target: readyBase(context, step.targetBase).digest,
    };
  },

  commands: (step, context, { archive }) => [dockerCommand(step, context, buildOf(step, context, archive))],

  async perform(step, context) {
    const { files } = context.io;
    const work = await workFolder(context, step);
    await files.copyInto(`${context.dir}/${packageOf(step)}`, `${work}/inputs/packages/coturn.deb`);
    for (const { name, sha256 } of extraPackagesOf(step)) {
      const file = extraPackageFile(context, sha256);
      if (!(await files.isIntact(file, sha256)))
        throw new TurnbuildError('ARTIFACT_CHANGED', `${file} (${name}) was changed while it was in use`);
      await files.copyInto(file, `${work}/inputs/packages/${sha256}.deb`);
    }
    await files.writeText(`${work}/inputs/agent.json`, await agentConfiguration(step, context));
    const archive = await currentArchive(step, context);
    await runBuildx(step, context, buildOf(step, context, archive?.id ?? ''));
    const [disk = '', packages = '', sbom = ''] = step.outputs;
    await files.moveInto(`${work}/out/disk`, `${context.dir}/${disk}`);
    await files.moveInto(`${work}/out/packages.txt`, `${context.dir}/${packages}`);
    const observed = factsFolder(step);
    await files.moveInto(`${work}/out/facts`, `${context.dir}/${observed}`);
    const text = await renderSbom(step, context);
    await files.writeText(`${context.dir}/${sbom}`, text);
    const facts = await readDiskFacts(step, context, text);
    const paths = (await files.listFiles(`${context.dir}/${observed}`)).map((path) => `${observed}/${path}`);
    return {
      outputs: await describeArtifacts(context, step, [...step.outputs, ...paths], kindOfImageFile),
      checks: judgeImage(diskChecksFor(facts.cloud), facts),
      facts: {
        usage: diskUsage(facts),
        ...(step.cloud === 'aws' ? { ssmAgent: !lacksSsmAgent(facts) } : {}),
        ...(archive === undefined ? {} : { archive: archive.suites }),
        // For `turnbuild outdated`: name, version, source package, its version.
        packages: (await files.readText(`${context.dir}/${packages}`)).trim().split('\n'),
      },
    };
  },
};

/** The kind of a file made by this stage, by its name. */
export function kindOfImageFile(path: string): Artifact['kind'] {
  if (path.startsWith('work/')) return 'verify';
  if (path.endsWith('.cdx.json')) return 'sbom';
  return path.endsWith('.packages.txt') ? 'package-list' : 'image';
}

const DOCKERFILE = 'machine.Dockerfile';
/** The package that stands in for an initrd generator: recipes/docker/machine/root.sh. */
const INITRD_STUB = 'turnbuild-initrd';
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

/** The folder of what the build recorded about the disk. */
function factsFolder({ cloud, arch }: PlannedStep): string {
  return `work/image/${cloud}-${arch}`;
}

async function renderSbom(step: PlannedStep, context: InputsContext): Promise<string> {
  const { files } = context.io;
  const read = (name: string) => files.readText(`${context.dir}/${factsFolder(step)}/${name}`);
  const { version, epoch } = context.plan.coturn;
  const [disk = ''] = step.outputs;
  const [, , source = '', sourceVersion = ''] = (await read('go-package.txt')).trim().split(' ');
  return renderImageSbom({
    file: disk,
    cloud: cloudOf(step),
    architecture: platformOf(step.arch).debian,
    packageVersion: step.packageVersion,
    coturn: { version, epoch, sha256: await files.sha256File(sourceFile(context)) },
    patches: context.plan.needs.reasons,
    advisories: context.plan.advisories,
    distribution: parseValues(await read('disk.txt')).get('distribution') ?? '',
    packages: parseInstalled(await read('installed.txt')),
    foreign: [INITRD_STUB, ...extraPackagesOf(step).map(({ name }) => name)],
    go: (await read('go.txt')).trim(),
    goPackage: { source, sourceVersion },
    digest: files.sha256Text,
  });
}

async function readDiskFacts(step: PlannedStep, context: InputsContext, sbom: string): Promise<DiskFacts> {
  const { files } = context.io;
  const folder = `${context.dir}/${factsFolder(step)}`;
  const read = (name: string) => files.readText(`${folder}/${name}`);
  const names = await files.listFiles(`${folder}/configuration`);
  return {
    cloud: cloudOf(step),
    ...parseTree(await read('tree.txt')),
    owners: parseOwners(await read('owners.txt')),
    installed: parseInstalled(await read('installed.txt')),
    passwords: parsePasswords(await read('accounts.txt')),
    users: parseUsers(await read('passwd')),
    groups: parseGroups(await read('group')),
    keys: (await read('keys.txt')).split('\n').filter((path) => path !== ''),
    configurations: new Map(
      await Promise.all(names.map(async (name) => [name, await read(`configuration/${name}`)] as const)),
    ),
    disk: parseValues(await read('disk.txt')),
    epoch: context.plan.coturn.epoch,
    maxUsedMiB: Number(step.buildArgs.MAX_USED_MIB),
    sbom,
  };
}

function cloudOf({ id, cloud }: PlannedStep): Cloud {
  if (cloud === undefined) throw new Error(`${id} has no cloud`);
  return cloud;
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
