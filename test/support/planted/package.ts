import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { packageChecks } from '../../../src/checks/package-checks.ts';
import { trafficChecks } from '../../../src/checks/traffic-checks.ts';
import { goodFacts, withFile, withInspected, withoutFile, withValue } from '../verified-facts.ts';

// Faults of an .rpm are in rpm.ts.
export const CHECKS = [...packageChecks, ...trafficChecks].filter(
  ({ applies }) => applies?.(goodFacts().target) ?? true,
);

export function bad(facts: PackageFacts) {
  const results = judgeAll(CHECKS, facts);
  const of = (status: string) => results.filter((result) => result.status === status);
  return { failed: of('failed'), blocked: of('blocked') };
}

/** Checks of a running server. */
export const NEED_SERVER = ['server.stun', 'server.closed', 'relay.utilities', 'relay.refused'];

/** The planted fault, the facts, and the checks that must fail, with a message for the first. */
export const PLANTED: [string, () => PackageFacts, string[], RegExp][] = [
  [
    'a lintian error',
    () => withInspected('lintian', (t) => `${t}\nE: coturn: no-copyright-file\n`),
    ['package.lintian'],
    /no-copyright-file/,
  ],
  [
    'a unit file that was not read',
    () => withInspected('unread', () => '/pkg/usr/lib/systemd/system/coturn.service\n'),
    ['package.plain'],
    /not read: \/pkg\/usr\/lib\/systemd\/system\/coturn\.service/,
  ],
  [
    'an inspection without a list of skipped files',
    () => {
      const { unread: _, ...inspected } = goodFacts().inspected;
      return { ...goodFacts(), inspected };
    },
    ['package.plain'],
    /the inspection did not record which files it skipped/,
  ],
  [
    'a lintian warning',
    () => withInspected('lintian', (t) => `W: coturn: bad-thing\n${t}`),
    ['package.lintian'],
    /bad-thing/,
  ],
  [
    'a lintian override in a third-party package',
    () => ({ ...withInspected('lintian', (t) => `${t}\nO: coturn: bad-thing\n`), built: false }),
    ['package.lintian'],
    /O: coturn: bad-thing/,
  ],
  [
    'a lintian run with exit code 1',
    () => withInspected('lintianExit', () => '1\n'),
    ['package.lintian'],
    /exit code 1/,
  ],
  [
    'missing lintian output',
    () => {
      const { lintian: _, ...inspected } = goodFacts().inspected;
      return { ...goodFacts(), inspected };
    },
    ['package.lintian'],
    /^lintian did not finish/,
  ],
  [
    'a unit with a high exposure level',
    () => withInspected('systemd', () => '→ Overall exposure level for coturn.service: 9.0 UNSAFE'),
    ['package.unit'],
    /9 is above 1.6/,
  ],
  [
    'a high exposure level behind a forged lower one',
    () =>
      withInspected(
        'systemd',
        () =>
          `coturn.service:9: Unknown key 'Overall exposure level for coturn.service: 0.1 x'\n→ Overall exposure level for coturn.service: 0.1 x\n→ Overall exposure level for coturn.service: 9.6 UNSAFE\n`,
      ),
    ['package.unit'],
    /9\.6 is above/,
  ],
  [
    'a missing exposure level',
    () => withInspected('systemd', () => 'Failed to load unit'),
    ['package.unit'],
    /no exposure level/,
  ],
  ...(
    [
      [
        'a drop-in for the unit',
        'f\t/usr/lib/systemd/system/coturn.service.d/a.conf',
        /coturn\.service\.d\/a\.conf changes the unit/,
      ],
      [
        'a drop-in for all services',
        'f\t/etc/systemd/system/service.d/a.conf',
        /service\.d\/a\.conf changes/,
      ],
      ['a link to a folder of drop-ins', 'l\t/usr/lib/systemd/system/coturn.service.d', /service\.d changes/],
      [
        'a unit in /etc that overrides the packaged one',
        'f\t/etc/systemd/system/coturn.service',
        /\/etc\/.* changes the unit/,
      ],
      [
        'a drop-in in /usr/local',
        'f\t/usr/local/lib/systemd/system/coturn.service.d/a.conf',
        /local.* changes/,
      ],
      [
        'a runtime drop-in in /run',
        'f\t/run/systemd/system.control/coturn.service.d/a.conf',
        /run.* changes/,
      ],
      [
        'a .wants link to another unit',
        'l\t/lib/systemd/system/coturn.service.wants/evil.service',
        /wants.* changes/,
      ],
      [
        'a second definition of the unit',
        'f\t/lib/systemd/system/coturn.service',
        /the unit is defined twice: \/usr\/lib.*, \/lib/,
      ],
      [
        'a drop-in for an alias of the unit',
        'l\t/etc/systemd/system/t.service\nf\t/etc/systemd/system/t.service.d/a.conf',
        /t\.service\.d/,
      ],
      [
        "a drop-in for an alias's dash-terminated prefix",
        'l\t/etc/systemd/system/t-x.service\nf\t/etc/systemd/system/t-.service.d/a.conf',
        /t-\.service\.d/,
      ],
      [
        'a drop-in for the template of an alias',
        'l\t/etc/systemd/system/t@x.service\nf\t/etc/systemd/system/t@.service.d/a.conf',
        /t@\.service\.d/,
      ],
      [
        "a drop-in for the unit's slice",
        'f\t/usr/lib/systemd/system/system.slice.d/a.conf',
        /a\.conf applies to all units of a slice/,
      ],
      [
        'a drop-in for all slices',
        'f\t/etc/systemd/system/slice.d/a.conf',
        /a\.conf applies to all units of a slice/,
      ],
      [
        'a slice unit',
        'f\t/usr/lib/systemd/system/coturn.slice',
        /coturn\.slice applies to all units of a slice/,
      ],
      ['a unit generator', 'f\t/usr/lib/systemd/system-generators/evil', /generators\/evil applies to all/],
      [
        'a drop-in for the systemd manager',
        'f\t/etc/systemd/system.conf.d/a.conf',
        /a\.conf applies to all units/,
      ],
      [
        'a systemd folder that is a link',
        'l\t/usr/local/lib/systemd',
        /\/usr\/local\/lib\/systemd is a link/,
      ],
    ] as const
  ).map(([title, line, message]): [string, () => PackageFacts, string[], RegExp] => [
    title,
    () => withInspected('units', (text) => `${text}${line}\n`),
    ['package.unit-alone'],
    message,
  ]),
  [
    'a missing unit',
    () => withInspected('units', () => ''),
    ['package.unit-alone'],
    /coturn\.service is not in \/usr\/lib\/systemd\/system/,
  ],
  [
    'systemd folders that were not listed',
    () => {
      const { units: _, ...inspected } = goodFacts().inspected;
      return { ...goodFacts(), inspected };
    },
    ['package.unit-alone'],
    /were not listed/,
  ],
  [
    'a unit that does not wait for the network',
    () => withInspected('unit', (t) => t.replace('After=network-online.target', 'After=network.target')),
    ['package.unit-settings'],
    /network-online/,
  ],
  [
    'a unit with a start limit',
    () => withInspected('unit', (t) => t.replace('StartLimitIntervalSec=0\n', '')),
    ['package.unit-settings'],
    /StartLimitIntervalSec/,
  ],
  [
    'too few file descriptors',
    () => withInspected('unit', (t) => t.replace(/LimitNOFILE=\d+/, 'LimitNOFILE=1024')),
    ['package.unit-settings'],
    /1024 is too low for 16383/,
  ],
  [
    'one file descriptor too few',
    () => withInspected('unit', (t) => t.replace(/LimitNOFILE=\d+/, 'LimitNOFILE=33765')),
    ['package.unit-settings'],
    /^LimitNOFILE=33765 is too low for 16383 relay ports$/,
  ],
  [
    'a unit without a file descriptor limit',
    () => withInspected('unit', (t) => t.replace(/^LimitNOFILE=.*$/m, '')),
    ['package.unit-settings'],
    /^no line matches \^LimitNOFILE=\\d\+$/,
  ],
  [
    'a unit that allows metadata addresses',
    () => withInspected('unit', (t) => t.replace(/^IPAddressDeny=.*$/m, '')),
    ['package.unit-settings'],
    /169/,
  ],
  [
    'a misspelt denied-peer-ip',
    () =>
      withInspected('configuration', (t) =>
        t.replace('denied-peer-ip=10.0.0.0-', 'denied-peer-ips=10.0.0.0-'),
      ),
    ['package.configuration'],
    /no option "denied-peer-ips"/,
  ],
  [
    'a missing denied-peer-ip range',
    () => withInspected('configuration', (t) => t.replace(/^denied-peer-ip=169.*$/m, '')),
    ['package.configuration'],
    /no denied-peer-ip covers 169\.254\.169\.254 \(metadata service\)/,
  ],
  [
    'an IPv6 range that also denies all of IPv4',
    () => withInspected('configuration', (t) => `${t}\ndenied-peer-ip=::-::ffff:ffff:ffff\n`),
    ['package.configuration'],
    /line 128: .* also covers every IPv4 address; line 128: it denies 1\.1\.1\.1/,
  ],
  [
    'a range that covers an address numerically but not byte by byte',
    () =>
      withInspected('configuration', (t) =>
        t.replace(/^denied-peer-ip=::100:0:0-.*$/m, 'denied-peer-ip=::1:0:0-::ffff:ffff:fffe'),
      ),
    ['package.configuration'],
    /no denied-peer-ip covers ::ffff:255\.255\.255\.255 \(.*; no denied-peer-ip covers ::100:0:0 \(below 2000/,
  ],
  [
    'a CIDR range',
    () => withInspected('configuration', (t) => `${t}\ndenied-peer-ip=10.0.0.0/8\n`),
    ['package.configuration'],
    /"10\.0\.0\.0\/8" is a CIDR range/,
  ],
  [
    'a shipped secret',
    () => withInspected('configuration', (t) => `${t}\nstatic-auth-secret=north\n`),
    ['package.configuration'],
    /static-auth-secret is set/,
  ],
  [
    'a configuration without authentication',
    () => withInspected('configuration', (t) => t.replace(/^lt-cred-mech$/m, 'no-auth')),
    ['package.configuration'],
    /no-auth: anyone can use the relay/,
  ],
  [
    'an option of another version',
    () => withInspected('configuration', (t) => `${t}\ndrain-min-allocations=5\n`),
    ['package.configuration'],
    /drain-min-allocations/,
  ],
  [
    'a failing STUN test vector',
    () => withFile('rfc5769check.log', (t) => t.replace('success', 'failure')),
    ['stun.vectors'],
    /rfc5769check/,
  ],
  [
    'a STUN vector test with exit code 1',
    () => withValue('rfc5769check.exit', '1'),
    ['stun.vectors'],
    /^turnutils_rfc5769check ended with exit code 1: /,
  ],
  [
    'a STUN vector test without output',
    () => withFile('rfc5769check.log', () => ''),
    ['stun.vectors'],
    /no vector/,
  ],
  [
    'an unexpected open port',
    () => withFile('shipped.listening', (t) => `${t}tcp 030011AC:1F90\n`),
    ['server.closed'],
    /turnserver listens on TCP port 8080/,
  ],
  [
    'an open relay port without an allocation',
    () => withFile('shipped.listening', (t) => `${t}udp 030011AC:C000\n`),
    ['server.closed'],
    /turnserver listens on UDP port 49152/,
  ],
  [
    'metrics on all addresses',
    () => withFile('shipped.listening', (t) => `${t}tcp6 00000000000000000000000000000000:25A9\n`),
    ['server.closed'],
    /turnserver listens on TCP port 9641/,
  ],
  [
    'a missing list of listening sockets',
    () => withFile('shipped.listening', () => ''),
    ['server.closed'],
    /turnserver's listening sockets could not be determined/,
  ],
  [
    'a server that logs nothing',
    () => withFile('shipped.log', () => ''),
    ['server.shipped'],
    /logged nothing/,
  ],
  [
    'a server that logs only a blank line',
    () => withFile('shipped.log', () => ' \n'),
    ['server.shipped'],
    /logged nothing/,
  ],
  [
    'a configuration line that turnserver rejects',
    () => withFile('shipped.log', (t) => `${t}\n0: : WARNING: Bad configuration format: denied-peer-ips\n`),
    ['server.shipped'],
    /denied-peer-ips/,
  ],
  [
    'no answer to a STUN request',
    () => withFile('stun.log', () => ''),
    ['server.stun'],
    /no reflexive address/,
  ],
  [
    'a relay for a client without an account',
    () => withFile('stranger.log', (t) => `${t}\n0: : start_mclient: tot_send_msgs=1, tot_recv_msgs=1`),
    ['server.closed'],
    /stranger client got a relay/,
  ],
  [
    'an anonymous client that did not run',
    () => withoutFile('anonymous.log'),
    ['server.closed'],
    /anonymous client did not run/,
  ],
  ['an open telnet port', () => withValue('shipped.cli', 'open'), ['server.closed'], /5766 is open/],
  [
    'public metrics',
    () => withValue('shipped.metrics.public', 'yes'),
    ['server.closed'],
    /metrics can be read/,
  ],
  [
    'metrics whose reachability is unknown',
    () => withValue('shipped.metrics.public', 'unknown'),
    ['server.closed'],
    /whether the metrics are public could not be tested/,
  ],
  [
    'a client without an account that crashes instead of being refused',
    () => withFile('stranger.log', () => 'Segmentation fault'),
    ['server.closed'],
    /the stranger client was not refused, or its output does not show it: /,
  ],
  [
    'a lost message',
    () => withFile('client.log', (t) => t.replaceAll('tot_recv_msgs=50', 'tot_recv_msgs=49')),
    ['relay.utilities'],
    /49 of 50 messages came back from the peer/,
  ],
  [
    'a client that gives up halfway',
    () =>
      withFile('client.log', (t) =>
        t
          .replaceAll('tot_send_msgs=50', 'tot_send_msgs=20')
          .replaceAll('tot_recv_msgs=50', 'tot_recv_msgs=20'),
      ),
    ['relay.utilities'],
    /20 of 50 messages were sent/,
  ],
  [
    'a client that cannot connect',
    () => withFile('client.log', () => 'a\nb\nc\nd\ncannot connect\n'),
    ['relay.utilities'],
    /^the client sent no message: b \| c \| d \| cannot connect$/,
  ],
  [
    'a packaged client that did not run',
    () => withoutFile('client.log'),
    ['relay.utilities'],
    /^the client sent no message: \(no output\)$/,
  ],
  [
    'a wrong password that is accepted',
    () => withFile('wrong.log', () => 'start_mclient: tot_send_msgs=1, tot_recv_msgs=1'),
    ['relay.refused'],
    /got a relay/,
  ],
  [
    'a client with a wrong password that crashes instead of being refused',
    () => withFile('wrong.log', () => 'a\nb\nc\nd\nSegmentation fault\n'),
    ['relay.refused'],
    /was not refused, or its output does not show it: b \| c \| d \| Segmentation fault$/,
  ],
  ['a wrong password that was not tried', () => withoutFile('wrong.log'), ['relay.refused'], /did not run/],
  [
    'a server that starts only with the shipped configuration',
    () => withValue('utilities.ready', 'no'),
    ['relay.utilities', 'relay.refused'],
    /turnserver did not start/,
  ],
  [
    'a server that exits with 143 when stopped',
    () => withValue('utilities.stop', '143'),
    ['server.stop'],
    /utilities ended with 143/,
  ],
  [
    'a server that hangs when stopped',
    () => withValue('shipped.stop', 'hung'),
    ['server.stop'],
    /shipped ended with hung/,
  ],
];
