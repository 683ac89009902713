import { conclude } from '../run/conclude.ts';
import type { CommonOptions } from '../run/options.ts';
import { planFile } from '../run/package-file.ts';
import { openSession } from '../run/session.ts';
import { printable } from '../ui/format.ts';
import type { Output } from '../ui/output.ts';

/** Whether the argument of `turnbuild verify` is a package file rather than a version. */
export function isPackageFile(argument: string | undefined): argument is string {
  return argument !== undefined && /\.(deb|rpm)$|\//.test(argument);
}

/** `turnbuild verify FILE`: verifies any coturn package. */
export async function verifyFile(
  file: string,
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const {
    release: planned,
    described,
    adopt,
  } = await planFile(session, file, {
    perform: options.dryRun !== true,
  });
  output.line(
    `${printable(file)}: coturn ${described.version} (${described.packageVersion}) for ${described.target.name} on ${described.arch}`,
  );
  output.line('The checks test function; they do not detect malicious code (docs/security.md).');
  return conclude(session, planned, ['verify'], adopt);
}
