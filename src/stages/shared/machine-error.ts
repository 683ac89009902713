import { TurnbuildError } from '../../errors.ts';

/** Error message of QEMU before 6.0 for the CPU model in plan/platforms.ts. */
const QEMU_TOO_OLD = /pauth-impdef.* not found/;

/** DISK_FULL if a line of a tool's output reports it. */
export function diskFull(id: string, lines: readonly string[], disk: string): TurnbuildError | undefined {
  const full = lines.find((line) => /no space left on device/i.test(line));
  if (full === undefined) return undefined;
  return new TurnbuildError('DISK_FULL', `${id}: no space left on ${disk}\n${full}`, {
    hint: 'Free some space (docker buildx prune) and run the same command again: finished steps are kept.',
  });
}

/**
 * Detects a problem of the machine on which a tool ran, from the tool's output.
 * @param id of the step or base image
 * @param lines of the output
 * @param disk a name for that machine's disk
 * @param updateQemu how to update its QEMU
 * @returns DISK_FULL or QEMU_TOO_OLD; undefined for other failures
 */
export function machineError(
  id: string,
  lines: readonly string[],
  disk: string,
  updateQemu: string,
): TurnbuildError | undefined {
  const full = diskFull(id, lines, disk);
  if (full !== undefined) return full;
  const old = lines.find((line) => QEMU_TOO_OLD.test(line));
  if (old !== undefined)
    return new TurnbuildError(
      'QEMU_TOO_OLD',
      `${id}: the QEMU for this architecture is older than 6.0\n${old}`,
      { hint: updateQemu },
    );
  return undefined;
}
