import { lintConfig } from '../config/lint.ts';
import { parseSettings } from '../config/settings.ts';
import { type Check, complaints, fail, pass } from './check.ts';
import type { PackageFacts } from './facts.ts';
import { relayRangeOf } from './relay-range.ts';
import { packagedComplaints } from './unit-fragments.ts';

/** systemd's exposure score, 0 (best) to 10, that the unit may have at most. */
const MAX_EXPOSURE = 1.6;

/** Tags of recipes/packaging/deb/lintian-overrides, each with its reason there. A package of ours may also be given as a file. */
export const OUR_OVERRIDES: readonly string[] = ['maintainer-script-should-not-use-dpkg-maintscript-helper'];

/** Whether a line of lintian is of a tag that is overridden, and not by us. */
function isForeignOverride(line: string): boolean {
  const [, tag] = /^O: \S+(?: \S+)?: (\S+)/.exec(line) ?? [];
  return line.startsWith('O: ') && !OUR_OVERRIDES.includes(tag ?? '');
}

export const packageChecks: Check[] = [
  {
    id: 'package.lintian',
    title: 'lintian has no errors and no warnings',
    reason: 'It knows Debian policy: paths, permissions, maintainer scripts, relations.',
    reference: 'https://wiki.debian.org/Lintian',
    applies: ({ format }) => format === 'deb',
    judge: ({ inspected, built }) => {
      const lines = (inspected.lintian ?? '').split('\n');
      const code = inspected.lintianExit?.trim();
      // lintian(1): 0 without tags of weight, 2 with some, anything else when it could not do its work.
      if (inspected.lintian === undefined || (code !== '0' && code !== '2'))
        return fail(`lintian did not run to its end: exit code ${code ?? 'unknown'}`);
      // Somebody else's overrides are what a package says of itself.
      const bad = lines.filter((line) => /^[EW]: /.test(line) || (!built && isForeignOverride(line)));
      const overridden = lines.filter((line) => line.startsWith('O: ')).length;
      return complaints(bad, 'no errors, no warnings', { errors: bad.length, overridden });
    },
  },
  {
    id: 'package.rpmlint',
    title: 'rpmlint has no errors',
    reason: 'It knows the conventions of rpm-based distributions: paths, permissions, scriptlets, tags.',
    reference: 'https://github.com/rpm-software-management/rpmlint',
    applies: ({ format }) => format === 'rpm',
    judge: ({ inspected }) => {
      const code = inspected.rpmlintExit?.trim();
      // 0 without errors, 64 with some, anything else when it could not do its work.
      if (inspected.rpmlint === undefined || (code !== '0' && code !== '64'))
        return fail(`rpmlint did not run to its end: exit code ${code ?? 'unknown'}`);
      const lines = inspected.rpmlint.split('\n');
      const bad = lines.filter((line) => / E: /.test(line));
      const warnings = lines.filter((line) => / W: /.test(line)).length;
      return complaints(bad, 'no errors', { errors: bad.length, warnings });
    },
  },
  {
    id: 'package.requires',
    title: 'Nothing but the C library is required by name of a library',
    reason:
      'What is linked in must not be asked for as well: such a package could not be installed elsewhere.',
    applies: ({ format, staticLibraries }) => format === 'rpm' && staticLibraries !== undefined,
    judge: ({ inspected, target }) => {
      if (inspected.requires === undefined) return fail('the requires were not read');
      const libraries = inspected.requires.split('\n').filter((line) => /\.so(\.|\()/.test(line));
      const strange = libraries.filter(
        (line) => !target.allowedLibraries.some((prefix) => line.startsWith(prefix)),
      );
      if (libraries.length === 0) strange.push('not even the C library is required');
      return complaints(strange, `${libraries.length} of the C library`, { libraries: libraries.length });
    },
  },
  {
    id: 'package.plain',
    title: 'All that is read of the package is plain files of a usual size',
    reason:
      'A link, a FIFO or gigabytes in the place of a unit or a program are not read, so no other check knows what is in them.',
    judge: ({ inspected }) =>
      inspected.unread === undefined
        ? fail('the inspection does not say what it has left out')
        : complaints(
            inspected.unread
              .split('\n')
              .filter((line) => line !== '')
              .map((path) => `not read: ${path}`),
            'everything was read',
          ),
  },
  {
    id: 'package.unit',
    title: `systemd exposure of the unit is at most ${MAX_EXPOSURE}`,
    reason:
      'The server parses packets from the whole internet; what it can do after a break-in is up to the unit.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd-analyze.html',
    judge: ({ inspected }) => {
      // The last line; what is before it may quote the unit.
      const said = [
        ...(inspected.systemd ?? '').matchAll(/^\S+ Overall exposure level for coturn\.service: ([\d.]+) /gm),
      ];
      const exposure = Number(said.at(-1)?.[1] ?? Number.NaN);
      if (Number.isNaN(exposure)) return fail('systemd-analyze gave no exposure level for coturn.service');
      const message = `exposure ${exposure}`;
      return exposure <= MAX_EXPOSURE
        ? pass(message, { exposure })
        : fail(`${message} is above ${MAX_EXPOSURE}`, { exposure });
    },
  },
  {
    id: 'package.unit-alone',
    title: 'The unit is defined by one file',
    reason:
      'A drop-in, or a unit of the same name in another folder, changes what runs; the other checks read only the unit.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd.unit.html',
    judge: ({ inspected }) =>
      inspected.units === undefined
        ? fail('the folders of systemd were not listed')
        : complaints(packagedComplaints(inspected.units), 'one file, and no drop-ins'),
  },
  {
    id: 'package.unit-settings',
    title: 'The unit waits for the network, restarts, and has descriptors for the relay range',
    reason:
      'Without the network turnserver finds no addresses; with too few descriptors calls fail under load.',
    judge: ({ inspected }) => {
      const unit = inspected.unit ?? '';
      const wanted = [
        /^After=.*network-online\.target/m,
        /^Wants=.*network-online\.target/m,
        /^Restart=on-failure/m,
        /^StartLimitIntervalSec=0$/m,
        /^LimitNOFILE=\d+/m,
        /^IPAddressDeny=.*169\.254\.169\.254/m,
      ];
      const limit = /^LimitNOFILE=(\d+)/m.exec(unit)?.[1];
      const files = limit === undefined ? undefined : Number(limit);
      const [first, last] = relayRangeOf(inspected.configuration ?? '');
      const ports = last - first + 1;
      const missing = wanted
        .filter((pattern) => !pattern.test(unit))
        .map((pattern) => `nothing matches ${pattern.source}`);
      // Without a limit of its own the unit has systemd's, and that it has none is said above.
      if (files !== undefined && files < 2 * ports + 1000)
        missing.push(`LimitNOFILE=${files} is too low for ${ports} relay ports`);
      return complaints(missing, 'all there', { files: files ?? 'not set', ports });
    },
  },
  {
    id: 'package.configuration',
    title: 'The shipped configuration uses only options of this very version, and denies internal peers',
    reason:
      'turnserver only warns about an unknown line and runs without it: a misspelt denied-peer-ip is an open relay.',
    reference: 'https://github.com/coturn/coturn/blob/master/examples/etc/turnserver.conf',
    judge: (facts) => {
      const { configuration = '', tarballConfiguration } = facts.inspected;
      // Where there is a tarball, it has a configuration of its own, with other paths.
      const hasTarball = facts.target.staticLibraries !== undefined && facts.built;
      return complaints(
        [
          ...configurationComplaints(configuration, facts),
          ...(hasTarball
            ? configurationComplaints(tarballConfiguration ?? '', facts).map((each) => `tarball: ${each}`)
            : []),
        ],
        `${parseSettings(configuration).length} settings, all known to this version`,
        { settings: parseSettings(configuration).length },
      );
    },
  },
];

/** What is wrong with a configuration that is shipped. */
function configurationComplaints(conf: string, { options, version }: PackageFacts): string[] {
  const used = parseSettings(conf);
  const table = [...options].map((name) => ({ name, value: 'optional' as const, conditions: [] }));
  const found = lintConfig(conf, { version, options: table })
    .filter(({ level, accepted }) => level !== 'note' && accepted === undefined)
    .map(({ line, message }) => (line === undefined ? message : `line ${line}: ${message}`));
  for (const name of [
    'allowed-peer-ip',
    'user',
    'static-auth-secret',
    'cli-password',
    'no-auth',
    'allow-loopback-peers',
  ]) {
    if (used.some((option) => option.name === name)) found.push(`${name} is set`);
  }
  return found;
}
