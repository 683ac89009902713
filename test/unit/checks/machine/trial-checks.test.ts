import { describe, expect, it } from 'vitest';
import { type ImageFacts, judgeImage } from '../../../../src/checks/machine/check.ts';
import { trialChecks } from '../../../../src/checks/machine/trial-checks.ts';
import type { ForbiddenFacts } from '../../../../src/lab/facts.ts';
import type { BootFacts, MachineRelay, TrialFacts } from '../../../../src/lab/machine/facts.ts';
import { TRIED_PORTS } from '../../../../src/lab/machine/trials/openings.ts';
import { forbiddenPeers } from '../../../../src/turn/forbidden-peers.ts';

const RELAY: MachineRelay = {
  ...{ transport: 'udp', server: '20.0.9.10', relayed: '20.0.9.10' },
  ...{ sent: 100, received: 100 },
};
const LOST: MachineRelay = { ...RELAY, received: 98 };
const REFUSED: MachineRelay = { ...RELAY, sent: 0, received: 0, error: 'Allocate: 401 Unauthorized' };

const metrics = (messages: number, more = 'turn_agent_relay_ports 1000') =>
  [
    `turn_total_traffic_peer_sentp ${messages}`,
    `turn_total_traffic_peer_rcvp ${messages}`,
    `turn_total_traffic_peer_sentb ${messages * 100}`,
    `turn_total_traffic_peer_rcvb ${messages * 100}`,
    'turn_total_allocations{type="UDP"} 0',
    more,
    '',
  ].join('\n');
const SESSIONS = {
  ...{ sessions: 1, messages: 100, channelMessages: 100, bytesPerMessage: 100 },
  ...{ before: metrics(800), after: metrics(900) },
};

const isRelay = (port: number) => port >= 20_000 && port <= 20_999;
const OPENINGS: NonNullable<TrialFacts['openings']> = {
  tried: [...TRIED_PORTS],
  reached: (['ipv4', 'ipv6'] as const).flatMap((family) => [
    { family, protocol: 'tcp' as const, ports: [443, 3478, 5349] },
    { family, protocol: 'udp' as const, ports: [443, 3478, 5349, ...TRIED_PORTS.filter(isRelay)] },
  ]),
};
const withPorts = (protocol: string, family: string, change: (ports: number[]) => number[]) => ({
  ...OPENINGS,
  reached: OPENINGS.reached.map((each) =>
    each.protocol === protocol && each.family === family ? { ...each, ports: change(each.ports) } : each,
  ),
});

const FORBIDDEN: ForbiddenFacts = {
  attempts: forbiddenPeers(['172.31.16.10']).flatMap(({ peer, kind }) =>
    (['CreatePermission', 'ChannelBind', 'Send', 'Connect'] as const).map((by) => ({
      ...{ peer, kind, by },
      found: by === 'Send' ? 'sent' : '403',
    })),
  ),
  leaked: [],
  control: { received: 1, captured: 1 },
  control6: { received: 1, captured: 1 },
};
const ROTATION: NonNullable<TrialFacts['rotation']> = {
  seconds: 41.2,
  relay: RELAY,
  old: REFUSED,
  certificates: { stored: ['AA', 'BB'], shown: ['AA', 'BB'] },
};
const FAULTS = [
  ['silent', 'was silent'],
  ['answers 403', 'answered 403'],
  ['answers with a web page', 'answered with a web page'],
  ['gives a wrong address', 'gave a wrong address'],
] as const;
const UNREADY: NonNullable<TrialFacts['unready']> = {
  phases: FAULTS.map(([fault]) => ({ fault, requests: 3, answered: false })),
  recovered: 12,
  relay: { ...RELAY, server: '172.31.16.10', relayed: '172.31.16.10' },
  journal: ['there is no public address: serving the private one, 172.31.16.10'],
};
const UNGUARDED: NonNullable<TrialFacts['unguarded']> = {
  leaked: [],
  control: 1,
  own: Array.from({ length: 12 }, (_, index) => ({ peer: `127.0.0.1 port ${index}`, found: 'silence' })),
  unprotected: 'success',
};

const FIRST: TrialFacts = {
  ...{ openings: OPENINGS, metrics: { sessions: SESSIONS, stranger: false }, forbidden: FORBIDDEN },
  ...{ rotation: ROTATION, moved: { seconds: 14, relay: RELAY } },
};
const SECOND: TrialFacts = { unready: UNREADY, attached: { seconds: 9, relay: RELAY }, unguarded: UNGUARDED };
const OTHER: TrialFacts = { drained: { relay: { ...RELAY, sent: 40, received: 40 }, after: 3 } };

const bootOf = (trials: TrialFacts, problems: BootFacts['problems'] = {}): BootFacts => ({
  ...{ relays: [], kernel: true, off: true, offSeconds: 4, console: [] },
  ...{ trials, problems },
});
const factsOf = (first: TrialFacts, second: TrialFacts, other: TrialFacts = OTHER): ImageFacts => ({
  machine: {
    boots: [bootOf(first), bootOf(second), bootOf(other)],
    kvm: false,
    volumeBytes: 0,
    relayPorts: { first: 20_000, last: 20_999 },
    limits: { userQuota: 2, totalQuota: 4, maxBps: 20_000 },
  },
  contents: { maxUsedMiB: 250 },
  cloud: 'aws',
  ssh: false,
  drains: true,
  deviations: [],
});
const HEALTHY = factsOf(FIRST, SECOND);
const first = (more: TrialFacts) => factsOf({ ...FIRST, ...more }, SECOND);
const second = (more: TrialFacts) => factsOf(FIRST, { ...SECOND, ...more });
const drained = (more: NonNullable<TrialFacts['drained']>) => factsOf(FIRST, SECOND, { drained: more });
const rotation = (more: Partial<typeof ROTATION>) => first({ rotation: { ...ROTATION, ...more } });
const unready = (more: Partial<typeof UNREADY>) => second({ unready: { ...UNREADY, ...more } });
const unguarded = (more: Partial<typeof UNGUARDED>) => second({ unguarded: { ...UNGUARDED, ...more } });
const shown = (...list: [string, string]) =>
  rotation({ certificates: { stored: ['AA', 'BB'], shown: list } });
const phase = (fault: string, more: object) =>
  unready({ phases: UNREADY.phases.map((each) => (each.fault === fault ? { ...each, ...more } : each)) });
const results = (facts: ImageFacts) => new Map(judgeImage(trialChecks, facts).map((each) => [each.id, each]));
const without = <T extends object, K extends keyof T>(from: T, name: K): Omit<T, K> => {
  const { [name]: _, ...rest } = from;
  return rest;
};

/** For each check: planted faults, and the words by which its message names them. */
const PLANTED: Record<string, [fault: string, facts: ImageFacts, words: string][]> = {
  'machine.firewall': [
    ...(['ipv4', 'ipv6'] as const).flatMap((family): [string, ImageFacts, string][] => {
      const name = family === 'ipv4' ? 'IPv4' : 'IPv6';
      return [
        [
          `an open SSH port over ${name}`,
          first({ openings: withPorts('tcp', family, (ports) => [...ports, 22]) }),
          `TCP over ${name}: 22 can be reached`,
        ],
        [
          `an open NTP port over ${name}`,
          first({ openings: withPorts('udp', family, (ports) => [...ports, 123]) }),
          `UDP over ${name}: 123 can be reached`,
        ],
        [
          `a closed end of the relay range over ${name}`,
          first({ openings: withPorts('udp', family, (ports) => ports.filter((port) => port !== 20_999)) }),
          `UDP over ${name}: 20999 cannot be reached`,
        ],
        [
          `a closed TLS port over ${name}`,
          first({ openings: withPorts('tcp', family, (ports) => ports.filter((port) => port !== 5349)) }),
          `TCP over ${name}: 5349 cannot be reached`,
        ],
        [
          `a closed port 443 over ${name}`,
          first({ openings: withPorts('tcp', family, (ports) => ports.filter((port) => port !== 443)) }),
          `TCP over ${name}: 443 cannot be reached`,
        ],
      ];
    }),
    [
      'a relay range that is one port too wide',
      first({ openings: withPorts('udp', 'ipv4', (ports) => [...ports, 21_000]) }),
      '21000 can be reached',
    ],
    [
      'TCP in the relay range',
      first({ openings: withPorts('tcp', 'ipv4', (ports) => [...ports, 20_000]) }),
      '20000',
    ],
    ['few ports', first({ openings: { ...OPENINGS, tried: [3478, 5349] } }), 'only 2 ports were tried'],
    ['a protocol that was not tried', first({ openings: { ...OPENINGS, reached: [] } }), 'cannot be reached'],
  ],
  'machine.metrics': [
    [
      'an open port',
      first({ metrics: { sessions: SESSIONS, stranger: true } }),
      'outside the configured networks',
    ],
    [
      'lost counts',
      first({ metrics: { sessions: { ...SESSIONS, after: metrics(899) }, stranger: false } }),
      'turn_total_traffic_peer_sentp: +99 (expected +100)',
    ],
    [
      'another capacity',
      first({
        metrics: {
          sessions: { ...SESSIONS, after: metrics(900, 'turn_agent_relay_ports 999') },
          stranger: false,
        },
      }),
      'turn_agent_relay_ports is 999 (expected 1000)',
    ],
    [
      'no capacity',
      first({ metrics: { sessions: { ...SESSIONS, after: metrics(900, '') }, stranger: false } }),
      'turn_agent_relay_ports is missing',
    ],
  ],
  'machine.peers': [
    [
      'a packet to the metadata service',
      first({ forbidden: { ...FORBIDDEN, leaked: ['IP 172.31.16.10.20001 > 169.254.169.254.4444: UDP'] } }),
      '1 packets left the server',
    ],
    [
      'a permission',
      first({
        forbidden: {
          ...FORBIDDEN,
          attempts: FORBIDDEN.attempts.map((each) =>
            each.peer === '10.0.0.1' && each.by === 'CreatePermission' ? { ...each, found: 'success' } : each,
          ),
        },
      }),
      'CreatePermission was granted for 1 of',
    ],
    [
      'a capture that sees nothing',
      first({ forbidden: { ...FORBIDDEN, control6: { received: 1, captured: 0 } } }),
      'the control failed',
    ],
  ],
  'machine.guards': [
    ...['169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254'].map((address): [string, ImageFacts, string] => [
      `a packet to ${address}`,
      unguarded({ leaked: [`IP 172.31.16.10.20001 > ${address}.4444: UDP`] }),
      '1 packets reached a metadata service',
    ]),
    [
      'metrics through the relay',
      unguarded({
        own: [...UNGUARDED.own.slice(1), { peer: '172.31.16.10 port 9641', found: 'success' }],
      }),
      'a client connected through the relay to 172.31.16.10 port 9641',
    ],
    ['few services', unguarded({ own: UNGUARDED.own.slice(1) }), 'only 11 services'],
    ['a relay that does not work', unguarded({ control: 0 }), 'the control failed'],
    [
      'a relay that never connects',
      unguarded({ unprotected: '447' }),
      'without the firewall, a connection to 127.0.0.1 port 0 ended with "447"',
    ],
  ],
  'machine.secret': [
    [
      'a new secret that is never used',
      first({ rotation: { ...without(ROTATION, 'seconds'), relay: REFUSED } }),
      'new secret: 0 of 100',
    ],
    ['lost messages', rotation({ relay: LOST }), 'new secret: 98 of 100 messages'],
    ['an old secret that still works', rotation({ old: RELAY }), 'the old secret was not refused'],
  ],
  'machine.certificate': [
    ['the old certificate', shown('AA', 'AA'), 'after the rotation, TLS clients saw AA (the store had BB)'],
    ['another certificate before', shown('CC', 'BB'), 'before the rotation, TLS clients saw CC'],
    [
      'the same certificate',
      rotation({ certificates: { stored: ['AA', 'AA'], shown: ['AA', 'AA'] } }),
      'proves nothing',
    ],
  ],
  'machine.address': [
    [
      'an address that is noticed late',
      first({ moved: { seconds: 20.1, relay: RELAY } }),
      'replaced: in force after 20.1 s (limit 20 s)',
    ],
    [
      'an attached one that is noticed late',
      second({ attached: { seconds: 61, relay: RELAY } }),
      'attached: in force after 61 s',
    ],
    [
      'one that is never noticed',
      first({ moved: { relay: REFUSED } }),
      'replaced: no client was given the new address',
    ],
    ['lost messages', second({ attached: { seconds: 9, relay: LOST } }), 'attached: 98 of 100 messages'],
  ],
  'machine.metadata': [
    ...FAULTS.flatMap(([fault, did]): [string, ImageFacts, string][] => [
      [
        `a server while metadata ${did}`,
        phase(fault, { answered: true }),
        `served clients although the metadata service ${did}`,
      ],
      [
        `no request while metadata ${did}`,
        phase(fault, { requests: 0 }),
        `no request while the metadata service ${did}`,
      ],
      [
        `no attempt: ${fault}`,
        unready({ phases: UNREADY.phases.filter((each) => each.fault !== fault) }),
        `no request while the metadata service ${did}`,
      ],
    ]),
    [
      'a server that gives up',
      second({ unready: without(UNREADY, 'recovered') }),
      'did not serve clients after',
    ],
    [
      'a server that waits long',
      unready({ recovered: 60.1 }),
      'clients 60.1 s after the first correct answer (limit 60 s)',
    ],
    ['lost messages', unready({ relay: LOST }), '98 of 100'],
    [
      'the old public address',
      unready({ relay: { ...RELAY, server: '172.31.16.10' } }),
      'relayed address 20.0.9.10',
    ],
    [
      'no client',
      second({ unready: without(UNREADY, 'relay') }),
      "no client in the machine's network was served",
    ],
    ['a silent journal', unready({ journal: ['coturn runs'] }), 'the journal does not say'],
  ],
  'machine.drain': [
    [
      'a lost message',
      drained({ relay: { ...RELAY, sent: 40, received: 39 }, after: 3 }),
      '1 of 40 messages were lost',
    ],
    [
      'a session that is cut off',
      drained({ relay: { ...RELAY, sent: 8, received: 8, error: 'no answer' }, after: -8 }),
      'the session ended early: no answer',
    ],
    [
      'a machine that is off before',
      drained({ relay: RELAY, after: -2.5 }),
      'off 2.5 s before the session ended',
    ],
    ['no session', drained({ relay: { ...RELAY, sent: 0, received: 0 }, after: 3 }), 'proves nothing'],
  ],
};

describe('the checks of a running machine', () => {
  it('pass for a healthy one', () => {
    for (const { id, status, message } of results(HEALTHY).values())
      expect(status, `${id}: ${message}`).toBe('passed');
  });

  it('each have a planted fault', () => {
    expect(Object.keys(PLANTED).sort()).toEqual(trialChecks.map(({ id }) => id).sort());
  });

  const faults = Object.entries(PLANTED).flatMap(([id, list]) => list.map((each) => [id, ...each] as const));
  it.each(faults)('%s fails on %s', (id, _fault, facts, words) => {
    const result = results(facts).get(id);
    expect(result?.status).toBe('failed');
    expect(result?.message).toContain(words);
  });

  it('fail with the reason if a trial failed', () => {
    const problems = Object.fromEntries(
      [...Object.keys(FIRST), ...Object.keys(SECOND), ...Object.keys(OTHER)].map((name) => [
        name,
        'an agent exited with 1',
      ]),
    );
    const boots = [1, 2, 3].map(() => bootOf({}, problems));
    for (const { id, status, message } of results({
      ...HEALTHY,
      machine: { ...HEALTHY.machine, boots },
    }).values()) {
      expect(status, id).toBe('failed');
      expect(message).toContain('an agent exited with 1');
    }
  });

  it('are blocked if the machine never got that far', () => {
    const facts = { ...HEALTHY, machine: { ...HEALTHY.machine, boots: [] } };
    for (const { id, ...result } of results(facts).values())
      expect(result, id).toMatchObject({ status: 'blocked', blockedBy: 'machine.answers' });
  });

  it('do not ask a version that cannot drain for it', () => {
    const facts = { ...drained({ relay: REFUSED, after: -9 }), drains: false };
    expect(results(facts).get('machine.drain')?.status).toBe('not-applicable');
  });
});
