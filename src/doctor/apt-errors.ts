import { TurnbuildError } from '../errors.ts';

/** Lines of apt's output that go into an error. */
const LINES = 12;

const CAUSES: readonly [pattern: RegExp, code: string, message: string, hint: string][] = [
  [
    /Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock (the|directory)/,
    'APT_LOCKED',
    'Another program is using apt or dpkg',
    'Wait until it has finished (on a new machine often unattended-upgrades), then run the same command again.',
  ],
  [
    /dpkg was interrupted|--fix-broken|half-configured|half-installed/,
    'APT_BROKEN',
    'An earlier installation on this machine is unfinished',
    'Finish it first: `dpkg --configure -a`, then `apt-get --fix-broken install`.',
  ],
  [
    /No space left on device|don't have enough free space/,
    'DISK_FULL',
    'No space left on the disk',
    'Free some space (e.g. `apt-get clean`), then run the same command again.',
  ],
  [
    /Unable to locate package|has no installation candidate|was not found/,
    'APT_PACKAGE_MISSING',
    'The package sources in /etc/apt lack a required package',
    'Add the main component of the Debian release to /etc/apt/sources.list, then run the same command again.',
  ],
  [
    /is not signed|NO_PUBKEY|EXPKEYSIG|not valid yet|is expired|no longer has a Release file/,
    'APT_UNTRUSTED',
    'The signature of a package archive could not be verified',
    "Check the machine's clock and its archive keys (debian-archive-keyring).",
  ],
  [
    /Failed to fetch|Unable to fetch|Could not resolve|Temporary failure resolving|Could not connect|Connection failed/,
    'APT_UNREACHABLE',
    'A package archive in /etc/apt cannot be reached',
    'Check the network, the proxy and the addresses in /etc/apt, then run the same command again.',
  ],
  [
    /Permission denied|are you root|Read-only file system/,
    'APT_REFUSED',
    'apt has no permission to write on this machine',
    'Run the same command as root, on a writable file system.',
  ],
];

/**
 * Converts apt's output to one error.
 * @param more text to add to the message, e.g. the state in which packages were left
 */
export function aptError(output: string, command: string, more = ''): TurnbuildError {
  const tail = aptComplaints(output).slice(-LINES).join('\n');
  const text = [tail, more].filter((part) => part !== '').join('\n');
  for (const [pattern, code, message, hint] of CAUSES) {
    if (pattern.test(output)) return new TurnbuildError(code, `${message}\n${text}`, { hint });
  }
  return new TurnbuildError('APT_FAILED', `apt-get failed\n${text}`, { hint: `Failed command: ${command}` });
}

/** Errors and warnings of apt and dpkg; all lines if there are none. */
export function aptComplaints(output: string): string[] {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const complaints = lines.filter((line) => /^(E:|W:|Err:|dpkg: |Errors were|debconf: unable)/.test(line));
  return complaints.length > 0 ? complaints : lines;
}

/** Why apt found no solution: its lines about unmet dependencies, or else its errors. */
export function conflictReasons(output: string): string[] {
  const lines = output.split('\n');
  const start = lines.findIndex((line) => /^The following packages have unmet dependencies:/.test(line));
  const unmet = start < 0 ? [] : lines.slice(start + 1);
  const end = unmet.findIndex((line) => !/^ /.test(line));
  const reasons = (end < 0 ? unmet : unmet.slice(0, end)).map((line) => line.trim().replace(/\s+/g, ' '));
  if (reasons.length > 0) return reasons;
  const errors = lines
    .filter((line) => line.startsWith('E: ') && !/by (glob|regex)/.test(line))
    .map((line) => line.slice(3));
  return errors.length > 0 ? errors : ['apt-get gave no reason'];
}
