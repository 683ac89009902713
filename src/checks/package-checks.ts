import { lintConfig } from '../config/lint.ts';
import { parseSettings } from '../config/settings.ts';
import { type Check, complaints, fail, pass } from './check.ts';
import type { PackageFacts } from './facts.ts';
import { relayRangeOf } from './relay-range.ts';
import { packagedComplaints } from './unit-fragments.ts';

/** The highest allowed exposure score of systemd, from 0 (best) to 10. */
const MAX_EXPOSURE = 1.6;

/** Tags in recipes/packaging/deb/lintian-overrides, which gives the reasons. A package passed as a file may also be turnbuild's own. */
export const OUR_OVERRIDES: readonly string[] = [
  'maintainer-script-should-not-use-dpkg-maintscript-helper',
  'debian-news-entry-has-unknown-version',
];

/** Whether a line of lintian's output shows an override that is not turnbuild's. */
function isForeignOverride(line: string): boolean {
  const [, tag] = /^O: \S+(?: \S+)?: (\S+)/.exec(line) ?? [];
  return line.startsWith('O: ') && !OUR_OVERRIDES.includes(tag ?? '');
}

export const packageChecks: Check[] = [
  {
    id: 'package.lintian',
    title: 'lintian reports no errors or warnings',
    reason: 'It checks Debian policy: paths, permissions, maintainer scripts, relations.',
    reference: 'https://wiki.debian.org/Lintian',
    applies: ({ format }) => format === 'deb',
    judge: ({ inspected, built }) => {
      const lines = (inspected.lintian ?? '').split('\n');
      const code = inspected.lintianExit?.trim();
      // lintian(1) exits with 0 or 2 if it has run, depending on the tags found; any other code is a failure of lintian itself.
      if (inspected.lintian === undefined || (code !== '0' && code !== '2'))
        return fail(`lintian did not finish: exit code ${code ?? 'unknown'}`);
      // Overrides in another packager's package are unreviewed, so they count as findings.
      const bad = lines.filter((line) => /^[EW]: /.test(line) || (!built && isForeignOverride(line)));
      const overridden = lines.filter((line) => line.startsWith('O: ')).length;
      return complaints(bad, 'no errors, no warnings', { errors: bad.length, overridden });
    },
  },
  {
    id: 'package.rpmlint',
    title: 'rpmlint reports no errors',
    reason: 'It checks the conventions of rpm-based distributions: paths, permissions, scriptlets, tags.',
    reference: 'https://github.com/rpm-software-management/rpmlint',
    applies: ({ format }) => format === 'rpm',
    judge: ({ inspected }) => {
      const code = inspected.rpmlintExit?.trim();
      // rpmlint exits with 0 without errors and with 64 if it found errors; any other code is a failure of rpmlint itself.
      if (inspected.rpmlint === undefined || (code !== '0' && code !== '64'))
        return fail(`rpmlint did not finish: exit code ${code ?? 'unknown'}`);
      const lines = inspected.rpmlint.split('\n');
      const bad = lines.filter((line) => / E: /.test(line));
      const warnings = lines.filter((line) => / W: /.test(line)).length;
      return complaints(bad, 'no errors', { errors: bad.length, warnings });
    },
  },
  {
    id: 'package.requires',
    title: 'The C library is the only shared library that the package requires',
    reason:
      'Requiring libraries that are already statically linked would prevent installation on other distributions.',
    applies: ({ format, staticLibraries }) => format === 'rpm' && staticLibraries !== undefined,
    judge: ({ inspected, target }) => {
      if (inspected.requires === undefined) return fail("the package's requirements were not read");
      const libraries = inspected.requires.split('\n').filter((line) => /\.so(\.|\()/.test(line));
      const strange = libraries.filter(
        (line) => !target.allowedLibraries.some((prefix) => line.startsWith(prefix)),
      );
      if (libraries.length === 0) strange.push('the C library is not required either');
      return complaints(strange, `${libraries.length} requirements, all provided by the C library`, {
        libraries: libraries.length,
      });
    },
  },
  {
    id: 'package.plain',
    title: 'Every inspected file is a regular file of plausible size',
    reason:
      'The inspection skips links, FIFOs and huge files in place of a unit or program, so no other check examines them.',
    judge: ({ inspected }) =>
      inspected.unread === undefined
        ? fail('the inspection did not record which files it skipped')
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
      'The server parses packets from the whole internet; the unit limits what a compromised server can do.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd-analyze.html',
    judge: ({ inspected }) => {
      // Only the last match counts: earlier lines may quote the unit.
      const said = [
        ...(inspected.systemd ?? '').matchAll(/^\S+ Overall exposure level for coturn\.service: ([\d.]+) /gm),
      ];
      const exposure = Number(said.at(-1)?.[1] ?? Number.NaN);
      if (Number.isNaN(exposure)) return fail('systemd-analyze printed no exposure level for coturn.service');
      const message = `exposure ${exposure}`;
      return exposure <= MAX_EXPOSURE
        ? pass(message, { exposure })
        : fail(`${message} is above ${MAX_EXPOSURE}`, { exposure });
    },
  },
  {
    id: 'package.unit-alone',
    title: 'The unit is defined by a single file',
    reason:
      'A drop-in, or a unit of the same name in another folder, changes what runs; the other checks read only the unit file.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd.unit.html',
    judge: ({ inspected }) =>
      inspected.units === undefined
        ? fail("systemd's folders were not listed")
        : complaints(packagedComplaints(inspected.units), 'one file, no drop-ins'),
  },
  {
    id: 'package.unit-settings',
    title:
      'The unit waits for the network, restarts on failure and has enough file descriptors for the relay range',
    reason:
      'Without the network turnserver finds no addresses; with too few file descriptors calls fail under load.',
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
        .map((pattern) => `no line matches ${pattern.source}`);
      // A unit without a limit gets systemd's default; the missing line is reported above.
      if (files !== undefined && files < 2 * ports + 1000)
        missing.push(`LimitNOFILE=${files} is too low for ${ports} relay ports`);
      return complaints(missing, 'all settings present', { files: files ?? 'not set', ports });
    },
  },
  {
    id: 'package.configuration',
    title: 'The shipped configuration uses only options of this version and denies internal peers',
    reason:
      'turnserver only warns about an unknown line and ignores it: a misspelt denied-peer-ip opens the relay.',
    reference: 'https://github.com/coturn/coturn/blob/master/examples/etc/turnserver.conf',
    judge: (facts) => {
      const { configuration = '', tarballConfiguration } = facts.inspected;
      // The tarball has its own configuration, with other paths.
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

/** Complaints about a shipped configuration. */
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
