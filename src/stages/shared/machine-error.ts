import { TurnbuildError } from '../../errors.ts';

/** Error message of QEMU before 6.0 for the CPU model in plan/platforms.ts. */
const QEMU_TOO_OLD = /pauth-impdef.* not found/;

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
  const said = (pattern: RegExp) => lines.find((line) => pattern.test(line));
  const full = said(/no space left on device/i);
  if (full !== undefined)
    return new TurnbuildError('DISK_FULL', `${id}: no space left on ${disk}\n${full}`, {
      hint: 'Free some space (docker buildx prune) and run the same command again: finished steps are kept.',
    });
  const old = said(QEMU_TOO_OLD);
  if (old !== undefined)
    return new TurnbuildError(
      'QEMU_TOO_OLD',
      `${id}: the QEMU for this architecture is older than 6.0\n${old}`,
      { hint: updateQemu },
    );
  return undefined;
}
