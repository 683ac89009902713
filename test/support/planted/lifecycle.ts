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

const DIGEST = 'ab'.repeat(32);
/** The planted fault, the facts, and the checks that must fail, with a message for the first. */
export const PLANTED: [string, () => PackageFacts, string[], RegExp][] = [
  [
    'a service account with a login shell',
    () => withValue('install.user', '/bin/bash'),
    ['install.clean'],
    /^the service account has the login shell "\/bin\/bash"$/,
  ],
  [
    'a missing manual page',
    () => withValue('install.manual', ''),
    ['install.clean'],
    /^turnserver\(1\) is not installed$/,
  ],
  [
    'a missing list of unresolved libraries',
    () => withoutFile('unresolved.txt'),
    ['install.clean'],
    /^libraries not found: the list is missing$/,
  ],
  [
    'a comparison of fewer paths than a root has',
    () => withValue('purge.compared', '999'),
    ['install.purge'],
    /^purge: the trees were not compared$/,
  ],
  [
    'a changed mode of /etc/init.d',
    () => withChange('purge', 'changed', '/etc/init.d', 'd 700 0:0 ', 'd 755 0:0 '),
    ['install.purge'],
    /^purge: \/etc\/init\.d was changed \(d 700 0:0 {2}-> d 755 0:0 \)$/,
  ],
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
    'a world-readable configuration',
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
    'a link that a maintainer script follows as root',
    () => withValue('install.links-followed', 'turnserver:turnserver'),
    ['install.links'],
    /install\.links-followed is "turnserver:turnserver" \(expected "no"\)/,
  ],
  [
    'a database left behind by purge',
    () => withChange('purge', 'added', '/var/lib/turn/turndb', '', 'f 660 999:999 aa'),
    ['install.purge'],
    /turndb was added/,
  ],
  [
    'edits lost in an upgrade',
    () => withValue('upgrade.configuration', 'changed'),
    ['install.upgrade'],
    /upgrade\.configuration is "changed"/,
  ],
  [
    'an init script left behind by the upgrade',
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
    'a package that is not fully purged',
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
    'an unknown option without a warning',
    () => withFile('upgrade.log', (t) => t.replace(/^.*"denied-peer-ips".*\n/m, '')),
    ['install.options'],
    /line \d+ denied-peer-ips is not reported; turnserver ignores denied-peer-ips, which is not reported/,
  ],
  [
    'a warning with the wrong line number',
    () => withFile('upgrade.log', (t) => t.replace(/line \d+(: .*"no-such-option")/, 'line 1$1')),
    ['install.options'],
    /line \d+ no-such-option is not reported; line 1 no-such-option is reported wrongly/,
  ],
  [
    'a warning about a known option',
    () =>
      withFile(
        'upgrade.log',
        (t) =>
          `${t}coturn: warning: /etc/turnserver.conf line 3: this turnserver has no option "realm" and ignores the line\n`,
      ),
    ['install.options'],
    /line 3 realm is reported wrongly; turnserver accepts line 3 realm/,
  ],
  [
    'a line that turnserver ignores without a warning from the package',
    () => withFile('upgraded.log', (t) => `${t}0: : Bad configuration format: dropped\n`),
    ['install.options'],
    /turnserver ignores dropped, which is not reported/,
  ],
  [
    'a turnserver that accepts the unknown options',
    () => withFile('upgraded.log', () => ''),
    ['install.options'],
    /turnserver accepts line \d+ denied-peer-ips/,
  ],
  [
    'a test configuration without unknown options',
    () => withFile('edited.conf', () => 'realm=x\n'),
    ['install.options'],
    /the test configuration has no unknown options/,
  ],
  ['a missing test configuration', () => withoutFile('edited.conf'), ['install.options'], /is missing/],
  ['a missing installation log', () => withoutFile('install.log'), ['install.options'], /log.*is missing/],
  [
    'a log directory left behind by purge',
    () => withChange('purge', 'added', '/var/log/turnserver', '', 'd 755 999:999 '),
    ['install.purge'],
    /purge: \/var\/log\/turnserver was added/,
  ],
  [
    'a start link to a removed init script',
    () => withChange('upgrade-purge', 'added', '/etc/rc2.d/S01coturn', '', 'l 777 0:0 ../init.d/coturn'),
    ['install.purge'],
    /upgrade-purge: \/etc\/rc2\.d\/S01coturn was added/,
  ],
  [
    'a changed system file',
    () => withChange('purge', 'changed', '/etc/services', 'f 644 0:0 aa', 'f 600 0:0 aa'),
    ['install.purge'],
    /\/etc\/services was changed \(f 644 0:0 aa -> f 600 0:0 aa\)/,
  ],
  [
    'a removed system file',
    () => withChange('purge', 'removed', '/etc/inputrc', 'f 644 0:0 aa', ''),
    ['install.purge'],
    /\/etc\/inputrc was removed/,
  ],
  [
    'an alternative left behind by the package',
    () =>
      withChange(
        'purge',
        'added',
        '/etc/alternatives/turnserver',
        '',
        'l 777 0:0 /etc/alternatives/turnserver',
      ),
    ['install.purge'],
    /alternatives\/turnserver was added/,
  ],
  [
    'a statoverride left behind by purge',
    () =>
      withFile('purge.changes.txt', (t) =>
        t.replace(/^(added\t\/var\/lib\/dpkg\/statoverride\t.*) \w+$/m, '$1 0123'),
      ),
    ['install.purge'],
    /\/var\/lib\/dpkg\/statoverride was added/,
  ],
  [
    'a file in place of /etc/init.d',
    () => withChange('purge', 'added', '/etc/init.d', '', 'f 755 0:0 aa'),
    ['install.purge'],
    /\/etc\/init\.d was added/,
  ],
  ...(
    [
      [
        'a second account',
        'added\tpasswd\teve:x:998:998::/:/bin/false',
        /purge: \/etc\/passwd: the record "eve:/,
      ],
      [
        'a second account with user ID 0',
        'added\tpasswd\tturnserver:x:0:0::/:/bin/sh',
        /"turnserver:x:0:0::\/:\/bin\/sh" was added/,
      ],
      [
        'a duplicate record of the service account',
        'added\tpasswd\tturnserver:x:100:101::/:/bin/false',
        /2 records of turnserver/,
      ],
      [
        'a removed record of another account',
        'removed\tshadow\troot:*:(day):0:99999:7:::',
        /"root:\*:.* was removed/,
      ],
      ['a password for root', 'added\tshadow\troot:(set):(day):0:99999:7:::', /"root:\(set\).* was added/],
      [
        'a password in a backup',
        'added\tshadow-\tturnserver:(set):(day)::::::',
        /shadow-: the record "turnserver:\(set\)/,
      ],
      [
        'membership in the sudo group',
        'added\tgroup\tsudo:x:27:turnserver',
        /"sudo:x:27:turnserver" was added/,
      ],
      [
        'an extra member of the service group',
        'added\tgroup-\tturnserver:x:101:eve',
        /group-: the record "turnserver:x:101:eve"/,
      ],
      ['a user ID shared by two accounts', 'shared\tpasswd\t100', /two records share "100"/],
      ['a range of subordinate user IDs', 'added\tsubuid\tturnserver:0:65536', /subuid: the record/],
    ] as const
  ).map(([title, line, message]): [string, () => PackageFacts, string[], RegExp] => [
    `${title} (account files)`,
    () => withFile('purge.accounts.txt', (text) => `${text}${line}\n`),
    ['install.purge'],
    message,
  ]),
  ...(
    [
      ['a login shell', /\/bin\/false$/m, '/bin/bash', /:\/bin\/bash" was added/],
      ['a user ID outside the system range', /x:100:101:/, 'x:1000:101:', /x:1000:101/],
      [
        "another account's primary group",
        /x:100:101:/,
        'x:100:102:',
        /the primary group of turnserver \(102\) is not its own group/,
      ],
      ['an empty password', /^(added\tshadow\tturnserver):!/m, '$1:', /turnserver::\(day\)/],
    ] as const
  ).map(([title, pattern, text, message]): [string, () => PackageFacts, string[], RegExp] => [
    `${title} for the service account`,
    () => withFile('purge.accounts.txt', (t) => t.replace(pattern, text)),
    ['install.purge'],
    message,
  ]),
  [
    'a group that only the upgrade adds',
    () => withFile('upgrade-purge.accounts.txt', () => 'added\tgroup\tturnserver:x:101:\n'),
    ['install.purge'],
    /upgrade-purge: \/etc\/group: the record/,
  ],
  [
    'account files that were not compared',
    () => withoutFile('purge.accounts.txt'),
    ['install.purge'],
    /purge: the account files were not compared/,
  ],
  ...(
    [
      [
        'a SUID program in place of a log',
        'changed',
        '/var/log/dpkg.log',
        `f 644 0:0 ${DIGEST}`,
        `f 4755 0:0 ${DIGEST}`,
      ],
      [
        "a capability on dpkg's status file",
        'changed',
        '/var/lib/dpkg/status',
        `f 644 0:0 ${DIGEST}`,
        `f 644 0:0 ${DIGEST} {security.capability=0x01}`,
      ],
      [
        "changed contents of dpkg's status file",
        'changed',
        '/var/lib/dpkg/status',
        `f 644 0:0 ${DIGEST}`,
        `f 644 0:0 ${DIGEST.replace('a', 'b')}`,
      ],
      [
        "changed contents of dpkg's diversions file",
        'changed',
        '/var/lib/dpkg/diversions',
        `f 644 0:0 ${DIGEST}`,
        `f 644 0:0 ${DIGEST.replace('a', 'b')}`,
      ],
      [
        'a world-readable /etc/shadow',
        'changed',
        '/etc/shadow',
        `f 640 0:42 ${DIGEST}`,
        `f 644 0:42 ${DIGEST}`,
      ],
      [
        'an account file writable by the service group',
        'changed',
        '/etc/passwd',
        `f 644 0:0 ${DIGEST}`,
        `f 664 0:101 ${DIGEST}`,
      ],
      [
        'a changed mode of an account file',
        'changed',
        '/etc/group',
        `f 600 0:0 ${DIGEST}`,
        `f 644 0:0 ${DIGEST}`,
      ],
      ['a removed account file', 'removed', '/etc/shadow', `f 640 0:42 ${DIGEST}`, ''],
      [
        'a backup of /etc/shadow readable by the service group',
        'added',
        '/etc/shadow-',
        '',
        `f 640 0:101 ${DIGEST}`,
      ],
      ["a program in debconf's folder", 'added', '/var/cache/debconf/x', '', `f 755 0:0 ${DIGEST}`],
      [
        'a program in place of a debconf file',
        'added',
        '/var/cache/debconf/config.dat',
        '',
        `f 755 0:0 ${DIGEST}`,
      ],
      [
        'a link in place of a debconf file',
        'added',
        '/var/cache/debconf/config.dat',
        '',
        'l 777 0:0 /etc/shadow',
      ],
      [
        'an alternative that now points to a new file',
        'changed',
        '/etc/alternatives/pager',
        'l 777 0:0 /bin/more',
        'l 777 0:0 /usr/local/evil',
      ],
      [
        'a command that links to an existing alternative',
        'added',
        '/usr/bin/sudo',
        '',
        'l 777 0:0 /etc/alternatives/pager',
      ],
      ['a regular file in /etc/alternatives', 'added', '/etc/alternatives/ls', '', `f 755 0:0 ${DIGEST}`],
      ["a program in apt's download cache", 'added', '/var/cache/apt/archives/x', '', `f 755 0:0 ${DIGEST}`],
      [
        "a SUID program in place of apt's package index",
        'changed',
        '/var/cache/apt/pkgcache.bin',
        `f 644 0:0 ${DIGEST}`,
        `f 4755 0:0 ${DIGEST}`,
      ],
      ['an apt package list', 'added', '/var/lib/apt/lists/x_InRelease', '', `f 644 0:0 ${DIGEST}`],
      ['a removed log', 'removed', '/var/log/apt/history.log', `f 644 0:0 ${DIGEST}`, ''],
      [
        'a dpkg record of an alternative',
        'added',
        '/var/lib/dpkg/alternatives/pager',
        '',
        `f 644 0:0 ${DIGEST}`,
      ],
      [
        'a library cache with unknown contents',
        'changed',
        '/etc/ld.so.cache',
        `f 644 0:0 ${DIGEST}`,
        `f 644 0:0 ${DIGEST}`,
      ],
      ['an added /etc/inputrc', 'added', '/etc/inputrc', '', `f 644 0:0 ${DIGEST}`],
    ] as const
  ).map(([title, kind, path, before, after]): [string, () => PackageFacts, string[], RegExp] => [
    title,
    () => withChange('purge', kind, path, before, after),
    ['install.purge'],
    new RegExp(`purge: ${path} was `),
  ]),
  ...(
    [
      ['an alternative named sudo that links to a known program', '/etc/alternatives/sudo', '/usr/bin/bash'],
      ['a command that links to a known alternative', '/usr/bin/sudo', '/etc/alternatives/pager'],
    ] as const
  ).map(([title, path, target]): [string, () => PackageFacts, string[], RegExp] => [
    title,
    () => withFile('purge.changes.txt', (text) => `${text}added\t${path}\t\tl 777 0:0 ${target}\tknown\n`),
    ['install.purge'],
    new RegExp(`${path} was added`),
  ]),
  [
    'file trees that were not compared',
    () => withFile('upgrade-purge.changes.txt', () => ''),
    ['install.purge'],
    /upgrade-purge: the trees were not compared/,
  ],
  [
    'a comparison of only three paths',
    () => withValue('purge.compared', '3'),
    ['install.purge'],
    /purge: the trees were not compared/,
  ],
  [
    'a server that keeps running after remove',
    () => withValue('remove.process', 'same'),
    ['install.remove'],
    /remove\.process is "same"/,
  ],
  [
    'a remove without a systemctl call',
    () => withValue('remove.calls', ''),
    ['install.remove'],
    /systemctl calls: "" \(expected one stop, by prerm\)/,
  ],
  [
    'a distribution package whose server does not answer',
    () => withValue('distribution.stun', 'silent'),
    ['install.upgrade'],
    /distribution\.stun/,
  ],
  [
    'a server that does not answer before the upgrades',
    () => withValue('running.stun', 'silent'),
    ['install.failed-upgrade'],
    /running\.stun is "silent"/,
  ],
  ...(['truncated', 'preinst-fails', 'postinst-fails'] as const).flatMap(
    (name): [string, () => PackageFacts, string[], RegExp][] => [
      [
        `${name}: a different process`,
        () => withValue(`${name}.process`, 'other'),
        ['install.failed-upgrade'],
        /process is "other" \(expected "same"\)/,
      ],
      [
        `${name}: no answer`,
        () => withValue(`${name}.stun`, 'silent'),
        ['install.failed-upgrade'],
        /stun is "silent"/,
      ],
      [
        `${name}: a systemctl stop`,
        () =>
          withValue(`${name}.calls`, 'prerm, half-configured 4.6.1: stop;postinst, unpacked 4.6.1: start'),
        ['install.failed-upgrade'],
        /prerm calls systemctl stop$/,
      ],
      [
        `${name}: an upgrade that succeeds`,
        () => withValue(`${name}.exit`, '0'),
        ['install.failed-upgrade'],
        /the upgrade did not fail/,
      ],
      [
        `${name}: a half-installed package`,
        () => withValue(`${name}.package`, 'half-installed 4.6.1'),
        ['install.failed-upgrade'],
        /half-installed/,
      ],
    ],
  ),
  [
    'a restart of the old server after an aborted upgrade',
    () => withValue('truncated.calls', 'postinst, unpacked 4.6.1+turnbuild-1~deb13: restart'),
    ['install.failed-upgrade'],
    /postinst calls systemctl restart/,
  ],
  [
    'a recovery that fails',
    () => withValue('recovered.exit', '1'),
    ['install.failed-upgrade', 'install.restart'],
    /recovered\.exit is "1"/,
  ],
  [
    'a stop before the new files are unpacked',
    () =>
      withValue(
        'upgraded-running.calls',
        'prerm, half-configured 4.6.1+turnbuild-1~deb13+3: stop;postinst, half-configured 4.6.1+turnbuild-1~deb13+4: start',
      ),
    ['install.restart'],
    /upgraded-running: systemctl calls: "prerm, .*: stop; postinst, .*: start" \(expected "postinst/,
  ],
  [
    'a restart before systemd reloads the new unit',
    () => withValue('upgrade.reload', 'missing'),
    ['install.restart'],
    /upgrade: systemd restarted the server before it reloaded the new unit/,
  ],
  [
    'a second restart',
    () => {
      const calls = goodFacts().values.get('upgrade.calls') ?? '';
      return withValue('upgrade.calls', `${calls};${calls}`);
    },
    ['install.restart'],
    /upgrade: systemctl calls: /,
  ],
  [
    'a restart before the new version is configured',
    () => withValue('recovered.calls', 'postinst, unpacked 4.6.1+turnbuild-1~deb13+3: restart'),
    ['install.restart'],
    /recovered: systemctl calls: "postinst, unpacked/,
  ],
  [
    'a process that survives the upgrade',
    () => withValue('upgraded-running.process', 'same'),
    ['install.restart'],
    /upgraded-running\.process is "same"/,
  ],
  [
    'a server that does not answer after the upgrade',
    () => withValue('upgrade.stun', 'silent'),
    ['install.restart'],
    /upgrade\.stun is "silent"/,
  ],
];
