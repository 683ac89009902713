import { elfChecks } from '../../../src/checks/elf-checks.ts';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { packageChecks } from '../../../src/checks/package-checks.ts';
import { rpmChecks } from '../../../src/checks/rpm-checks.ts';
import { tarballChecks } from '../../../src/checks/tarball-checks.ts';
import { portableFacts, program } from '../verified-portable.ts';

const own = ['package.rpmlint', 'package.requires', 'elf.glibc', 'elf.prometheus'];
export const CHECKS = [
  ...[...packageChecks, ...elfChecks].filter(({ id }) => own.includes(id)),
  ...rpmChecks,
  ...tarballChecks,
];
export const failures = (facts: PackageFacts) =>
  judgeAll(CHECKS, facts).filter((result) => result.status === 'failed');

const withValue = (name: string, value: string): PackageFacts => ({
  ...portableFacts(),
  values: new Map([...portableFacts().values, [name, value]]),
});
const withFile = (name: string, change: (text: string) => string): PackageFacts => ({
  ...portableFacts(),
  files: new Map([...portableFacts().files, [name, change(portableFacts().files.get(name) ?? '')]]),
});
const withoutFile = (name: string): PackageFacts => ({
  ...portableFacts(),
  files: new Map([...portableFacts().files].filter(([each]) => each !== name)),
});
const withInspected = (name: string, change: (text: string) => string): PackageFacts => ({
  ...portableFacts(),
  inspected: { ...portableFacts().inspected, [name]: change(portableFacts().inspected[name] ?? '') },
});
const withChange = (path: string) =>
  withFile('purge.changes.txt', (text) => `${text}added\t${path}\t\tf 644 0:0 aa\n`);

const DIGEST = 'ab'.repeat(32);

/** The planted fault, the facts, and the checks that must fail, with a message for the first. */
export const PLANTED: [string, () => PackageFacts, string[], RegExp][] = [
  [
    'a manual page missing from an .rpm',
    () => withValue('install.manual', ''),
    ['install.clean'],
    /^turnserver\(1\) is not installed$/,
  ],
  [
    "a missing list of an .rpm's unresolved libraries",
    () => withoutFile('unresolved.txt'),
    ['install.clean'],
    /^libraries not found: the list is missing$/,
  ],
  [
    'a failed upgrade that calls systemctl stop',
    () => withValue('truncated.calls', 'scriptlet, 4.6.1+turnbuild-1: stop'),
    ['install.failed-upgrade'],
    /^truncated: systemctl calls: "stop" \(expected none\)$/,
  ],
  [
    'an existing link that now points to an alternative',
    () =>
      withFile(
        'purge.changes.txt',
        (text) => `${text}changed\t/usr/bin/x\tl 777 0:0 /x\tl 777 0:0 /etc/alternatives/x\tknown\n`,
      ),
    ['install.purge'],
    /\/usr\/bin\/x was changed \(l 777 0:0 \/x -> l 777 0:0 \/etc\/alternatives\/x\)$/,
  ],
  [
    'a tarball whose server exits with 143 when stopped',
    () => withValue('tarball.stop', '143'),
    ['tarball.runs'],
    /^tarball\.stop is "143" \(expected "0"\)$/,
  ],
  [
    'a tarball whose required libraries are unknown',
    () => withFile('tarball.libraries', () => ''),
    ['tarball.runs'],
    /the libraries that turnserver needs are unknown/,
  ],
  [
    'an rpmlint error',
    () =>
      withInspected(
        'rpmlint',
        (t) => `${t}coturn.x86_64: E: binary-or-shlib-defines-rpath /usr/bin/turnserver\n`,
      ),
    ['package.rpmlint'],
    /defines-rpath/,
  ],
  [
    'an rpmlint run with exit code 1',
    () => withInspected('rpmlintExit', () => '1\n'),
    ['package.rpmlint'],
    /exit code 1/,
  ],
  [
    'a statically linked library that is also required',
    () => withInspected('requires', (t) => `${t}libssl.so.3()(64bit)\n`),
    ['package.requires'],
    /libssl\.so\.3/,
  ],
  [
    'a package that does not require the C library',
    () => withInspected('requires', () => '/bin/sh\n'),
    ['package.requires'],
    /the C library is not required either/,
  ],
  [
    'a symbol of a newer C library',
    () => ({
      ...portableFacts(),
      elf: [program('2.34'), { ...program('2.36'), path: '/usr/bin/turnutils_peer' }],
      tarballElf: [program('2.34'), { ...program('2.36'), path: '/bin/turnutils_peer' }],
    }),
    ['elf.glibc'],
    /turnutils_peer needs GLIBC_2\.36/,
  ],
  [
    'a program without libmicrohttpd',
    () => ({ ...portableFacts(), hasMicrohttpd: false }),
    ['elf.prometheus'],
    /no Prometheus/,
  ],
  [
    'an installation that fails',
    () => withValue('install.exit', '1'),
    ['install.clean'],
    /install\.exit is "1"/,
  ],
  [
    'an installation that fails with an error from dnf',
    () => {
      const facts = withFile('install.log', () => 'Error: one\n Error: Transaction failed \nSee the log\n');
      return { ...facts, values: new Map([...facts.values, ['install.exit', '1']]) };
    },
    ['install.clean'],
    /; dnf: Error: Transaction failed$/,
  ],
  [
    'a failing %post scriptlet although dnf exits with 0',
    () =>
      withFile(
        'install.log',
        (t) => `${t}warning: %post(coturn-4.6.1+turnbuild-1.x86_64) scriptlet failed, exit status 1\n`,
      ),
    ['install.clean'],
    /install: warning: %post\(coturn.*scriptlet failed/,
  ],
  [
    'a failing scriptlet in an upgrade',
    () => withFile('upgrade.log', (t) => `${t}Error in POSTUN scriptlet in rpm package coturn\n`),
    ['install.upgrade'],
    /upgrade: Error in POSTUN scriptlet/,
  ],
  [
    'a failing scriptlet during removal',
    () => {
      const facts = portableFacts();
      const log = 'Error in PREUN scriptlet in rpm package coturn\n';
      return { ...facts, files: new Map([...facts.files, ['remove.log', log]]) };
    },
    ['install.remove'],
    /remove: Error in PREUN scriptlet/,
  ],
  [
    'a file that differs from the package',
    () => withValue('rpm-verify.exit', '1'),
    ['install.clean'],
    /rpm-verify/,
  ],
  [
    'an installation that pulled in no dependencies',
    () => withFile('installed.packages', () => 'coturn-4.6.1+turnbuild-1.x86_64\n'),
    ['install.clean'],
    /dnf resolved no dependencies/,
  ],
  [
    'a world-readable configuration',
    () => withValue('install.configuration', 'root:root:644'),
    ['install.clean'],
    /root:root:644/,
  ],
  [
    'a missing library',
    () => withFile('unresolved.txt', () => 'libpq.so.5 => not found'),
    ['install.clean'],
    /libpq/,
  ],
  [
    'a server that keeps running after removal',
    () => withValue('remove.process', 'same'),
    ['install.remove'],
    /remove\.process/,
  ],
  [
    'a unit that stays enabled',
    () => withValue('remove.calls', 'scriptlet, 4.6.1+turnbuild-1: stop'),
    ['install.remove'],
    /systemctl calls: "stop" \(expected "disable; stop"\)/,
  ],
  [
    'a program left behind',
    () => withChange('/usr/bin/turnserver'),
    ['install.purge'],
    /turnserver was added$/,
  ],
  [
    'a configuration folder left behind',
    () => withChange('/etc/coturn'),
    ['install.purge'],
    /\/etc\/coturn was added/,
  ],
  ...(
    [
      ['a SUID program in place of the database', '/var/lib/coturn/turndb', `f 4755 0:0 ${DIGEST}`],
      ['a database owned by root', '/var/lib/coturn/turndb', `f 644 0:0 ${DIGEST}`],
      ['a world-writable data folder', '/var/lib/coturn', 'd 777 999:999 '],
      ['a program in place of a log', '/var/log/dnf.log', `f 755 0:0 ${DIGEST}`],
      ["a program in rpm's database folder", '/var/lib/rpm/x', `f 755 0:0 ${DIGEST}`],
      ['a world-writable rpm database', '/var/lib/rpm/rpmdb.sqlite', `f 666 0:0 ${DIGEST}`],
      ["a SUID program in dnf's cache", '/var/cache/dnf/x', `f 4755 0:0 ${DIGEST}`],
      ["another user's folder in dnf's cache", '/var/cache/dnf/x', 'd 755 999:999 '],
    ] as const
  ).map(([title, path, state]): [string, () => PackageFacts, string[], RegExp] => [
    title,
    () => withFile('purge.changes.txt', (text) => `${text}added\t${path}\t\t${state}\n`),
    ['install.purge'],
    new RegExp(`${path} was added`),
  ]),
  ...(
    [
      ['that replaces an existing one', 'changed', '/etc/alternatives/pager', '/usr/bin/bash'],
      ['that shadows another command', 'added', '/usr/local/bin/sudo', '/etc/alternatives/pager'],
      [
        'that makes systemd start a unit',
        'added',
        '/usr/lib/systemd/system/sysinit.target.wants/debug-shell.service',
        '/etc/alternatives/pager',
      ],
    ] as const
  ).map(([title, kind, path, target]): [string, () => PackageFacts, string[], RegExp] => [
    `an alternative ${title}`,
    () =>
      withFile(
        'purge.changes.txt',
        (text) => `${text}${kind}\t${path}\tl 777 0:0 /x\tl 777 0:0 ${target}\tknown\n`,
      ),
    ['install.purge'],
    new RegExp(`${path} was ${kind}`),
  ]),
  [
    'a removed rpm database',
    () =>
      withFile(
        'purge.changes.txt',
        (text) => `${text}removed\t/var/lib/rpm/rpmdb.sqlite\tf 644 0:0 ${DIGEST}\t\n`,
      ),
    ['install.purge'],
    /rpmdb\.sqlite was removed/,
  ],
  [
    'an edited configuration lost on removal',
    () => withValue('upgrade-remove.saved', 'gone'),
    ['install.purge'],
    /saved/,
  ],
  [
    'edits lost in an upgrade',
    () => withValue('upgrade.configuration', 'changed'),
    ['install.upgrade'],
    /changed/,
  ],
  [
    'accounts lost in an upgrade',
    () => withValue('upgrade.account', '0'),
    ['install.upgrade'],
    /upgrade\.account/,
  ],
  [
    "leftover tools that conflict with EPEL's",
    () => withValue('upgrade.utils', 'left'),
    ['install.upgrade'],
    /utils/,
  ],
  [
    'a failing scriptlet that does not fail the upgrade',
    () => withValue('pre-fails.exit', '0'),
    ['install.failed-upgrade'],
    /the upgrade did not fail/,
  ],
  [
    'a failed upgrade that stops the server',
    () => withValue('truncated.process', 'gone'),
    ['install.failed-upgrade'],
    /truncated\.process/,
  ],
  [
    'an upgrade without a restart',
    () => withValue('upgraded-running.calls', ''),
    ['install.restart'],
    /systemctl calls: "" \(expected "try-restart"\)/,
  ],
  [
    'a tarball whose server does not start',
    () => withValue('tarball.ready', 'no'),
    ['tarball.runs'],
    /tarball\.ready/,
  ],
  [
    'a tarball that needs a shared library',
    () => withFile('tarball.libraries', (t) => `${t}/lib/x86_64-linux-gnu/libssl.so.3\n`),
    ['tarball.runs'],
    /libssl/,
  ],
  [
    'a tarball that changes its own files',
    () => withValue('tarball.changed', '../../unit/checks/etc/turnserver.conf'),
    ['tarball.runs'],
    /changed/,
  ],
  [
    'a tarball whose server relays for a client without an account',
    () => withFile('tarball.stranger.log', () => 'tot_send_msgs=1, tot_recv_msgs=0\n'),
    ['tarball.runs'],
    /got a relay/,
  ],
  [
    'a tarball that was not tried without an account',
    () => withoutFile('tarball.stranger.log'),
    ['tarball.runs'],
    /did not run/,
  ],
  [
    'a tarball whose client crashes instead of being refused',
    () => withFile('tarball.stranger.log', () => 'Segmentation fault\n'),
    ['tarball.runs'],
    /was not refused, or its output does not show it: /,
  ],
  [
    'a tarball whose server does not answer although the client exits with 0',
    () => withFile('tarball.stun.log', () => '0: : ERROR: STUN receive timeout..\n'),
    ['tarball.runs'],
    /no answer to a STUN request/,
  ],
  [
    'programs without build IDs in the .rpm and the tarball',
    () => ({
      ...portableFacts(),
      elf: [{ ...program('2.34'), notes: '' }],
      tarballElf: [{ ...program('2.34'), notes: '' }],
    }),
    ['tarball.programs'],
    /without a build id/,
  ],
  [
    'a program without a readable C library version',
    () => ({ ...portableFacts(), elf: [{ ...program('2.34'), versions: '' }] }),
    ['elf.glibc'],
    /has no readable C library version/,
  ],
  [
    'a tarball with a configuration line that turnserver rejects',
    () => withFile('tarball.log', (t) => `${t}0: : WARNING: Bad configuration format: userdbb\n`),
    ['tarball.runs'],
    /turnserver rejects a line of the configuration/,
  ],
  [
    'a tarball with a different program',
    () => ({ ...portableFacts(), tarballElf: [{ ...program('2.34', 'bb'), path: '/bin/turnserver' }] }),
    ['tarball.programs'],
    /the tarball lacks turnserver aa/,
  ],
];
