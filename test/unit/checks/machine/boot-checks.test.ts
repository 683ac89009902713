import { describe, expect, it } from 'vitest';
import { bootChecks } from '../../../../src/checks/machine/boot-checks.ts';
import { type ImageFacts, judgeImage } from '../../../../src/checks/machine/check.ts';
import type { BootFacts, InsideFacts, MachineRelay } from '../../../../src/lab/machine/facts.ts';

const GIB = 1024 ** 3;
const SETTINGS = {
  kvm: false,
  volumeBytes: 3 * GIB,
  relayPorts: { first: 20_000, last: 20_999 },
  limits: { userQuota: 2, totalQuota: 4, maxBps: 20_000 },
};
const INSIDE: InsideFacts = {
  failed: [],
  restarted: [],
  hostKeys: [],
  secretLines: 0,
  ownSecret: '4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865 -',
  state: 'running',
  listening: [
    { protocol: 'udp', address: '0A101FAC', port: 3478, user: 'turnserver' },
    { protocol: 'tcp', address: '0A101FAC', port: 5349, user: 'turnserver' },
    { protocol: 'tcp', address: '0100007F', port: 9641, user: 'turnserver' },
    { protocol: 'udp', address: '3500007F', port: 53, user: 'systemd-resolve' },
    { protocol: 'udp', address: '0A101FAC', port: 68, user: 'systemd-network' },
    { protocol: 'udp', address: '0A101FAC', port: 20_517, user: 'turnserver' },
    { protocol: 'udp6', address: '000080FE00000000FF005450563412FE', port: 546, user: 'systemd-network' },
    { protocol: 'udp', address: '00000000', port: 39073, user: 'systemd-timesync' },
    { protocol: 'tcp6', address: '00000000000000000000000001000000', port: 9642, user: 'root' },
  ],
  rootBytes: 2.87 * GIB,
  usedBytes: 200 * 1024 ** 2,
  machineId: 'cb5eb34eafe6428b885ffd089ccf982b',
  logins: { passwords: [], keyFiles: [] },
  limits: { openFiles: 256_996, sysctls: {} },
};
const KEYS = '/run/turn-agent/authorized_keys';
const SSHD = {
  passwordauthentication: 'no',
  kbdinteractiveauthentication: 'no',
  permitrootlogin: 'no',
  authorizedkeysfile: KEYS,
};
const relays =
  (...servers: string[]) =>
  (transport: MachineRelay['transport']) =>
    servers.map((server) => ({ transport, server, sent: 100, received: 100, relayed: server }));
const ALL_RELAYS = (['udp', 'tcp', 'tls', 'dtls'] as const).flatMap(relays('20.0.9.10', '2600:1:0:9::10'));
const RELAYS = (['udp', 'tcp'] as const).flatMap(relays('20.0.9.10'));
const SERVER = '20.0.9.10';
const REFUSED: MachineRelay = {
  ...{ transport: 'udp', server: SERVER, sent: 0, received: 0 },
  error: 'Allocate: 401 Unauthorized',
};
const BOOT: BootFacts = {
  kernel: true,
  stranger: REFUSED,
  answered: 20.5,
  inside: INSIDE,
  relays: RELAYS,
  off: true,
  offSeconds: 4,
  console: [],
  trials: {},
  problems: {},
};
const FIRST: BootFacts = {
  ...BOOT,
  relays: ALL_RELAYS,
  inside: {
    ...INSIDE,
    ownSecret: '',
    listening: [
      ...INSIDE.listening,
      { protocol: 'tcp', address: '0A101FAC', port: 9641, user: 'root' },
      { protocol: 'tcp', address: '0A101FAC', port: 443, user: 'turnserver' },
    ],
  },
};
const OTHER: BootFacts = {
  ...BOOT,
  inside: { ...INSIDE, machineId: '1f'.repeat(16), ownSecret: 'b5bb9d8014a0f9b1d61e21e796d78dcc -' },
};
const HEALTHY: ImageFacts = {
  machine: {
    ...SETTINGS,
    boots: [FIRST, BOOT, OTHER],
  },
  contents: { maxUsedMiB: 250 },
  cloud: 'aws',
  ssh: false,
  drains: true,
  deviations: [],
};

const withBoots = (...boots: BootFacts[]): ImageFacts => ({
  ...HEALTHY,
  machine: { ...SETTINGS, boots },
});
const withInside = (inside: Partial<InsideFacts>): ImageFacts =>
  withBoots(FIRST, { ...BOOT, inside: { ...INSIDE, ...inside } }, OTHER);
const withRelay = (relay: Partial<BootFacts['relays'][number]>): ImageFacts =>
  withBoots(
    FIRST,
    { ...BOOT, relays: RELAYS.map((each) => (each.transport === 'udp' ? { ...each, ...relay } : each)) },
    OTHER,
  );
const withoutRelay = (index: number): ImageFacts =>
  withBoots({ ...FIRST, relays: ALL_RELAYS.filter((_, at) => at !== index) }, BOOT, OTHER);
const withSocket = (boot: BootFacts, socket: InsideFacts['listening'][number]): BootFacts => ({
  ...boot,
  inside: { ...INSIDE, ownSecret: '', listening: [...INSIDE.listening, socket] },
});
const withHostKey = (boot: BootFacts): BootFacts => ({
  ...boot,
  inside: { ...(boot.inside ?? INSIDE), hostKeys: ['ssh-ed25519 AAAA root@turn'] },
});
const listening = (protocol: 'tcp' | 'udp', address: string, port: number, user: string): ImageFacts =>
  withInside({ listening: [...INSIDE.listening, { protocol, address, port, user }] });
const withLogins = (logins: Partial<InsideFacts['logins']>, ssh = false): ImageFacts => {
  const inside = { ...INSIDE, logins: { ...INSIDE.logins, ...logins } };
  return { ...withBoots({ ...FIRST, inside }, { ...BOOT, inside }, { ...OTHER, inside }), ssh };
};
const withSshd = (sshd: Partial<typeof SSHD>, keyFiles = [KEYS]): ImageFacts =>
  withLogins({ keyFiles, sshd: { ...SSHD, ...sshd } }, true);
const {
  answered: _,
  inside: __,
  stranger: ___,
  ...SILENT
} = { ...BOOT, relays: [], problem: 'one\ncoturn.service failed' };
const { inside: ____, ...UNSEEN } = { ...BOOT, problem: 'the probe did not answer' };
const results = (facts: ImageFacts) => new Map(judgeImage(bootChecks, facts).map((each) => [each.id, each]));

/** For each check: planted faults, and the words by which its message names them. */
const PLANTED: Record<string, [fault: string, facts: ImageFacts, words: string][]> = {
  'machine.answers': [
    [
      'a machine that answers nobody',
      withBoots(SILENT),
      'first boot: no answer; one | coturn.service failed',
    ],
    ['a machine that answers only once', withBoots(FIRST, SILENT, OTHER), 'second boot: no answer'],
    ['another machine that does not answer', withBoots(FIRST, BOOT, SILENT), 'other machine: no answer'],
    ['a machine that was started twice', withBoots(FIRST, BOOT), 'only 2 of 3 boots took place'],
    ['a machine that was never started', withBoots(), 'never started'],
    [
      'a machine that cannot be inspected',
      withBoots(FIRST, UNSEEN, OTHER),
      'second boot: the machine answered but could not be inspected; the probe did not answer',
    ],
  ],
  'machine.relay': [
    [
      'a lost message',
      withRelay({ received: 99 }),
      'second boot: 99 of 100 messages came back over UDP and IPv4',
    ],
    [
      'a refused session',
      withRelay({ sent: 0, received: 0, error: 'Allocate: 401 Unauthorized' }),
      '0 of 100 messages came back over UDP and IPv4 (Allocate: 401 Unauthorized)',
    ],
    [
      'an open relay',
      withBoots(
        FIRST,
        { ...BOOT, stranger: { transport: 'udp', server: SERVER, sent: 100, received: 100 } },
        OTHER,
      ),
      'second boot: credentials made from another secret were not refused',
    ],
    [
      'a transport that was not tried',
      withBoots(FIRST, { ...BOOT, relays: RELAYS.slice(0, 1) }, OTHER),
      'second boot: 0 of 100 messages came back over TCP and IPv4',
    ],
    ...['UDP and IPv4', 'UDP and IPv6', 'TCP and IPv4', 'TCP and IPv6'].map(
      (way, index): [string, ImageFacts, string] => [
        `a first boot without ${way}`,
        withoutRelay(index),
        `first boot: 0 of 100 messages came back over ${way}`,
      ],
    ),
    ...['TLS and IPv4', 'TLS and IPv6', 'DTLS and IPv4', 'DTLS and IPv6'].map(
      (way, index): [string, ImageFacts, string] => [
        `a first boot without ${way}`,
        withoutRelay(index + 4),
        `first boot: 0 of 100 messages came back over ${way}`,
      ],
    ),
  ],
  'machine.relayed-address': [
    [
      'the private address',
      withRelay({ relayed: '172.31.16.10' }),
      'a client got 172.31.16.10 (expected 20.0.9.10)',
    ],
  ],
  'machine.console': [
    [
      'an oops of the second boot',
      withBoots(FIRST, { ...BOOT, console: [{ symptom: 'kernel oops', line: 'Oops: 0000' }] }, OTHER),
      'second boot: kernel oops: Oops: 0000',
    ],
    ['no console', withBoots(), 'never started'],
    [
      'a console without the kernel',
      withBoots({ ...FIRST, kernel: false }, BOOT, OTHER),
      'first boot: the kernel does not write to the serial console',
    ],
  ],
  'machine.units': [
    [
      'a failed unit',
      withInside({ failed: ['chrony.service'], state: 'degraded' }),
      'second boot: chrony.service failed',
    ],
    [
      'a unit that crashed and restarted',
      withInside({ restarted: ['coturn.service 2'] }),
      'second boot: coturn.service restarted 2 times',
    ],
    ['a system that still starts', withInside({ state: 'starting' }), 'reports "starting"'],
  ],
  'machine.ports': [
    ['SSH', listening('tcp', '00000000', 22, 'root'), 'root listens on TCP port 22'],
    [
      'metrics on all addresses',
      listening('tcp', '00000000', 9641, 'turnserver'),
      'turnserver listens on TCP port 9641',
    ],
    [
      "turn-agent's metrics without a setting",
      listening('tcp', '0A101FAC', 9641, 'root'),
      'second boot: root listens on TCP port 9641',
    ],
    [
      "turn-agent's metrics on all addresses",
      withBoots(
        withSocket(FIRST, { protocol: 'tcp', address: '00000000', port: 9641, user: 'root' }),
        BOOT,
        OTHER,
      ),
      'first boot: root listens on TCP port 9641',
    ],
    [
      'TLS at a port that the settings do not ask for',
      listening('tcp', '0A101FAC', 443, 'turnserver'),
      'second boot: turnserver listens on TCP port 443',
    ],
    [
      'LLMNR',
      listening('udp', '00000000', 5355, 'systemd-resolve'),
      'systemd-resolve listens on UDP port 5355',
    ],
    ['another port of the DHCP client', listening('udp', '00000000', 67, 'systemd-network'), 'UDP port 67'],
    ['a TCP port of the NTP client', listening('tcp', '00000000', 123, 'systemd-timesync'), 'TCP port 123'],
    ['no socket at all', withInside({ listening: [] }), 'could not be determined'],
  ],
  'machine.journal': [
    ['a secret', withInside({ secretLines: 2 }), 'second boot: 2 lines of the journal contain a secret'],
  ],
  'machine.logins': [
    ['a password', withLogins({ passwords: ['root'] }), 'root can log in with a password, or without one'],
    [
      'an SSH server',
      withLogins({ sshd: { ...SSHD, authorizedkeysfile: 'none' } }),
      'an SSH server is installed',
    ],
    ['no SSH server', withLogins({}, true), 'the SSH server is missing'],
    ['keys without an SSH server', withLogins({ keyFiles: [KEYS] }), `${KEYS} contains keys`],
    [
      'a key in a home',
      withSshd({}, [KEYS, '/root/.ssh/authorized_keys']),
      '/root/.ssh/authorized_keys contains keys',
    ],
    ['no key', withSshd({}, []), `the key pair of the machine is not in ${KEYS}`],
    ['keys of the metadata', withSshd({ authorizedkeysfile: 'none' }), `${KEYS} contains keys`],
    [
      'the keys of homes',
      withSshd({ authorizedkeysfile: '.ssh/authorized_keys .ssh/authorized_keys2' }, []),
      'not in .ssh/authorized_keys',
    ],
    [
      'password logins',
      withSshd({ passwordauthentication: 'yes' }),
      '"passwordauthentication yes" (expected no)',
    ],
    ['questions', withSshd({ kbdinteractiveauthentication: 'yes' }), '"kbdinteractiveauthentication yes"'],
    [
      'logins of root',
      withSshd({ permitrootlogin: 'without-password' }),
      '"permitrootlogin without-password"',
    ],
  ],
  'machine.root': [
    [
      'a file system of the size of the image',
      withInside({ rootBytes: 0.93 * GIB }),
      'has 952 MiB, the volume 3072 MiB',
    ],
  ],
  'machine.size': [
    [
      'a large image',
      withBoots({ ...FIRST, inside: { ...INSIDE, usedBytes: 251 * 1024 ** 2 } }, BOOT, OTHER),
      'uses 251 MiB, more than 250 MiB',
    ],
  ],
  'machine.off': [
    [
      'a machine that ignores its power button',
      withBoots(FIRST, { ...BOOT, off: false, offSeconds: 90 }, OTHER),
      'second boot: still on after 90 s',
    ],
    ['no machine', withBoots(), 'never started'],
  ],
  'machine.identity': [
    ['another machine-id after a reboot', withInside({ machineId: '0'.repeat(32) }), 'has changed'],
    ['no machine-id', withInside({ machineId: 'uninitialized' }), 'not a machine-id'],
    [
      'another host key after a reboot',
      withInside({ hostKeys: ['ssh-ed25519 AAAA root@turn'] }),
      'the SSH host keys have changed',
    ],
    [
      'a host key of the image',
      withBoots(withHostKey(FIRST), withHostKey(BOOT), withHostKey(OTHER)),
      'two machines have the same SSH host key',
    ],
    ['SSH without host keys', { ...HEALTHY, ssh: true }, 'the SSH server has no host keys'],
    ['a machine-id of the image', withBoots(FIRST, BOOT, BOOT), 'two machines have the same machine-id'],
    ['a secret of the image', withBoots(FIRST, BOOT, BOOT), 'two machines have generated the same secret'],
    ['no secret', withInside({ ownSecret: '' }), 'a machine has generated no secret'],
  ],
};

describe('the checks of an image', () => {
  it('pass for a healthy machine', () => {
    for (const { id, status, message } of results(HEALTHY).values())
      expect(status, `${id}: ${message}`).toBe('passed');
  });

  it('each have a planted fault', () => {
    expect(Object.keys(PLANTED).sort()).toEqual(bootChecks.map(({ id }) => id).sort());
  });

  const faults = Object.entries(PLANTED).flatMap(([id, list]) => list.map((each) => [id, ...each] as const));
  it.each(faults)('%s fails on %s', (id, _fault, facts, words) => {
    const result = results(facts).get(id);
    expect(result?.status).toBe('failed');
    expect(result?.message).toContain(words);
  });

  it('list a repeated line of the console once', () => {
    const problem = { symptom: 'failed unit', line: '[FAILED] Failed to start ssh.service' };
    const facts = withBoots(FIRST, { ...BOOT, console: [problem, problem, problem] }, OTHER);
    expect(results(facts).get('machine.console')?.message).toBe(`second boot: failed unit: ${problem.line}`);
  });

  it('accept SSH in an image that has it', () => {
    const facts = { ...listening('tcp', '00000000', 22, 'root'), ssh: true };
    expect(results(facts).get('machine.ports')?.status).toBe('passed');
  });

  it.each([
    ['on EC2', withSshd({})],
    ['on Compute Engine', withSshd({ authorizedkeysfile: 'none' }, [])],
  ])('accept the chosen logins %s', (_where, facts) => {
    expect(results(facts).get('machine.logins')).toMatchObject({ status: 'passed' });
  });

  it('fail for a fault of one boot, although another one could not be inspected', () => {
    const failed = { ...OTHER, inside: { ...INSIDE, failed: ['chrony.service'] } };
    const result = results(withBoots(FIRST, UNSEEN, failed)).get('machine.units');
    expect(result?.status).toBe('failed');
    expect(result?.message).toBe('other machine: chrony.service failed');
  });

  it('are blocked if the machine could not be inspected', () => {
    const all = results(withBoots(SILENT));
    for (const id of [
      'machine.relay',
      'machine.units',
      'machine.ports',
      'machine.logins',
      'machine.root',
      'machine.size',
      'machine.identity',
    ])
      expect(all.get(id), id).toMatchObject({ status: 'blocked', blockedBy: 'machine.answers' });
  });
});
