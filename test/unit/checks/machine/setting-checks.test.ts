import { describe, expect, it } from 'vitest';
import { type ImageFacts, judgeImage } from '../../../../src/checks/machine/check.ts';
import { settingChecks } from '../../../../src/checks/machine/setting-checks.ts';
import type {
  BootFacts,
  InsideFacts,
  LimitFacts,
  LoginAttempt,
  MachineRelay,
  TrialFacts,
} from '../../../../src/lab/machine/facts.ts';

const [IPV4, IPV6] = ['20.0.9.10', '2600:1:0:9::10'];
const relayAt = (server: string): MachineRelay => ({
  ...{ transport: 'tls', server, port: 443, relayed: server },
  ...{ sent: 100, received: 100 },
});
const UNASKED = {
  tried: [443, 3478, 5349],
  reached: (['ipv4', 'ipv6'] as const).map((family) => ({ family, ports: [3478] })),
};
const BURST = { sent: 100, received: 100, bytes: 1000, seconds: 0.4 };
const LIMITED = { ...BURST, received: 38 };
const LIMITS: LimitFacts = {
  openFiles: 256_996,
  sysctls: {
    'fs.nr_open': '1048576',
    'net.core.rmem_max': '2097152',
    'net.core.wmem_max': '2097152',
    'net.ipv4.ip_local_port_range': '21000 65535',
    'net.ipv4.ip_local_reserved_ports': '443,3478,5349,9641-9642,20000-20999',
  },
};
const UNTLS = '3478,9641-9642,20000-20999';
const login = (user: string, found: string, more: Partial<LoginAttempt> = {}): LoginAttempt => ({
  ...{ user, key: 'metadata', listed: true, osLogin: false, found },
  ...more,
});
const DENIED = 'admin@20.0.9.10: Permission denied (publickey).';
const TIMED_OUT = 'ssh: connect to host 20.0.9.10 port 22: Connection timed out';
const AWS = [
  login('admin', 'admin, sudo: root'),
  login('operator', DENIED),
  login('root', DENIED),
  login('admin', DENIED, { key: 'stranger' }),
  login('admin', TIMED_OUT, { listed: false }),
];
const OS_LOGIN = { osLogin: true } as const;
const ALICE = 'alice_example_org';
const GCE = [
  login('operator', DENIED),
  login('root', DENIED),
  login('admin', DENIED),
  login('operator', DENIED, { key: 'stranger' }),
  login('operator', TIMED_OUT, { listed: false }),
  login(ALICE, 'alice_example_org, sudo: root', { ...OS_LOGIN, key: 'os-login' }),
  login('operator', DENIED, OS_LOGIN),
  login(ALICE, DENIED, { ...OS_LOGIN, key: 'stranger' }),
];

const FIRST: TrialFacts = { tls443: [relayAt(IPV4), relayAt(IPV6)], burst: BURST, ssh: AWS };
const OTHER: TrialFacts = {
  ...{ unasked: UNASKED, burst: LIMITED },
  quota: [
    ['success', 'success', '486'],
    ['success', 'success', '486'],
  ],
};
const insideOf = (limits: LimitFacts): InsideFacts => ({
  ...{ failed: [], restarted: [], state: 'running', listening: [], rootBytes: 0, usedBytes: 0 },
  ...{ machineId: '', hostKeys: [], secretLines: 0, ownSecret: '' },
  ...{ logins: { passwords: [], keyFiles: [] }, limits },
});
const bootOf = (trials: TrialFacts, limits: LimitFacts, problems: BootFacts['problems'] = {}): BootFacts => ({
  ...{ relays: [], kernel: true, off: true, offSeconds: 4, console: [] },
  ...{ trials, problems, inside: insideOf(limits) },
});
const withSysctl = (name: string, value: string): LimitFacts => ({
  ...LIMITS,
  sysctls: { ...LIMITS.sysctls, [name]: value },
});
const LATER = withSysctl('net.ipv4.ip_local_reserved_ports', UNTLS);
const factsOf = (first: TrialFacts, other: TrialFacts, limits = LIMITS): ImageFacts => ({
  machine: {
    boots: [bootOf(first, limits), bootOf({}, LATER), bootOf(other, LATER)],
    kvm: false,
    volumeBytes: 0,
    relayPorts: { first: 20_000, last: 20_999 },
    limits: { userQuota: 2, totalQuota: 4, maxBps: 20_000 },
  },
  contents: { maxUsedMiB: 250 },
  cloud: 'aws',
  ssh: true,
  drains: true,
  deviations: [],
});
const HEALTHY = factsOf(FIRST, OTHER);
const first = (more: TrialFacts) => factsOf({ ...FIRST, ...more }, OTHER);
const other = (more: TrialFacts) => factsOf(FIRST, { ...OTHER, ...more });
const withLimits = (limits: LimitFacts) => factsOf(FIRST, OTHER, limits);
const logins = (attempts: LoginAttempt[], cloud: ImageFacts['cloud'] = 'aws'): ImageFacts => ({
  ...first({ ssh: attempts }),
  cloud,
});
const replaced = (attempts: LoginAttempt[], index: number, found: string) =>
  attempts.map((each, at) => (at === index ? { ...each, found } : each));
const results = (facts: ImageFacts) =>
  new Map(judgeImage(settingChecks, facts).map((each) => [each.id, each]));

/** For each check: planted faults, and the words by which its message names them. */
const PLANTED: Record<string, [fault: string, facts: ImageFacts, words: string][]> = {
  'machine.tls443': [
    [
      'lost messages',
      first({ tls443: [{ ...relayAt(IPV4), received: 99 }, relayAt(IPV6)] }),
      '99 of 100 messages came back over TLS at 20.0.9.10',
    ],
    [
      'no connection over IPv6',
      first({
        tls443: [
          relayAt(IPV4),
          { transport: 'tls', server: IPV6, port: 443, sent: 0, received: 0, error: 'ECONNREFUSED' },
        ],
      }),
      'relayed address none; 0 of 100 messages came back over TLS at 2600:1:0:9::10 (ECONNREFUSED)',
    ],
    [
      'the private address',
      first({ tls443: [{ ...relayAt(IPV4), relayed: '172.31.16.10' }, relayAt(IPV6)] }),
      'relayed address 172.31.16.10',
    ],
    ['a family that was not tried', first({ tls443: [relayAt(IPV4)] }), 'no session over IPv6 was tried'],
    [
      'sessions at the usual port',
      first({ tls443: [IPV4, IPV6].map((server) => ({ ...relayAt(server), port: 5349 })) }),
      'no session over IPv4 was tried',
    ],
    [
      'port 443 without the setting',
      other({
        unasked: {
          ...UNASKED,
          reached: [
            { family: 'ipv4', ports: [443, 3478] },
            { family: 'ipv6', ports: [3478] },
          ],
        },
      }),
      '443 can be reached over IPv4',
    ],
    [
      'the port for TLS without a certificate',
      other({
        unasked: {
          ...UNASKED,
          reached: [
            { family: 'ipv4', ports: [3478] },
            { family: 'ipv6', ports: [3478, 5349] },
          ],
        },
      }),
      '5349 can be reached over IPv6',
    ],
    [
      'a machine that cannot be reached at all',
      other({
        unasked: {
          ...UNASKED,
          reached: [
            { family: 'ipv4', ports: [3478] },
            { family: 'ipv6', ports: [] },
          ],
        },
      }),
      'the control failed: over IPv6, no port could be reached',
    ],
    ['other ports', other({ unasked: { ...UNASKED, tried: [3478] } }), 'the control failed'],
  ],
  'machine.quota': [
    [
      "no limit of a user's allocations",
      other({
        quota: [
          ['success', 'success', 'success'],
          ['success', '486', '486'],
        ],
      }),
      'userQuota 2: allocations were answered with "success success success" (expected "success success 486")',
    ],
    [
      'no limit of all allocations',
      other({
        quota: [
          ['success', 'success', '486'],
          ['success', 'success', 'success'],
        ],
      }),
      'totalQuota 4, 2 of them in use: allocations were answered with "success success success"',
    ],
    [
      'another error',
      other({
        quota: [
          ['success', 'success', '508'],
          ['success', 'success', '486'],
        ],
      }),
      '"success success 508"',
    ],
    [
      'a lower limit',
      other({
        quota: [
          ['success', '486', '486'],
          ['success', 'success', '486'],
        ],
      }),
      'userQuota 2',
    ],
    ['no answers', other({ quota: [[], []] }), 'totalQuota 4'],
  ],
  'machine.bandwidth': [
    ['no limit', other({ burst: BURST }), 'all 100 messages came back'],
    [
      'a higher limit',
      other({ burst: { ...BURST, received: 60 } }),
      '60000 bytes came back within 0.4 s (expected at most 48000)',
    ],
    ['a relay that loses everything', other({ burst: { ...BURST, received: 0 } }), 'no message came back'],
    [
      'a control that is not faster than the limit',
      first({ burst: { ...BURST, received: 48 } }),
      'the control failed: without a limit, 48000 of 100000 bytes came back, which the limit would permit',
    ],
    [
      'a control that sends nothing',
      first({ burst: { ...BURST, sent: 0, received: 0 } }),
      'the control failed',
    ],
  ],
  'machine.limits': [
    [
      'too few files',
      withLimits({ ...LIMITS, openFiles: 223_140 }),
      'first boot: turnserver may open 223140 files (needs 256980)',
    ],
    [
      'small socket buffers',
      withLimits(withSysctl('net.core.rmem_max', '212992')),
      'net.core.rmem_max is 212992 (needs 2097152)',
    ],
    ['an unknown limit', withLimits({ ...LIMITS, sysctls: {} }), 'net.core.wmem_max is unknown'],
    [
      'relay ports that are not reserved',
      withLimits(withSysctl('net.ipv4.ip_local_reserved_ports', '443,3478,5349,9641-9642,20000-20998')),
      'the relay ports 20000-20999 are not reserved',
    ],
    [
      'a service whose port is not reserved',
      withLimits(withSysctl('net.ipv4.ip_local_reserved_ports', '443,3478,9641-9642,20000-20999')),
      'port 5349 is not reserved',
    ],
    [
      'own connections from relay ports',
      withLimits(withSysctl('net.ipv4.ip_local_port_range', '20999 65535')),
      'own connections use ports 20999-65535, which overlap the relay ports 20000-20999',
    ],
    [
      "the kernel's own range",
      withLimits(withSysctl('net.ipv4.ip_local_port_range', '1024 60999')),
      'overlap the relay ports',
    ],
    [
      'few own ports',
      withLimits(withSysctl('net.ipv4.ip_local_port_range', '21000 21509')),
      'own connections use ports 21000-21509, which are only 510',
    ],
  ],
  'machine.ssh': [
    [
      'an administrator who is locked out',
      logins(replaced(AWS, 0, DENIED)),
      `admin with the key of the metadata from a listed network: "${DENIED}" (expected "admin, sudo: root")`,
    ],
    [
      'an administrator without sudo',
      logins(replaced(AWS, 0, 'admin, sudo:')),
      'expected "admin, sudo: root"',
    ],
    ['another user', logins(replaced(AWS, 1, 'operator, sudo:')), 'operator with the key of the metadata'],
    ['root', logins(replaced(AWS, 2, 'root, sudo: root')), 'root with the key of the metadata'],
    ['any key', logins(replaced(AWS, 3, 'admin, sudo: root')), 'admin with another key'],
    [
      'other methods',
      logins(replaced(AWS, 3, 'admin@20.0.9.10: Permission denied (publickey,password).')),
      'admin with another key',
    ],
    [
      'any network',
      logins(replaced(AWS, 4, 'admin, sudo: root')),
      'from another network: "admin, sudo: root" (expected no connection)',
    ],
    ['a refusal at another network', logins(replaced(AWS, 4, DENIED)), '(expected no connection)'],
    ['no login', logins(AWS.slice(1)), 'no login of the administrator was tried'],
    ['no other network', logins(AWS.slice(0, 4)), 'no login from another network was tried'],
    [
      'no other key',
      logins(AWS.filter(({ key }) => key === 'metadata')),
      'no login with another key was tried',
    ],
    ['no login of root', logins(AWS.filter(({ user }) => user !== 'root')), 'no login of root was tried'],
    [
      'a key of the metadata of Compute Engine',
      logins(replaced(GCE, 0, 'operator, sudo: root'), 'gce'),
      'operator with the key of the metadata',
    ],
    [
      'no SSH server',
      logins(replaced(GCE, 0, 'ssh: connect to host 20.0.9.10 port 22: Connection refused'), 'gce'),
      'Connection refused" (expected a refusal)',
    ],
    [
      'an administrator of EC2 on Compute Engine',
      logins(replaced(GCE, 2, 'admin, sudo: root'), 'gce'),
      'admin with the key of the metadata',
    ],
    [
      'a user of OS Login who is locked out',
      logins(replaced(GCE, 5, DENIED), 'gce'),
      `${ALICE} with the key of OS Login from a listed network, OS Login enabled: "${DENIED}" (expected "${ALICE}, sudo: root")`,
    ],
    [
      'an administrator of OS Login without sudo',
      logins(replaced(GCE, 5, `${ALICE}, sudo:`), 'gce'),
      `(expected "${ALICE}, sudo: root")`,
    ],
    [
      'a key of the metadata beside OS Login',
      logins(replaced(GCE, 6, 'operator, sudo: root'), 'gce'),
      'operator with the key of the metadata from a listed network, OS Login enabled',
    ],
    ['any key for OS Login', logins(replaced(GCE, 7, `${ALICE}, sudo: root`), 'gce'), 'with another key'],
    ['no OS Login', logins(GCE.slice(0, 5), 'gce'), 'no login of the administrator was tried'],
    [
      'no key of the metadata beside OS Login',
      logins(
        GCE.filter(({ key, osLogin }) => key !== 'metadata' || !osLogin),
        'gce',
      ),
      'the key of the metadata was not tried with OS Login',
    ],
  ],
};

describe('the checks of what settings do', () => {
  it('pass for a healthy machine', () => {
    for (const facts of [HEALTHY, logins(GCE, 'gce')])
      for (const { id, status, message } of results(facts).values())
        expect(status, `${id}: ${message}`).toBe('passed');
  });

  it('each have a planted fault', () => {
    expect(Object.keys(PLANTED).sort()).toEqual(settingChecks.map(({ id }) => id).sort());
  });

  const faults = Object.entries(PLANTED).flatMap(([id, list]) => list.map((each) => [id, ...each] as const));
  it.each(faults)('%s fails on %s', (id, _fault, facts, words) => {
    const result = results(facts).get(id);
    expect(result?.status).toBe('failed');
    expect(result?.message).toContain(words);
  });

  it('let a burst without a limit lose some messages on the way', () => {
    const facts = first({ burst: { ...BURST, received: 95 } });
    expect(results(facts).get('machine.bandwidth')?.status).toBe('passed');
  });

  it('do not expect the ports for TLS to be reserved where the settings do not ask for them', () => {
    const facts = withLimits(LATER);
    expect(results(facts).get('machine.limits')?.message).toBe(
      'first boot: port 443 is not reserved; first boot: port 5349 is not reserved',
    );
  });

  it('try no login without an SSH server', () => {
    const facts = { ...first({}), ssh: false };
    expect(results(facts).get('machine.ssh')?.status).toBe('not-applicable');
  });

  it('say that OS Login was simulated', () => {
    expect(results(logins(GCE, 'gce')).get('machine.ssh')?.message).toContain('a simulated OS Login');
  });

  it.each(['tls443', 'unasked', 'burst', 'quota', 'ssh'] as const)(
    'fail with the reason if the trial %s could not be made',
    (name) => {
      const problems = { [name]: 'an agent exited with 1' };
      const without = (trials: TrialFacts) =>
        Object.fromEntries(Object.entries(trials).filter(([key]) => key !== name));
      const boots = [FIRST, {}, OTHER].map((trials) => bootOf(without(trials), LIMITS, problems));
      const failed = [...results({ ...HEALTHY, machine: { ...HEALTHY.machine, boots } }).values()].filter(
        ({ status }) => status !== 'passed',
      );
      expect(failed).toHaveLength(1);
      expect(failed[0]).toMatchObject({ status: 'failed' });
      expect(failed[0]?.message).toContain('an agent exited with 1');
    },
  );

  it('are blocked if the machine never got that far', () => {
    const facts = { ...HEALTHY, machine: { ...HEALTHY.machine, boots: [] } };
    for (const { id, ...result } of results(facts).values())
      expect(result, id).toMatchObject({ status: 'blocked', blockedBy: 'machine.answers' });
  });
});
