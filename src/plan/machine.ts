import { traitsOf } from '../manifest/stages.ts';
import type { Cloud, MachineRecipe, SshChoice } from '../recipe/machine.ts';
import { contentsFor } from '../recipe/machine.ts';
import { type Arch, platformOf } from './platforms.ts';
import type { Plan, PlannedStep } from './types.ts';

/** The choices of `turnbuild image`. */
export interface MachineChoices {
  clouds: readonly Cloud[];
  /** Size of the disk in GiB. */
  sizeGiB: number;
  /** By default, each cloud has its own choice. */
  ssh?: SshChoice | undefined;
  /** Packages from elsewhere; absent if there are none. */
  extra?: readonly ExtraPackage[];
}

/** A .deb that is installed in the images of its architecture, e.g. a cloud's own agent. */
export interface ExtraPackage {
  name: string;
  version: string;
  /** Debian's name, or `all`. */
  architecture: string;
  sha256: string;
}

/** Files of an image, relative to the release's folder. */
export interface ImageFiles {
  disk: string;
  /** Installed packages and their versions, one per line. */
  packages: string;
  /** Bill of materials. */
  sbom: string;
}

/** The files of an image: `coturn-4.16.0-1-aws-arm64.raw.zst` and what accompanies it. */
export function imageFiles(
  { version, revision }: Pick<Plan['coturn'], 'version' | 'revision'>,
  { cloud, arch, format }: { cloud: Cloud; arch: Arch; format: string },
): ImageFiles {
  const name = `coturn-${version}-${revision}-${cloud}-${arch}`;
  return { disk: `${name}.${format}`, packages: `${name}.packages.txt`, sbom: `${name}.cdx.json` };
}

/** Build arguments of an image. */
export function imageArgs(
  recipe: MachineRecipe,
  {
    cloud,
    arch,
    seed,
    sizeGiB,
    ssh,
    extra = [],
  }: Omit<MachineChoices, 'clouds'> & { cloud: Cloud; arch: Arch; seed: string },
): Record<string, string> {
  const contents = contentsFor(recipe, cloud, ssh);
  const platform = platformOf(arch);
  const words = (list: readonly string[]) => [...new Set(list)].sort().join(' ');
  return {
    KERNEL: `${recipe.kernel}-${platform.debian}`,
    SYSTEM_PACKAGES: words(contents.packages),
    MODULES: words(contents.modules),
    ENABLED: words(contents.enabled),
    MASKED: words(contents.masked),
    OVERLAYS: words(contents.overlays),
    TIME_SERVER: contents.timeServer,
    DISK_FORMAT: contents.format,
    DISK_MIB: String(sizeGiB * 1024),
    EFI_NAME: platform.efiLoader,
    REPART_ARCH: platform.systemd,
    CONSOLE: platform.console,
    SEED: seed,
    ...extraArgs(extra.filter(({ architecture }) => [platform.debian, 'all'].includes(architecture))),
  };
}

/** `NAME=SHA256`, which the stage reads. The Dockerfile only sees the files. */
function extraArgs(extra: readonly ExtraPackage[]): Record<string, string> {
  if (extra.length === 0) return {};
  return { EXTRA_PACKAGES: extra.map(({ name, sha256 }) => `${name}=${sha256}`).join(' ') };
}

/** The extra packages of an image. */
export function extraPackagesOf({ buildArgs }: PlannedStep): { name: string; sha256: string }[] {
  const words = (buildArgs.EXTRA_PACKAGES ?? '').split(' ').filter((word) => word !== '');
  return words.map((word) => {
    const [name = '', sha256 = ''] = word.split('=');
    return { name, sha256 };
  });
}

/** Whether an image has an SSH server. */
export function hasSsh({ buildArgs }: PlannedStep): boolean {
  return (buildArgs.SYSTEM_PACKAGES ?? '').split(' ').includes('openssh-server');
}

/** Whether a plan builds images. They are built from a finished release, whose plan and manifest header stay unchanged. */
export function makesImages({ steps }: Pick<Plan, 'steps'>): boolean {
  return steps.some(({ stage }) => traitsOf(stage).makes === 'images');
}
