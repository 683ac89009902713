import { blocked, type Verdict, value } from './check.ts';
import type { PackageFacts } from './facts.ts';
import type { Needs } from './needs.ts';

/** Patterns of lines in which apt, dpkg, dnf and rpm give the reason for a failed installation. The first matching pattern wins. */
const REASONS = [
  // Printed by recipes/docker/verify/lib.sh.
  /^turnbuild: .* did not finish within \d+ s$/,
  /but it is not (?:installable|going to be installed)|nothing provides/,
  /script.* returned error|scriptlet failed|trying to overwrite|conflicts with file/,
  /^(?:E|dpkg|error|Error): /,
];

/** The line that says why a package could not be installed, or the last line. @param log output of the package manager */
export function whyNotInstalled(log: string): string {
  const lines = log
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  for (const reason of REASONS) {
    const line = lines.find((each) => reason.test(each));
    if (line !== undefined) return line;
  }
  return lines.at(-1) ?? 'the package manager printed nothing';
}

/** @param log output of the package manager */
export function blockedByInstallation(log: string): Verdict {
  return blocked('install.clean', `the package could not be installed: ${whyNotInstalled(log)}`);
}

/** Whether the package was installed; true if unknown. */
export function isInstalled(facts: PackageFacts): boolean {
  return ['0', 'unknown'].includes(value(facts, 'install.exit'));
}

/** Blocks checks of an installed package's behaviour if the package could not be installed. */
export function withoutInstallation(needs: Needs | undefined, facts: PackageFacts): Verdict | undefined {
  const isUsed = (needs?.phases ?? []).some((phase) => phase !== 'install' && phase !== 'tarball');
  if (!isUsed || isInstalled(facts)) return undefined;
  return blockedByInstallation(facts.files.get('install.log') ?? '');
}

/** The cause to add to failed verdicts if the package could not be installed. */
export function causeOfFailure(facts: PackageFacts): Pick<Verdict, 'cause'> {
  if (isInstalled(facts)) return {};
  const why = whyNotInstalled(facts.files.get('install.log') ?? '');
  return { cause: `the package cannot be installed: ${why}` };
}
