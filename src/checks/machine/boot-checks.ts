import type { BootFacts, InsideFacts } from '../../lab/machine/facts.ts';
import { blocked, complaints, fail, pass, type Verdict } from '../check.ts';
import type { ImageFacts, MachineCheck } from './check.ts';

/** The image is started twice: a machine that only boots once is lost at its first reboot. */
const BOOTS = 2;
const NAMES = ['first', 'second'];

const nameOf = (index: number) => `${NAMES[index] ?? index + 1} boot`;

function judgeAnswer({ machine: { boots } }: ImageFacts): Verdict {
  const seconds = Object.fromEntries(
    boots.flatMap(({ answered }, index) => (answered === undefined ? [] : [[nameOf(index), answered]])),
  );
  const silent = boots.findIndex(({ answered }) => answered === undefined);
  if (silent !== -1)
    return fail(`${nameOf(silent)}: no answer at the public address; ${lastWords(boots[silent])}`, seconds);
  const unseen = boots.findIndex(({ inside: each }) => each === undefined);
  if (unseen !== -1)
    return fail(
      `${nameOf(unseen)}: the machine answered but could not be inspected; ${lastWords(boots[unseen])}`,
      seconds,
    );
  return boots.length < BOOTS
    ? fail(boots.length === 0 ? 'the machine was never started' : 'the machine was booted only once', seconds)
    : pass('a client outside got an answer at the public address after each boot', seconds);
}

/** The last lines of what a machine that does not answer shows. */
function lastWords(boot: BootFacts | undefined): string {
  const lines = (boot?.problem ?? '').split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-6).join(' | ') || 'its console shows nothing';
}

/** Messages of each session: src/lab/machine/main.ts. */
const MESSAGES = 100;
const TRANSPORTS = ['udp', 'tcp'] as const;

function judgeRelay({ machine: { boots } }: ImageFacts): Verdict {
  if (boots.every(({ answered }) => answered === undefined))
    return blocked('machine.answers', 'the machine answers no client');
  const sessions = boots.flatMap(({ relays }) => relays);
  const found = boots.flatMap(({ relays, answered }, index) =>
    TRANSPORTS.flatMap((transport) => {
      const relay = relays.find((each) => each.transport === transport);
      if (answered === undefined || relay?.received === MESSAGES) return [];
      const why = relay?.error === undefined ? '' : ` (${relay.error})`;
      return [
        `${nameOf(index)}: ${relay?.received ?? 0} of ${MESSAGES} messages came back over ${transport.toUpperCase()}${why}`,
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
    'every message came back over UDP and TCP, and a stranger was refused',
    {
      sent: sessions.reduce((sum, { sent }) => sum + sent, 0),
      received: sessions.reduce((sum, { received }) => sum + received, 0),
    },
  );
}

function judgeRelayed({ machine: { boots, public4 } }: ImageFacts): Verdict {
  const given = boots.flatMap(({ relays }) => relays.flatMap(({ relayed }) => relayed ?? []));
  if (given.length === 0) return blocked('machine.relay', 'no client got a relayed address');
  const wrong = [...new Set(given.filter((address) => address !== public4))];
  return complaints(
    wrong.map((address) => `a client got ${address} (expected ${public4})`),
    `every client got ${public4}`,
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
function inside(
  judge: (facts: InsideFacts, all: ImageFacts) => string[],
  good: string,
): MachineCheck['judge'] {
  return (facts) => {
    const seen = facts.machine.boots.flatMap(({ inside: each }) => (each === undefined ? [] : [each]));
    if (seen.length < BOOTS)
      return blocked('machine.answers', 'the machine could not be inspected after each boot');
    const found = seen.flatMap((each, index) =>
      judge(each, facts).map((what) => `${nameOf(index)}: ${what}`),
    );
    return complaints([...new Set(found)], good);
  };
}

/** Ports that turnserver opens: STUN and TURN, TLS, and the second of each for NAT discovery. */
const CLIENT_PORTS = [3478, 3479, 5349, 5350];
const LOOPBACK = /^(?:[0-9A-F]{6}7F|00000000000000000000000001000000|0000000000000000FFFF0000[0-9A-F]{6}7F)$/;

const isRelay = (protocol: string, port: number, { first, last }: ImageFacts['machine']['relayPorts']) =>
  protocol.startsWith('udp') && port >= first && port <= last;

function strangePorts({ listening }: InsideFacts, { ssh, machine: { relayPorts } }: ImageFacts): string[] {
  if (listening.length === 0) return ['the listening sockets could not be determined'];
  return listening
    .filter(({ protocol, address, port, user }) => {
      if (LOOPBACK.test(address)) return false;
      // The socket of an ended allocation stays open for a while.
      if (user === 'turnserver' && isRelay(protocol, port, relayPorts)) return false;
      if (user === 'turnserver') return !CLIENT_PORTS.includes(port);
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
    reason: 'A machine that boots without serving clients looks healthy to a cloud, which keeps it.',
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
    title: 'Gives clients its public address as relayed address',
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
    title: 'Starts every unit',
    reason: 'A failed unit means that a part of the image does not work, or is superfluous.',
    judge: inside(
      ({ failed, state }) => [
        ...failed.map((unit) => `${unit} failed`),
        ...(state === 'running' ? [] : [`systemctl is-system-running reports "${state}"`]),
      ],
      'systemd reports that the system is running, without a failed unit',
    ),
  },
  {
    id: 'machine.ports',
    title: 'Listens on no unexpected port',
    reason: 'Each open port of a machine on the public internet is attacked within minutes.',
    judge: inside(strangePorts, 'only turnserver and the clients of DHCP and NTP have open ports'),
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
              `the file system has ${Math.round(rootBytes / MIB)} MiB of the volume's ${Math.round(volumeBytes / MIB)} MiB`,
            ],
      'the root file system has the size of the volume',
    ),
  },
  {
    id: 'machine.size',
    title: 'Stays within its disk space limit',
    reason: 'A small image starts faster, costs less in each region, and has less that can be attacked.',
    judge: (facts) => {
      const used = facts.machine.boots[0]?.inside?.usedBytes;
      if (used === undefined) return blocked('machine.answers', 'the machine could not be inspected');
      const figures = { 'used MiB': Math.round(used / MIB) };
      const limit = facts.contents.maxUsedMiB;
      return used <= limit * MIB
        ? pass(`uses ${figures['used MiB']} MiB (limit ${limit} MiB)`, figures)
        : fail(`uses ${figures['used MiB']} MiB, more than ${limit} MiB`, figures);
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
    title: 'Keeps its identity when it boots again',
    reason: 'The journal, DHCP and monitoring identify a machine by its machine-id.',
    judge: (facts) => {
      const ids = facts.machine.boots.map(({ inside: each }) => each?.machineId ?? '');
      if (ids.length < BOOTS)
        return blocked('machine.answers', 'the machine could not be inspected after each boot');
      if (ids.some((id) => !/^[0-9a-f]{32}$/.test(id)))
        return fail(`not a machine-id: "${ids.join('", "')}"`);
      return new Set(ids).size === 1
        ? pass('the machine-id is the same')
        : fail('the machine-id has changed');
    },
  },
];
