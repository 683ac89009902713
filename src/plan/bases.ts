import { DEBIAN_KEYRING } from '../recipe/schema.ts';
import { type Mirrors, sourcesList } from './archives.ts';
import type { Command } from './command.ts';
import { type Arch, platformOf } from './platforms.ts';
import type { PlannedBase } from './types.ts';

/** Environment of programs in a base image, for the image's configuration. */
export const BASE_ENVIRONMENT = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * As in Docker's official Debian images. Translated descriptions are as large as the package lists, and every installation would download
 * and parse them. dpkg need not sync to disk: an image damaged by a crash is rebuilt.
 */
const BOOTSTRAP_OPTIONS = ['--aptopt=Acquire::Languages "none"', '--dpkgopt=force-unsafe-io'];

/** The base image whose tools bootstrap one of a foreign architecture: recipes/docker/native/lend.sh. */
export interface Lender {
  /** The architecture of this machine. */
  arch: Arch;
  /** Path of its root file system, a tar. */
  tar: string;
  /** Path of recipes/docker/native. */
  tools: string;
}

/** The base image of this machine's architecture that lends tools to a foreign one; undefined if none exists or none is needed. */
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
 * The command that bootstraps a base image. The result is the same with lent tools and with its own.
 * @param work folder for `root.tar`, the root file system, and `status`, dpkg's list of installed packages
 * @param lender if undefined, a foreign image's own tools run under QEMU
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
      // Only the archive's own keys, not every key that this machine's apt trusts.
      `--keyring=${base.archive?.keyring ?? DEBIAN_KEYRING}`,
      ...BOOTSTRAP_OPTIONS,
      ...(lender === undefined ? [] : [hook('extract', 'lend'), hook('customize', 'return')]),
      `--customize-hook=download /var/lib/dpkg/status "${work}/status"`,
      base.suite,
      `${work}/root.tar`,
      ...sourcesList(base, mirrors),
    ],
    // mmdebstrap clamps all times to it, so that the same packages always give the same bytes.
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
    // /native/bin exists only in the image that is being bootstrapped.
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

/** Name of a base image as a local image of the engine. It contains the digest, so different content has a different name. */
export function engineImage(base: PlannedBase, digest: string): string {
  return `turnbuild/${base.id}:${digest.replace('sha256:', '').slice(0, 12)}`;
}

/** Queries whether an engine has an image. @param builder a buildx builder of the `docker` driver, which has its context's name */
export function findImageCommand(builder: string, image: string): Command {
  return { file: 'docker', args: ['--context', builder, 'image', 'inspect', image], effect: 'read' };
}

/** Imports a root file system as an image, for an engine that takes no OCI layouts. */
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
