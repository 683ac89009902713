import { nearestName, usageError } from '../errors.ts';
import type { MachineChoices } from '../plan/machine.ts';
import { CLOUDS, type Cloud, type MachineRecipe, SSH_CHOICES, type SshChoice } from '../recipe/machine.ts';
import { type CommonOptions, listOption } from './options.ts';

/** Maximum size of the disk in GiB: far more than a TURN server needs, and still small enough for a builder. */
const MAX_GIB = 64;

/** The images that options choose. @throws CLOUD_UNKNOWN, OPTION_INVALID */
export function machineChoices(
  { cloud, size, ssh }: CommonOptions,
  { sizeGiB }: MachineRecipe,
): MachineChoices {
  return {
    clouds: listOption(cloud)?.map(parseCloud) ?? [...CLOUDS],
    sizeGiB: size === undefined ? sizeGiB : parseSize(size),
    ...(ssh === undefined ? {} : { ssh: parseSsh(ssh) }),
  };
}

/** @throws CLOUD_UNKNOWN */
export function parseCloud(word: string): Cloud {
  const known = CLOUDS.find((cloud) => cloud === word);
  if (known !== undefined) return known;
  const near = nearestName(word, CLOUDS);
  throw usageError(
    'CLOUD_UNKNOWN',
    `Unsupported cloud "${word}"${near === undefined ? '' : `; did you mean ${near}?`}`,
    'Supported: aws (Amazon EC2) and gce (Google Compute Engine).',
  );
}

function parseSsh(word: string): SshChoice {
  const known = SSH_CHOICES.find((choice) => choice === word);
  if (known !== undefined) return known;
  throw usageError(
    'OPTION_INVALID',
    `Invalid --ssh "${word}": expected none or cloud`,
    'cloud accepts the key pair of the instance on EC2, and OS Login on Compute Engine.',
  );
}

function parseSize(word: string): number {
  const gib = Number(/^(\d+)(?:G|GiB)?$/.exec(word)?.[1]);
  if (gib >= 1 && gib <= MAX_GIB) return gib;
  throw usageError(
    'OPTION_INVALID',
    `Invalid --size "${word}": expected a whole number of GiB from 1 to ${MAX_GIB}`,
    "The root file system grows to the size of the machine's volume, so 1 is usually enough.",
  );
}
