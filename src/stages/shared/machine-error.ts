import { TurnbuildError } from '../../errors.ts';

/** What QEMU before 6.0 says of the processor that plan/platforms.ts names. */
const QEMU_TOO_OLD = /pauth-impdef.* not found/;

/**
 * What is wrong with the machine that a tool ran on, if its output shows that.
 * @param id of the step or base image that was made
 * @param lines of the output
 * @param disk how that machine's disk is called
 * @param updateQemu what to do about its QEMU
 * @returns DISK_FULL or QEMU_TOO_OLD; undefined if it is something else
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
      `${id}: the QEMU that runs programs of this architecture is older than 6.0\n${old}`,
      { hint: updateQemu },
    );
  return undefined;
}
