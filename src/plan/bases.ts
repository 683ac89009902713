import { DEBIAN_KEYRING } from '../recipe/schema.ts';
import { type Mirrors, sourcesList } from './archives.ts';
import type { Command } from './command.ts';
import { type Arch, platformOf } from './platforms.ts';
import type { PlannedBase } from './types.ts';

/** Environment of whatever runs in a base image, as an image's configuration has it. */
export const BASE_ENVIRONMENT = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * As in Docker's own images of Debian. Descriptions are as large as the lists of packages, and would be downloaded and parsed wherever
 * something is installed. And dpkg need not wait for the disk: an image that a crash has damaged is made again.
 */
const BOOTSTRAP_OPTIONS = ['--aptopt=Acquire::Languages "none"', '--dpkgopt=force-unsafe-io'];

/** Whose tools make a base image of a foreign architecture: recipes/docker/native/lend.sh. */
export interface Lender {
  /** The architecture of this machine. */
  arch: Arch;
  /** Path of the finished one's root file system, a tar. */
  tar: string;
  /** Path of recipes/docker/native. */
  tools: string;
}

/** The base image of this machine's architecture that has the tools for a foreign one; undefined where there is none, or no need. */
export function lenderOf(
  base: PlannedBase,
  bases: readonly PlannedBase[],
  own: Arch,
): PlannedBase | undefined {
  if (base.image !== undefined || base.arch === own) return undefined;
  return bases.find(
    ({ suite, arch, archive, image }) =>
      image === undefined && arch === own && suite === base.suite && archive?.name === base.archive?.name,
  );
}

/**
 * The one command that bootstraps a base image. It has the same bytes whether its tools are lent or its own.
 * @param work folder that gets `root.tar`, the root file system, and `status`: dpkg's own list of what is in it
 * @param lender without one, a foreign image's own tools run under QEMU
 */
export function bootstrapCommand(
  base: PlannedBase,
  mirrors: Mirrors,
  work: string,
  lender?: Lender,
): Command {
  return {
    file: 'mmdebstrap',
    args: [
      '--variant=minbase',
      `--architectures=${platformOf(base.arch).debian}`,
      '--format=tar',
      // Not whatever this machine's apt trusts.
      `--keyring=${base.archive?.keyring ?? DEBIAN_KEYRING}`,
      ...BOOTSTRAP_OPTIONS,
      ...(lender === undefined ? [] : [hook('extract', 'lend'), hook('customize', 'return')]),
      `--customize-hook=download /var/lib/dpkg/status "${work}/status"`,
      base.suite,
      `${work}/root.tar`,
      ...sourcesList(base, mirrors),
    ],
    // mmdebstrap clamps all times to it, so that the same packages give the same bytes on another day.
    env: {
      SOURCE_DATE_EPOCH: '1',
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
      ...platformOf(base.arch).emulation,
      ...(lender === undefined ? {} : lending(base, lender)),
    },
    effect: 'write',
  };
}

const hook = (name: 'extract' | 'customize', action: 'lend' | 'return') =>
  `--${name}-hook=sh "$NATIVE_TOOLS/lend.sh" ${action} "$1"`;

function lending({ arch }: PlannedBase, { arch: own, tar, tools }: Lender): Record<string, string> {
  return {
    DEB_ARCH: platformOf(arch).debian,
    NATIVE_TRIPLE: platformOf(own).gnuTriple,
    NATIVE_ROOT: tar,
    NATIVE_TOOLS: tools,
    // Of these folders only an image that is being made has the first one.
    PATH: `/native/bin:${BASE_ENVIRONMENT.replace('PATH=', '')}`,
  };
}

/** Installed packages and their versions, from dpkg's status file (deb-control(5): paragraphs of `Key: value`). */
export function installedPackages(status: string): Record<string, string> {
  const paragraphs = status.split(/\n\n+/).map((text) => {
    const value = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    return { name: value('Package'), version: value('Version'), state: value('Status') };
  });
  return Object.fromEntries(
    paragraphs
      .filter(({ state }) => state === 'install ok installed')
      .map(({ name, version }) => [name, version]),
  );
}

/** Name of a base image among the engine's own. The digest is in it: other content has another name. */
export function engineImage(base: PlannedBase, digest: string): string {
  return `turnbuild/${base.id}:${digest.replace('sha256:', '').slice(0, 12)}`;
}

/** Asks an engine whether it has an image. @param builder a buildx builder of the `docker` driver, named as its context is */
export function findImageCommand(builder: string, image: string): Command {
  return { file: 'docker', args: ['--context', builder, 'image', 'inspect', image], effect: 'read' };
}

/** Makes an image of a root file system, for an engine that takes no OCI layouts. */
export function importCommand(base: PlannedBase, builder: string, tar: string, image: string): Command {
  const platform = `linux/${platformOf(base.arch).oci}`;
  return {
    file: 'docker',
    args: [
      '--context',
      builder,
      'import',
      '--platform',
      platform,
      '--change',
      `ENV ${BASE_ENVIRONMENT}`,
      tar,
      image,
    ],
    effect: 'write',
  };
}
