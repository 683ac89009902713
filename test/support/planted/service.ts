import { judgeAll } from '../../../src/checks/judge.ts';
import { serviceChecks } from '../../../src/checks/service-checks.ts';
import type { DrainFacts, LabFacts, ReloadFacts } from '../../../src/lab/facts.ts';
import { badOf, DRAIN, goodLab } from '../lab-facts.ts';
import { packageFacts } from '../package-facts.ts';

export const good = (): LabFacts => {
  const lab = goodLab();
  return { ...lab, service: { ...lab.service, drain: structuredClone(DRAIN) } };
};
export const judge = (lab: LabFacts | undefined, drains = true) =>
  judgeAll(serviceChecks, packageFacts({ lab, drains }));
export const bad = (lab: LabFacts | undefined) => badOf(serviceChecks, lab, { drains: true });

type Reached = LabFacts['service']['reached'][number];

function reached(lab: LabFacts, peer: string, by: Reached['by'] = 'relay'): Reached {
  const found = lab.service.reached.find((each) => each.peer === peer && each.by === by);
  if (found === undefined) throw new Error(`${peer} was not tried by a ${by}`);
  return found;
}

/** Newer versions' handling of link-local peers, independent of the configuration. */
export function refuse(lab: LabFacts): void {
  for (const each of lab.service.reached)
    if (each.by === 'relay') Object.assign(each, { permission: '403', packets: 0 });
}

/** The fault, the checks that it fails, the message of the first one, and the checks that each of them blocks. */
export const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp, Record<string, string[]>?][] = [
  [
    'a sandbox in which turnserver cannot start',
    (lab) => Object.assign(lab.service, { state: 'failed', log: '1\n2\n3\n4\n5\ncannot find any address' }),
    ['service.start'],
    /^the unit is failed: 2 \| 3 \| 4 \| 5 \| cannot find any address/,
    {
      'service.start': [
        'service.alone',
        'service.restart',
        'service.stop',
        'service.drain',
        'service.reload',
        'service.metadata',
      ],
    },
  ],
  [
    'a drop-in written by a maintainer script',
    (lab) =>
      Object.assign(lab.service, {
        fragments: [...lab.service.fragments, '/etc/systemd/system/coturn.service.d/override.conf'],
      }),
    ['service.unit'],
    /^\/etc\/systemd\/system\/coturn\.service\.d\/override\.conf changes the unit$/,
  ],
  [
    'a unit whose files were not listed',
    (lab) => Object.assign(lab.service, { fragments: [] }),
    ['service.unit'],
    /coturn\.service is not in \/usr\/lib\/systemd\/system/,
  ],
  [
    'a unit whose metrics cannot be read',
    (lab) => Object.assign(lab.service, { metrics: false }),
    ['service.start'],
    /metrics cannot be read/,
  ],
  ...(
    [
      [
        'another program in the unit',
        (seen) =>
          seen.processes.push({ program: '/usr/local/bin/helper', words: ['/usr/bin/turnserver'], uid: 100 }),
        /^\/usr\/local\/bin\/helper runs in the unit$/,
      ],
      [
        'a program that only resembles QEMU',
        (seen) =>
          seen.processes.push({ program: '/qemu-turn', words: ['x', '/usr/bin/turnserver'], uid: 100 }),
        /^\/qemu-turn runs in the unit$/,
      ],
      [
        'a turnserver that runs as root',
        (seen) => Object.assign(seen.processes[0] ?? {}, { uid: 0, capabilities: '1ffffffffff' }),
        /^\/usr\/bin\/turnserver runs as root$/,
      ],
      [
        'a turnserver that can regain root',
        (seen) => Object.assign(seen.processes[0] ?? {}, { uids: [100, 0] }),
        /^\/usr\/bin\/turnserver can become root$/,
      ],
      [
        'a turnserver with more capabilities than low ports require',
        (seen) => Object.assign(seen.processes[0] ?? {}, { capabilities: '200400' }),
        /^\/usr\/bin\/turnserver has capabilities \(200000\)$/,
      ],
      [
        'an unexpected open port',
        (seen) => seen.listening.push('tcp 020C0014:1F90'),
        /^turnserver listens on TCP port 8080$/,
      ],
      [
        'an open TCP port in the relay range',
        (seen) => seen.listening.push('tcp 020C0014:D3F7'),
        /^turnserver listens on TCP port 54263$/,
      ],
      [
        'an open UDP port below the relay range',
        (seen) => seen.listening.push('udp 020C0014:BFFF'),
        /^turnserver listens on UDP port 49151$/,
      ],
      [
        'an unexpected open port on loopback',
        (seen) => seen.listening.push('tcp 0100007F:1F90'),
        /^turnserver listens on TCP port 8080$/,
      ],
      [
        'metrics on a public address',
        (seen) => seen.listening.push('tcp6 01000026120000000000000002000000:25A9'),
        /^turnserver listens on TCP port 9641$/,
      ],
      ['a unit without processes', (seen) => seen.processes.splice(0), /^the unit has no process/],
      ['sockets that could not be read', (seen) => seen.listening.splice(0), /could not be determined/],
    ] as [string, (seen: NonNullable<LabFacts['service']['seen']>) => void, RegExp][]
  ).map(([title, change, message]): (typeof PLANTED)[number] => [
    title,
    ({ service }) => {
      if (service.seen === undefined) throw new Error('the fixture has no record of processes and sockets');
      change(service.seen);
    },
    ['service.alone'],
    message,
  ]),
  [
    'processes that were not recorded',
    (lab) => delete lab.service.seen,
    ['service.alone'],
    /^the processes of the unit were not recorded$/,
  ],
  [
    'a restart of unknown duration',
    (lab) => delete lab.service.downSeconds,
    ['service.restart'],
    /^after SIGKILL the unit is active$/,
  ],
  [
    'a unit that stays down after a crash',
    (lab) => Object.assign(lab.service, { restarted: 'failed' }),
    ['service.restart'],
    /after SIGKILL the unit is failed/,
  ],
  [
    'a unit that restarts after its clients have given up',
    (lab) => Object.assign(lab.service, { downSeconds: 45 }),
    ['service.restart'],
    /down for 45\.0 s after SIGKILL; clients retry for 39\.5 s/,
  ],
  [
    'a unit that fails when it is stopped',
    (lab) => Object.assign(lab.service, { stopped: 'signal' }),
    ['service.stop'],
    /the result of the unit is signal/,
  ],
  [
    'metadata reachable through the relay',
    (lab) => Object.assign(reached(lab, '169.254.169.254'), { packets: 3 }),
    ['service.metadata'],
    /3 datagrams left for 169\.254\.169\.254/,
  ],
  [
    'metadata reachable through the relay over IPv6',
    (lab) => Object.assign(reached(lab, 'fd00:ec2::254'), { packets: 1 }),
    ['service.metadata'],
    /1 datagrams left for fd00:ec2::254/,
  ],
  [
    'metadata reachable by a process of the unit',
    (lab) => Object.assign(reached(lab, '169.254.169.254', 'process'), { packets: 3 }),
    ['service.metadata'],
    /3 datagrams left for 169\.254\.169\.254, sent by a process/,
  ],
  [
    'a relay that cannot reach the neighbouring address',
    (lab) => Object.assign(reached(lab, '169.254.169.253'), { packets: 0 }),
    ['service.metadata'],
    /neighbouring IPv4 address was not reached by a relay, so the result proves nothing/,
  ],
  [
    'a process that cannot reach the neighbouring address, in a unit whose server refuses it',
    (lab) => {
      refuse(lab);
      Object.assign(reached(lab, 'fd00:ec2::253', 'process'), { packets: 0 });
    },
    ['service.metadata'],
    /neighbouring IPv6 address was not reached by a process, so the result proves nothing/,
  ],
  [
    'a configuration that still denies the metadata address',
    (lab) => Object.assign(reached(lab, '169.254.169.254'), { permission: '403' }),
    ['service.metadata'],
    /answered with 403, so the unit was not tested/,
  ],
  [
    'an IPv4 metadata address that was not tried through the relay',
    (lab) => {
      lab.service.reached = lab.service.reached.filter((each) => each !== reached(lab, '169.254.169.254'));
    },
    ['service.metadata'],
    /^no IPv4 metadata address was tried by a relay$/,
  ],
  [
    'a neighbouring address that was not tried',
    (lab) => {
      lab.service.reached = lab.service.reached.filter((each) => each !== reached(lab, '169.254.169.253'));
    },
    ['service.metadata'],
    /^the control failed: a neighbouring IPv4 address was not reached by a relay, so the result proves nothing/,
  ],
  [
    'metadata that is reachable although the neighbouring address is not',
    (lab) => {
      Object.assign(reached(lab, '169.254.169.254'), { packets: 3 });
      Object.assign(reached(lab, '169.254.169.253'), { packets: 0 });
    },
    ['service.metadata'],
    /datagrams left for 169\.254\.169\.254, sent by a relay; the control failed: a neighbouring IPv4 address was not reached by a relay/,
  ],
  [
    'metadata addresses that were not tried',
    (lab) => Object.assign(lab.service, { reached: [] }),
    ['service.metadata'],
    /no IPv4 metadata address was tried by a relay/,
  ],
  ...(
    [
      [
        'accepts a new client',
        { newcomer: 'success' },
        {},
        /a new client's allocation was answered with success/,
      ],
      [
        'ends at once',
        { newcomer: 'silence', received: 0 },
        {},
        /with silence; 2600 of 2600 messages were lost/,
      ],
      ['loses one message', { received: 2599 }, {}, /1 of 2600 messages were lost/],
      ['was tested without messages', { sent: 0, received: 0 }, {}, /0 of 0 messages/],
      [
        'continues after the last session',
        { seconds: 31 },
        {},
        /the unit took 31 s to stop after the last session/,
      ],
      ['waits too long for a vanished client', {}, { seconds: 51 }, /took 51 s; the deadline is 20 s/],
      ['ends with a timeout', { result: 'timeout' }, {}, /the result of the unit is timeout$/],
      [
        'ends with a signal after a client has vanished',
        {},
        { result: 'signal' },
        /the result of the unit is signal$/,
      ],
    ] satisfies [string, Partial<DrainFacts['session']>, Partial<DrainFacts['vanished']>, RegExp][]
  ).map(([name, session, vanished, message]): (typeof PLANTED)[number] => [
    `a drain that ${name}`,
    ({ service: { drain } }) => {
      if (drain === undefined) throw new Error('the facts have no drain');
      Object.assign(drain.session, session);
      Object.assign(drain.vanished, vanished);
    },
    ['service.drain'],
    message,
  ]),
  [
    'a stop that was not tried',
    (lab) => delete lab.service.drain,
    ['service.drain'],
    /no stop during a session was tried/,
  ],
  ...(
    [
      [
        'systemd refuses',
        { asked: 'Job type reload is not applicable' },
        /^systemctl reload: Job type reload/,
      ],
      [
        'keeps the old certificate',
        'old certificate',
        /^after the reload, TLS still serves the old certificate$/,
      ],
      [
        'breaks TLS',
        { after: 'Error: ECONNREFUSED' },
        /^after the reload, a TLS connection got Error: ECONNREFUSED$/,
      ],
      [
        'was requested while TLS was down',
        { before: 'Error: ECONNREFUSED' },
        /^before the reload, .*ECONNREFUSED$/,
      ],
      ['loses a message', { received: 99 }, /^1 of 100 messages were lost after the reload$/],
      ['was tested without messages', { sent: 0, received: 0 }, /^0 of 0 messages/],
      ['turnserver does not survive', { sameProcess: false }, /^turnserver did not survive the reload$/],
      [
        'was tested without a new certificate',
        'same files',
        /^the certificate was not replaced; after the reload, TLS still/,
      ],
    ] satisfies [string, Partial<ReloadFacts> | string, RegExp][]
  ).map(([name, change, message]): (typeof PLANTED)[number] => [
    `a reload that ${name}`,
    ({ service: { reload } }) => {
      if (reload === undefined) throw new Error('the facts have no reload');
      if (change === 'old certificate') reload.after = reload.before;
      else if (change === 'same files') {
        reload.files.after = reload.files.before;
        reload.after = reload.before;
      } else Object.assign(reload, change);
    },
    ['service.reload'],
    message,
  ]),
  [
    'a reload that was not tried',
    (lab) => delete lab.service.reload,
    ['service.reload'],
    /^no reload was tried$/,
  ],
  [
    'a laboratory where systemd does not run',
    (lab) => {
      lab.problems.service = 'a\nb\nc\nFailed to mount cgroup';
      Object.assign(lab.service, {
        state: 'not tried',
        restarted: 'not tried',
        stopped: 'not tried',
        reached: [],
      });
      delete lab.service.drain;
      delete lab.service.reload;
    },
    [
      'service.start',
      'service.restart',
      'service.stop',
      'service.drain',
      'service.reload',
      'service.metadata',
    ],
    /not tried.*\(service: b \| c \| Failed to mount cgroup\)$/,
  ],
];
