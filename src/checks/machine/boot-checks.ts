import type { BootFacts, InsideFacts, MachineRelay } from '../../lab/machine/facts.ts';
import { blocked, complaints, fail, pass, type Verdict } from '../check.ts';
import type { ImageFacts, MachineCheck } from './check.ts';
import { judgeUsed } from './disk-usage.ts';

/** A machine is started twice, because one that only boots once is lost at its first reboot, and then another machine. */
const NAMES = ['first boot', 'second boot', 'other machine'];
const BOOTS = NAMES.length;

const nameOf = (index: number) => NAMES[index] ?? `boot ${index + 1}`;

function judgeAnswer({ machine: { boots } }: ImageFacts): Verdict {
  const seconds = Object.fromEntries(
    boots.flatMap(({ answered }, index) => (answered === undefined ? [] : [[nameOf(index), answered]])),
  );
  const silent = boots.findIndex(({ answered }) => answered === undefined);
  if (silent !== -1) return fail(`${nameOf(silent)}: no answer; ${lastWords(boots[silent])}`, seconds);
  const unseen = boots.findIndex(({ inside: each }) => each === undefined);
  if (unseen !== -1)
    return fail(
      `${nameOf(unseen)}: the machine answered but could not be inspected; ${lastWords(boots[unseen])}`,
      seconds,
    );
  return boots.length < BOOTS
    ? fail(
        boots.length === 0
          ? 'the machine was never started'
          : `only ${boots.length} of ${BOOTS} boots took place`,
        seconds,
      )
    : pass('clients got an answer after each boot', seconds);
}

/** The last lines of what a machine that does not answer shows. */
function lastWords(boot: BootFacts | undefined): string {
  const lines = (boot?.problem ?? '').split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-6).join(' | ') || 'its console is empty';
}

/** Messages of each session: src/lab/machine/laboratory.ts. */
const MESSAGES = 100;
/** The sessions of each boot, by transport and family of the server's address. Only the first one has a certificate. */
const SESSIONS: readonly (readonly string[])[] = [
  ['udp', 'tcp', 'tls', 'dtls'].flatMap((transport) => [`${transport} IPv4`, `${transport} IPv6`]),
  ['udp IPv4', 'tcp IPv4'],
  ['udp IPv4', 'tcp IPv4'],
];
const wayOf = ({ transport, server }: MachineRelay) =>
  `${transport} ${server.includes(':') ? 'IPv6' : 'IPv4'}`;

function judgeRelay({ machine: { boots } }: ImageFacts): Verdict {
  if (boots.every(({ answered }) => answered === undefined))
    return blocked('machine.answers', 'the machine answers no client');
  const sessions = boots.flatMap(({ relays }) => relays);
  const found = boots.flatMap(({ relays, answered }, index) =>
    (SESSIONS[index] ?? []).flatMap((way) => {
      const relay = relays.find((each) => wayOf(each) === way);
      if (answered === undefined || relay?.received === MESSAGES) return [];
      const why = relay?.error === undefined ? '' : ` (${relay.error})`;
      const [transport = '', family] = way.split(' ');
      return [
        `${nameOf(index)}: ${relay?.received ?? 0} of ${MESSAGES} messages came back over ${transport.toUpperCase()} and ${family}${why}`,
      ];
    }),
  );
  // turnserver without authentication answers any credentials.
  const open = boots.flatMap(({ stranger, answered }, index) =>
    answered === undefined || /401/.test(stranger?.error ?? '')
      ? []
      : [`${nameOf(index)}: credentials made from another secret were not refused with 401`],
  );
  return complaints(
    [...found, ...open],
    'every message came back over UDP, TCP, TLS and DTLS, IPv4 and IPv6; wrong credentials were refused',
    {
      sent: sessions.reduce((sum, { sent }) => sum + sent, 0),
      received: sessions.reduce((sum, { received }) => sum + received, 0),
    },
  );
}

function judgeRelayed({ machine: { boots } }: ImageFacts): Verdict {
  const relays = boots.flatMap((boot) => boot.relays).filter(({ relayed }) => relayed !== undefined);
  if (relays.length === 0) return blocked('machine.relay', 'no client got a relayed address');
  const wrong = relays
    .filter(({ relayed, server }) => relayed !== server)
    .map(({ relayed, server }) => `a client got ${relayed} (expected ${server})`);
  return complaints(
    [...new Set(wrong)],
    `every client got the address at which it reached the machine: ${[...new Set(relays.map(({ server }) => server))].join(', ')}`,
  );
}

function judgeConsole({ machine: { boots } }: ImageFacts): Verdict {
  if (boots.length === 0) return fail('the machine was never started');
  const found = boots.flatMap(({ console, kernel }, index) => [
    ...(kernel ? [] : [`${nameOf(index)}: the kernel does not write to the serial console`]),
    ...console.map(({ symptom, line }) => `${nameOf(index)}: ${symptom}: ${line}`),
  ]);
  // A unit that restarts fails many times.
  return complaints(
    [...new Set(found)],
    'no panic, oops, crash, I/O error or failed unit on the serial console',
  );
}

/** A check of what the probe saw in each boot. */
export function inside(
  judge: (facts: InsideFacts, all: ImageFacts, boot: number) => string[],
  good: string,
): MachineCheck['judge'] {
  return (facts) => {
    const { boots } = facts.machine;
    const found = boots.flatMap(({ inside: each }, index) =>
      each === undefined ? [] : judge(each, facts, index).map((what) => `${nameOf(index)}: ${what}`),
    );
    // A fault counts, although another boot could not be inspected.
    if (found.length === 0 && boots.filter((boot) => boot.inside !== undefined).length < BOOTS)
      return blocked('machine.answers', 'the machine could not be inspected after each boot');
    return complaints([...new Set(found)], good);
  };
}

/** Ports that turnserver opens: STUN and TURN, TLS, and the second of each for NAT discovery. */
const CLIENT_PORTS = [3478, 3479, 5349, 5350];
const LOOPBACK = /^(?:[0-9A-F]{6}7F|00000000000000000000000001000000|0000000000000000FFFF0000[0-9A-F]{6}7F)$/;

const isRelay = (protocol: string, port: number, { first, last }: ImageFacts['machine']['relayPorts']) =>
  protocol.startsWith('udp') && port >= first && port <= last;

/** Where turn-agent serves metrics in the first boot, whose settings ask for it: the private address 172.31.16.10. */
const METRICS = { boot: 0, address: '0A101FAC', port: 9641 };
/** They ask for this port as well. */
const TLS443 = { boot: 0, port: 443 };

function strangePorts(
  { listening }: InsideFacts,
  { ssh, machine: { relayPorts } }: ImageFacts,
  boot: number,
): string[] {
  if (listening.length === 0) return ['the listening sockets could not be determined'];
  return listening
    .filter(({ protocol, address, port, user }) => {
      if (LOOPBACK.test(address)) return false;
      // The socket of an ended allocation stays open for a while.
      if (user === 'turnserver' && isRelay(protocol, port, relayPorts)) return false;
      if (user === 'turnserver')
        return !CLIENT_PORTS.includes(port) && !(boot === TLS443.boot && port === TLS443.port);
      if (boot === METRICS.boot && user === 'root' && protocol === 'tcp' && port === METRICS.port)
        return address !== METRICS.address;
      if (ssh && protocol.startsWith('tcp') && port === 22) return false;
      // Clients of DHCP, DHCPv6 and NTP.
      if (user === 'systemd-network') return !(protocol.startsWith('udp') && [68, 546].includes(port));
      return !(user === 'systemd-timesync' && protocol.startsWith('udp'));
    })
    .map(
      ({ protocol, port, user }) =>
        `${user} listens on ${protocol.replace('6', '').toUpperCase()} port ${port}`,
    );
}

/** Settings of sshd that close everything but keys. */
const SSHD = { passwordauthentication: 'no', kbdinteractiveauthentication: 'no', permitrootlogin: 'no' };

function strangeLogins(
  { logins: { passwords, keyFiles, sshd } }: InsideFacts,
  { ssh }: ImageFacts,
): string[] {
  // On Compute Engine, `none`: OS Login has the keys.
  const configured = sshd?.authorizedkeysfile?.split(' ').filter((path) => path !== 'none') ?? [];
  const missing = configured.filter((path) => !keyFiles.includes(path));
  return [
    ...passwords.map((account) => `${account} can log in with a password, or without one`),
    ...(ssh === (sshd !== undefined)
      ? []
      : [ssh ? 'the SSH server is missing' : 'an SSH server is installed']),
    ...Object.entries(SSHD).flatMap(([name, value]) =>
      sshd === undefined || sshd[name] === value
        ? []
        : [`sshd has "${name} ${sshd[name]}" (expected ${value})`],
    ),
    ...keyFiles.filter((path) => !configured.includes(path)).map((path) => `${path} contains keys`),
    ...missing.map((path) => `the key pair of the machine is not in ${path}`),
  ];
}

const MIB = 1024 ** 2;
/** The EFI system partition and the partition tables. */
const OVERHEAD = 66 * MIB;
/** Share of a file system that its own structures take: 2.1 % of 3 GiB, 1.6 % of 100 GiB with ext4's defaults. */
const STRUCTURES = 0.05;

/** The checks of how a machine boots, runs and ends. */
export const bootChecks: readonly MachineCheck[] = [
  {
    id: 'machine.answers',
    title: 'Serves clients at its public address after each boot',
    reason:
      'A cloud considers a machine healthy once it has booted, and keeps it even if it serves no clients.',
    judge: judgeAnswer,
  },
  {
    id: 'machine.relay',
    title: 'Relays for authenticated clients through its public address',
    reason: 'Relaying is what the machine is for.',
    judge: judgeRelay,
  },
  {
    id: 'machine.relayed-address',
    title: 'Gives clients its public address as their relayed address',
    reason:
      'Peers on the internet cannot reach the private address, so calls connect without audio and video.',
    judge: judgeRelayed,
  },
  {
    id: 'machine.console',
    title: 'Shows no problem on its serial console',
    reason: 'A crash, an I/O error or a failed unit may be harmless today and an outage tomorrow.',
    judge: judgeConsole,
  },
  {
    id: 'machine.units',
    title: 'Starts every unit without a failure or restart',
    reason: 'A failed unit means that a part of the image does not work, or is superfluous.',
    judge: inside(
      ({ failed, restarted, state }) => [
        ...failed.map((unit) => `${unit} failed`),
        ...restarted.map((unit) => `${unit.replace(' ', ' restarted ')} times`),
        ...(state === 'running' ? [] : [`systemctl is-system-running reports "${state}"`]),
      ],
      'systemd reports that the system is running, without a failed or restarted unit',
    ),
  },
  {
    id: 'machine.ports',
    title: 'Listens on no unexpected port',
    reason: 'Each open port of a machine on the public internet is attacked within minutes.',
    judge: inside(
      strangePorts,
      "every open port belongs to turnserver, turn-agent's metrics, SSH if the image has it, or a DHCP or NTP client",
    ),
  },
  {
    id: 'machine.journal',
    title: 'Writes no secret to its journal',
    reason: 'Journals are collected, kept and read by people who must not know the secrets.',
    judge: inside(
      ({ secretLines }) =>
        secretLines === 0 ? [] : [`${secretLines} lines of the journal contain a secret`],
      'no line of the journal contains a shared secret or part of the private key',
    ),
  },
  {
    id: 'machine.logins',
    title: 'Accepts logins only with the configured keys',
    reason:
      'A password, or a key that the operator did not configure, is a back door on every machine of the fleet.',
    judge: inside(strangeLogins, 'no account has a password, and only the configured keys are accepted'),
  },
  {
    id: 'machine.root',
    title: 'Grows its file system to the size of its volume',
    reason: 'Otherwise the journal fills the small file system of the image, however large the volume is.',
    judge: inside(
      ({ rootBytes }, { machine: { volumeBytes } }) =>
        rootBytes >= volumeBytes * (1 - STRUCTURES) - OVERHEAD
          ? []
          : [
              `the file system has ${Math.round(rootBytes / MIB)} MiB, the volume ${Math.round(volumeBytes / MIB)} MiB`,
            ],
      'the root file system has the size of the volume',
    ),
  },
  {
    id: 'machine.size',
    title: 'Stays within its disk space limit',
    reason: 'A small image starts faster, costs less in each region, and has a smaller attack surface.',
    judge: (facts) => {
      const used = facts.machine.boots[0]?.inside?.usedBytes;
      if (used === undefined) return blocked('machine.answers', 'the machine could not be inspected');
      return judgeUsed(used, facts.contents.maxUsedMiB);
    },
  },
  {
    id: 'machine.off',
    title: 'Switches off when its power button is pressed',
    reason:
      'Clouds press the power button first. A machine that ignores it loses its sessions without a drain.',
    judge: ({ machine: { boots } }) => {
      const late = boots.flatMap(({ off, offSeconds }, index) =>
        off ? [] : [`${nameOf(index)}: still on after ${offSeconds} s`],
      );
      if (boots.length === 0) return fail('the machine was never started');
      return complaints(late, 'switched itself off', {
        seconds: Math.max(...boots.map((each) => each.offSeconds)),
      });
    },
  },
  {
    id: 'machine.identity',
    title: 'Keeps its identity when it boots again, and shares it with no other machine',
    reason:
      'The journal, DHCP and monitoring identify a machine by its machine-id. A secret shared by all machines of an image is not secret.',
    judge: judgeIdentity,
  },
];

function judgeIdentity(facts: ImageFacts): Verdict {
  const [first, second, other] = facts.machine.boots.map(({ inside: each }) => each);
  if (first === undefined || second === undefined || other === undefined)
    return blocked('machine.answers', 'the machine could not be inspected after each boot');
  const found: string[] = [];
  for (const { machineId } of [first, second, other])
    if (!/^[0-9a-f]{32}$/.test(machineId)) found.push(`not a machine-id: "${machineId}"`);
  if (first.machineId !== second.machineId) found.push('the machine-id has changed');
  if (first.hostKeys.join() !== second.hostKeys.join()) found.push('the SSH host keys have changed');
  if (facts.ssh && first.hostKeys.length === 0) found.push('the SSH server has no host keys');
  if (second.machineId === other.machineId) found.push('two machines have the same machine-id');
  if (second.hostKeys.some((key) => other.hostKeys.includes(key)))
    found.push('two machines have the same SSH host key');
  if (second.ownSecret === '' || other.ownSecret === '') found.push('a machine has generated no secret');
  else if (second.ownSecret === other.ownSecret) found.push('two machines have generated the same secret');
  return complaints(
    found,
    'the same machine-id and host keys after a reboot; another machine generated different ones',
  );
}
