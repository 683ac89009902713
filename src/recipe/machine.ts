import { z } from 'zod';

/** The clouds that images are built for. */
export const CLOUDS = ['aws', 'gce'] as const;
export type Cloud = (typeof CLOUDS)[number];

/** Whether an image has an SSH server: none, or one that accepts the keys that the cloud provides. */
export const SSH_CHOICES = ['none', 'cloud'] as const;
export type SshChoice = (typeof SSH_CHOICES)[number];

const target = z.string().regex(/^[a-z][a-z0-9.-]*$/, 'use the name of a target');
const debianPackage = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'use the name of a Debian package');
const unit = z
  .string()
  .regex(
    /^[\w.@-]+\.(service|socket|timer|target|path|mount)$/,
    'use the name of a systemd unit with its suffix',
  );
const kernelModule = z.string().regex(/^[a-z0-9_]+$/, 'use the name of a kernel module');
const overlay = z
  .string()
  .regex(/^[a-z0-9-]+$/, 'use the name of a folder in recipes/docker/machine/overlays');

/** What images of all clouds have, and what one cloud adds. */
const contents = z.strictObject({
  /** Debian packages besides coturn and the kernel. */
  packages: z.array(debianPackage),
  /** Kernel modules that are loaded early, because udev finds their hardware late. */
  modules: z.array(kernelModule),
  /** Units that start at boot, and units that never start. */
  enabled: z.array(unit),
  masked: z.array(unit),
  /** Folders in recipes/docker/machine/overlays with files of the image. */
  overlays: z.array(overlay),
});

const cloud = contents.partial().extend({
  /** Addresses of the cloud's own time server, separated by spaces. */
  timeServer: z.string().min(1),
  /** The format that the cloud imports. */
  format: z.enum(['raw.zst', 'tar.gz']),
  /** Maximum space that the installed files may use, in MiB. */
  maxUsedMiB: z.number().int().positive(),
  /** What an image with an SSH server adds. */
  ssh: contents.partial().extend({
    /** The choice without --ssh. */
    default: z.enum(SSH_CHOICES),
  }),
});

/** recipes/machine.yaml: disk images of machines. */
export const machineSchema = contents.extend({
  /** The target whose package is installed. Its distribution is the machine's. */
  target,
  /** Name of the kernel's package, without the architecture at its end. */
  kernel: debianPackage,
  /** Size of the disk in GiB. The root file system grows to the size of the machine's volume. */
  sizeGiB: z.number().int().min(1).max(64),
  clouds: z.strictObject({ aws: cloud, gce: cloud }),
});

export type MachineRecipe = z.infer<typeof machineSchema>;

/** The contents of one cloud's image. */
export type MachineContents = z.infer<typeof contents> &
  Omit<z.infer<typeof cloud>, keyof z.infer<typeof contents> | 'ssh'>;

/** Combines what all images have with what a cloud and an SSH server add. @param ssh by default, the cloud's own choice */
export function contentsFor(
  { clouds, ...common }: MachineRecipe,
  name: Cloud,
  ssh: SshChoice = clouds[name].ssh.default,
): MachineContents {
  const own = clouds[name];
  const all = (key: keyof z.infer<typeof contents>) => [
    ...common[key],
    ...(own[key] ?? []),
    ...(ssh === 'none' ? [] : (own.ssh[key] ?? [])),
  ];
  return {
    packages: all('packages'),
    modules: all('modules'),
    enabled: all('enabled'),
    masked: all('masked'),
    overlays: all('overlays'),
    timeServer: own.timeServer,
    format: own.format,
    maxUsedMiB: own.maxUsedMiB,
  };
}
