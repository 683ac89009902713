import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { lifecycleChecks } from '../../../src/checks/lifecycle-checks.ts';
import { upgradeChecks } from '../../../src/checks/upgrade-checks.ts';
import { goodFacts, withFile, withoutFile, withValue } from '../verified-facts.ts';

export const CHECKS = [...lifecycleChecks, ...upgradeChecks];

export const failures = (facts: PackageFacts) =>
  judgeAll(CHECKS, facts).filter((result) => result.status === 'failed');

/** A line of a comparison of trees. */
const change = (kind: string, path: string, before: string, after: string) =>
  `${[kind, path, before, after].join('\t')}\n`;
const withChange = (name: string, ...line: [string, string, string, string]) =>
  withFile(`${name}.changes.txt`, (text) => text + change(...line));

/** The planted fault, the facts, and the checks that must fail, with a message for the first. */
export const PLANTED: [string, () => PackageFacts, string[], RegExp][] = [
  [
    'an installation that fails',
    () => withValue('install.exit', '100'),
    ['install.clean'],
    /install\.exit is "100"/,
  ],
  [
    'a half-configured package',
    () => withValue('install.status', 'half-configured'),
    ['install.clean'],
    /half-configured/,
  ],
  [
    'a configuration that everybody can read',
    () => withValue('install.configuration', 'root:root:644'),
    ['install.clean'],
    /root:root:644/,
  ],
  ['a database without tables', () => withValue('install.tables', ''), ['install.clean'], /turnusers_lt/],
  [
    'a missing library',
    () => withFile('unresolved.txt', () => 'libpq.so.5 => not found'),
    ['install.clean'],
    /libpq\.so\.5/,
  ],
  [
    'a configuration that remove deletes',
    () => withValue('remove.configuration', 'gone'),
    ['install.remove'],
    /remove\.configuration/,
  ],
  [
    'a link that root follows',
    () => withValue('install.links-followed', 'turnserver:turnserver'),
    ['install.links'],
    /install\.links-followed is "turnserver:turnserver", not "no"/,
  ],
  [
    'leftovers of a purge',
    () => withChange('purge', 'added', '/var/lib/turn/turndb', '', 'f 660 999:999 aa'),
    ['install.purge'],
    /turndb is added/,
  ],
  [
    'edits lost in an upgrade',
    () => withValue('upgrade.configuration', 'changed'),
    ['install.upgrade'],
    /upgrade\.configuration is "changed"/,
  ],
  [
    'an init script left behind',
    () => withValue('upgrade.initscript', 'left'),
    ['install.upgrade'],
    /initscript/,
  ],
  [
    'a server that does not start after the upgrade',
    () => withValue('upgraded.ready', 'no'),
    ['install.upgrade'],
    /upgraded\.ready/,
  ],
  [
    'a package that purge leaves behind',
    () => withValue('purge.status', 'config-files'),
    ['install.remove'],
    /config-files/,
  ],
  [
    'a warning about the shipped configuration',
    () =>
      withFile(
        'install.log',
        (t) =>
          `${t}\ncoturn: warning: /etc/turnserver.conf line 7: this turnserver has no option "x" and ignores the line\n`,
      ),
    ['install.options'],
    /line 7 x of the shipped configuration/,
  ],
  [
    'an unknown option that nobody is told of',
    () => withFile('upgrade.log', (t) => t.replace(/^.*"denied-peer-ips".*\n/m, '')),
    ['install.options'],
    /nothing is said of line \d+ denied-peer-ips; turnserver ignores denied-peer-ips, of which nothing was said/,
  ],
  [
    'a warning with the number of another line',
    () => withFile('upgrade.log', (t) => t.replace(/line \d+(: .*"no-such-option")/, 'line 1$1')),
    ['install.options'],
    /nothing is said of line \d+ no-such-option; line 1 no-such-option is reported wrongly/,
  ],
  [
    'a warning about an option that there is',
    () =>
      withFile(
        'upgrade.log',
        (t) =>
          `${t}coturn: warning: /etc/turnserver.conf line 3: this turnserver has no option "realm" and ignores the line\n`,
      ),
    ['install.options'],
    /line 3 realm is reported wrongly; turnserver has no complaint about line 3 realm/,
  ],
  [
    'a line that turnserver ignores and the option table has',
    () => withFile('upgraded.log', (t) => `${t}0: : Bad configuration format: dropped\n`),
    ['install.options'],
    /turnserver ignores dropped, of which nothing was said/,
  ],
  [
    'a turnserver that never complained',
    () => withFile('upgraded.log', () => ''),
    ['install.options'],
    /turnserver has no complaint about line \d+ denied-peer-ips/,
  ],
  [
    'a configuration without unknown options',
    () => withFile('edited.conf', () => 'realm=x\n'),
    ['install.options'],
    /no unknown options to be found/,
  ],
  ['no configuration', () => withoutFile('edited.conf'), ['install.options'], /is missing/],
  ['no log of the installation', () => withoutFile('install.log'), ['install.options'], /log.*is missing/],
  [
    'a log directory that purge leaves behind',
    () => withChange('purge', 'added', '/var/log/turnserver', '', 'd 755 999:999 '),
    ['install.purge'],
    /purge: \/var\/log\/turnserver is added/,
  ],
  [
    'start links of an init script that is gone',
    () => withChange('upgrade-purge', 'added', '/etc/rc2.d/S01coturn', '', 'l 777 0:0 ../init.d/coturn'),
    ['install.purge'],
    /upgrade-purge: \/etc\/rc2\.d\/S01coturn is added/,
  ],
  [
    'a changed file of the system',
    () => withChange('purge', 'changed', '/etc/services', 'f 644 0:0 aa', 'f 600 0:0 aa'),
    ['install.purge'],
    /\/etc\/services is changed \(f 644 0:0 aa -> f 600 0:0 aa\)/,
  ],
  [
    'a file that is gone',
    () => withChange('purge', 'removed', '/etc/inputrc', 'f 644 0:0 aa', ''),
    ['install.purge'],
    /\/etc\/inputrc is gone/,
  ],
  [
    'an alternative of the package itself',
    () =>
      withChange(
        'purge',
        'added',
        '/etc/alternatives/turnserver',
        '',
        'l 777 0:0 /etc/alternatives/turnserver',
      ),
    ['install.purge'],
    /alternatives\/turnserver is added/,
  ],
  [
    'an override that dpkg still knows',
    () =>
      withFile('purge.changes.txt', (t) =>
        t.replace(/^(added\t\/var\/lib\/dpkg\/statoverride\t.*) \w+$/m, '$1 0123'),
      ),
    ['install.purge'],
    /\/var\/lib\/dpkg\/statoverride is added/,
  ],
  [
    'a file in place of the folder of init scripts',
    () => withChange('purge', 'added', '/etc/init.d', '', 'f 755 0:0 aa'),
    ['install.purge'],
    /\/etc\/init\.d is added/,
  ],
  [
    'a second account',
    () => withValue('purge.accounts', 'nobody2 turnserver'),
    ['install.purge'],
    /purge\.accounts is "nobody2 turnserver"/,
  ],
  [
    'trees that were not compared',
    () => withFile('upgrade-purge.changes.txt', () => ''),
    ['install.purge'],
    /upgrade-purge: the trees were not compared/,
  ],
  [
    'a tree without files',
    () => withValue('purge.compared', '3'),
    ['install.purge'],
    /purge: the trees were not compared/,
  ],
  [
    'a server that runs on after remove',
    () => withValue('remove.process', 'same'),
    ['install.remove'],
    /remove\.process is "same"/,
  ],
  [
    'a remove that never asked systemd',
    () => withValue('remove.calls', ''),
    ['install.remove'],
    /asked for "", not one stop/,
  ],
  [
    'a distribution whose server did not run',
    () => withValue('distribution.stun', 'silent'),
    ['install.upgrade'],
    /distribution\.stun/,
  ],
  [
    'a server that did not run before the upgrades',
    () => withValue('running.stun', 'silent'),
    ['install.failed-upgrade'],
    /running\.stun is "silent"/,
  ],
  ...(['truncated', 'preinst-fails', 'postinst-fails'] as const).flatMap(
    (name): [string, () => PackageFacts, string[], RegExp][] => [
      [
        `${name}: another process`,
        () => withValue(`${name}.process`, 'other'),
        ['install.failed-upgrade'],
        /process is "other", not "same"/,
      ],
      [
        `${name}: no answer`,
        () => withValue(`${name}.stun`, 'silent'),
        ['install.failed-upgrade'],
        /stun is "silent"/,
      ],
      [
        `${name}: a stop`,
        () =>
          withValue(`${name}.calls`, 'prerm, half-configured 4.6.1: stop;postinst, unpacked 4.6.1: start'),
        ['install.failed-upgrade'],
        /prerm asks for stop$/,
      ],
      [
        `${name}: an upgrade that worked`,
        () => withValue(`${name}.exit`, '0'),
        ['install.failed-upgrade'],
        /has not failed/,
      ],
      [
        `${name}: a package in pieces`,
        () => withValue(`${name}.package`, 'half-installed 4.6.1'),
        ['install.failed-upgrade'],
        /half-installed/,
      ],
    ],
  ),
  [
    'a restart of an old server for an upgrade that was given up',
    () => withValue('truncated.calls', 'postinst, unpacked 4.6.1+turnbuild-1~deb13: restart'),
    ['install.failed-upgrade'],
    /postinst asks for restart/,
  ],
  [
    'a package that dpkg cannot finish',
    () => withValue('recovered.exit', '1'),
    ['install.failed-upgrade', 'install.restart'],
    /recovered\.exit is "1"/,
  ],
  [
    'a stop before the files are there',
    () =>
      withValue(
        'upgraded-running.calls',
        'prerm, half-configured 4.6.1+turnbuild-1~deb13+3: stop;postinst, half-configured 4.6.1+turnbuild-1~deb13+4: start',
      ),
    ['install.restart'],
    /upgraded-running: systemd was asked for "prerm, .*: stop; postinst, .*: start", not "postinst/,
  ],
  [
    'a restart by the unit of the old version',
    () => withValue('upgrade.reload', 'missing'),
    ['install.restart'],
    /upgrade: systemd was not told to read the new unit before it restarted the server/,
  ],
  [
    'a second restart',
    () => {
      const calls = goodFacts().values.get('upgrade.calls') ?? '';
      return withValue('upgrade.calls', `${calls};${calls}`);
    },
    ['install.restart'],
    /upgrade: systemd was asked for/,
  ],
  [
    'a restart before the new version is configured',
    () => withValue('recovered.calls', 'postinst, unpacked 4.6.1+turnbuild-1~deb13+3: restart'),
    ['install.restart'],
    /recovered: systemd was asked for "postinst, unpacked/,
  ],
  [
    'the old process after the upgrade',
    () => withValue('upgraded-running.process', 'same'),
    ['install.restart'],
    /upgraded-running\.process is "same"/,
  ],
  [
    'a silent server after the upgrade',
    () => withValue('upgrade.stun', 'silent'),
    ['install.restart'],
    /upgrade\.stun is "silent"/,
  ],
];
