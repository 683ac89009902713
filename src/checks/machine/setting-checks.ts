import type { LoginAttempt, MachineRelay, TrialFacts, UnaskedFacts } from '../../lab/machine/facts.ts';
import { complaints, notApplicable, type Verdict } from '../check.ts';
import { inside } from './boot-checks.ts';
import type { ImageFacts, MachineCheck } from './check.ts';
import { limitComplaints } from './limits.ts';
import { FIRST, MESSAGES, OTHER, seen, sessionOf } from './trial-checks.ts';

/** Judges what trials of two boots saw. */
const both =
  <One extends keyof TrialFacts, Two extends keyof TrialFacts>(
    one: One,
    two: Two,
    judge: (
      first: NonNullable<TrialFacts[One]>,
      other: NonNullable<TrialFacts[Two]>,
      facts: ImageFacts,
    ) => Verdict,
  ): MachineCheck['judge'] =>
  (facts) =>
    seen(FIRST, one, (first) => seen(OTHER, two, (other) => judge(first, other, facts))(facts))(facts);

const FAMILIES = [
  { family: 'ipv4', name: 'IPv4' },
  { family: 'ipv6', name: 'IPv6' },
] as const;

function judgeTls443(relays: readonly MachineRelay[], { tried, reached }: UnaskedFacts): Verdict {
  const lost = FAMILIES.flatMap(({ family, name }) => {
    const relay = relays.find(({ server }) => server.includes(':') === (family === 'ipv6'));
    if (relay === undefined || relay.port !== 443) return [`no session over ${name} was tried`];
    return relay.received === MESSAGES && relay.relayed === relay.server
      ? []
      : [`relayed address ${relay.relayed ?? 'none'}; ${sessionOf(relay)}`];
  });
  const unasked = FAMILIES.flatMap(({ family, name }) => {
    const ports = reached.find((each) => each.family === family)?.ports ?? [];
    if (!ports.includes(3478) || !tried.includes(443))
      return [`the control failed: over ${name}, ${ports.join(', ') || 'no port'} could be reached`];
    const open = ports.filter((port) => port !== 3478);
    return open.length === 0
      ? []
      : [`${open.join(', ')} can be reached over ${name}, although the settings do not ask for TLS`];
  });
  return complaints(
    [...lost, ...unasked],
    'every message came back over TLS at port 443; without the settings for it, the ports for TLS are closed',
  );
}

type Burst = NonNullable<TrialFacts['burst']>;

const times = (count: number, word: string) => Array<string>(count).fill(word);

function judgeQuota(
  [first, second]: NonNullable<TrialFacts['quota']>,
  { machine: { limits } }: ImageFacts,
): Verdict {
  const { userQuota, totalQuota } = limits;
  const judge = (what: string, words: readonly string[], granted: number) => {
    const expected = [...times(granted, 'success'), '486'].join(' ');
    return words.join(' ') === expected
      ? []
      : [`${what}: allocations were answered with "${words.join(' ')}" (expected "${expected}")`];
  };
  return complaints(
    [
      ...judge(`userQuota ${userQuota}`, first, userQuota),
      ...judge(`totalQuota ${totalQuota}, ${userQuota} of them in use`, second, totalQuota - userQuota),
    ],
    `a user's allocation ${userQuota + 1} and the machine's allocation ${totalQuota + 1} were refused with 486`,
    { userQuota, totalQuota },
  );
}

function judgeBandwidth(unlimited: Burst, limited: Burst, { machine: { limits } }: ImageFacts): Verdict {
  const { maxBps } = limits;
  const bytesOf = ({ received, bytes }: Burst) => received * bytes;
  const bytes = bytesOf(limited);
  // turnserver counts in seconds of its clock, of which the burst may touch one more at each end.
  const mostIn = ({ seconds }: Burst) => maxBps * (seconds + 2);
  const most = mostIn(limited);
  return complaints(
    [
      // A burst over UDP may lose some messages on the way.
      ...(bytesOf(unlimited) > mostIn(unlimited)
        ? []
        : [
            `the control failed: without a limit, ${bytesOf(unlimited)} of ${unlimited.sent * unlimited.bytes} bytes came back, which the limit would permit`,
          ]),
      ...(limited.received === 0 ? ['no message came back'] : []),
      ...(limited.received === limited.sent ? [`all ${limited.sent} messages came back`] : []),
      ...(bytes > most
        ? [`${bytes} bytes came back within ${limited.seconds} s (expected at most ${most})`]
        : []),
    ],
    `of ${limited.sent * limited.bytes} bytes in one burst, ${bytes} came back within ${limited.seconds} s; without a limit, ${bytesOf(unlimited)} did`,
    { maxBps, 'bytes relayed': bytes, seconds: limited.seconds },
  );
}

/** Who may log in on each cloud, and with which key. The account on Compute Engine is one of OS Login: src/lab/machine/identity.ts. */
const CHOSEN = {
  aws: { user: 'admin', key: 'metadata', osLogin: false },
  gce: { user: 'alice_example_org', key: 'os-login', osLogin: true },
} as const;
const KEYS = {
  metadata: 'the key of the metadata',
  'os-login': 'the key of OS Login',
  stranger: 'another key',
};
/** sshd offers no other method than keys. */
const REFUSED = /Permission denied \(publickey\)/;
const UNREACHED = /timed out/;

function judgeSsh(attempts: readonly LoginAttempt[], { cloud, ssh }: ImageFacts): Verdict {
  if (!ssh) return notApplicable('the image has no SSH server; machine.firewall tries its port');
  const chosen = CHOSEN[cloud];
  // What src/lab/machine/trials/ssh.ts prints in the session.
  const session = `${chosen.user}, sudo: root`;
  const isChosen = ({ user, key, listed, osLogin }: LoginAttempt) =>
    user === chosen.user && key === chosen.key && osLogin === chosen.osLogin && listed;
  const nameOf = ({ user, key, listed, osLogin }: LoginAttempt) =>
    `${user} with ${KEYS[key]} from ${listed ? 'a listed' : 'another'} network${osLogin ? ', OS Login enabled' : ''}`;
  const judge = (attempt: LoginAttempt) => {
    if (isChosen(attempt)) return attempt.found === session ? undefined : `"${session}"`;
    const expected = attempt.listed ? REFUSED : UNREACHED;
    return expected.test(attempt.found) ? undefined : attempt.listed ? 'a refusal' : 'no connection';
  };
  const wrong = attempts.flatMap((attempt) => {
    const expected = judge(attempt);
    return expected === undefined ? [] : [`${nameOf(attempt)}: "${attempt.found}" (expected ${expected})`];
  });
  const missing = [
    ...(attempts.some(isChosen) ? [] : ['no login of the administrator was tried']),
    ...(attempts.some(({ key, osLogin }) => key === 'metadata' && osLogin === chosen.osLogin)
      ? []
      : ['the key of the metadata was not tried with OS Login']),
    ...(attempts.some(({ listed }) => !listed) ? [] : ['no login from another network was tried']),
    ...(attempts.some(({ key }) => key === 'stranger') ? [] : ['no login with another key was tried']),
    ...(attempts.some(({ user }) => user === 'root') ? [] : ['no login of root was tried']),
  ];
  return complaints(
    [...wrong, ...missing],
    cloud === 'aws'
      ? 'admin logged in with the key pair of the instance, and nobody else: no other user, key or network'
      : 'an administrator logged in by a simulated OS Login, and nobody else: no key of the metadata, other key or network',
  );
}

/** The checks of what settings do, besides those that each boot uses. */
export const settingChecks: readonly MachineCheck[] = [
  {
    id: 'machine.tls443',
    title: 'Serves TLS on port 443 if asked, and only then',
    reason: 'Many networks let nothing out but HTTPS.',
    judge: both('tls443', 'unasked', judgeTls443),
  },
  {
    id: 'machine.quota',
    title: 'Refuses allocations beyond the quotas of the settings',
    reason: 'Without a quota, one user can take every port of the machine.',
    judge: seen(OTHER, 'quota', judgeQuota),
  },
  {
    id: 'machine.bandwidth',
    title: 'Limits each allocation to the bandwidth of the settings',
    reason: 'Without a limit, one user can take the bandwidth of all calls, which is also what costs money.',
    judge: both('burst', 'burst', judgeBandwidth),
  },
  {
    id: 'machine.limits',
    title: 'Gives turnserver the file descriptors, buffers and ports that its relay range needs',
    reason:
      'A machine that runs out of file descriptors refuses calls long before its capacity; other programs must not take relay ports.',
    judge: inside(
      limitComplaints,
      'turnserver may open enough files for the widest relay range, gets the socket buffers that it asks for, and shares no port with other connections',
    ),
  },
  {
    id: 'machine.ssh',
    title: 'Lets in over SSH nobody but the chosen users, from the listed networks',
    reason: 'An administrator who is locked out cannot help, and anybody else who gets in owns the machine.',
    judge: (facts) => (facts.ssh ? seen(FIRST, 'ssh', judgeSsh)(facts) : judgeSsh([], facts)),
  },
];
