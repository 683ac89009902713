import type { ForbiddenFacts, HostileFacts } from '../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { labCheck } from './lab-check.ts';

/** Minimum number of hostile packets, and of those sent over TCP. */
const HOSTILE_PACKETS = 20_000;
const HOSTILE_TCP_PACKETS = 1000;
/** Minimum number of peers to try. */
const MIN_PEERS = 60;
const WAYS = ['CreatePermission', 'ChannelBind', 'Send', 'Connect'] as const;
/** Maximum number of reachable peers listed for each way; lab.json has all of them. */
const GRANTED_SHOWN = 5;

/** Judges attempts to reach forbidden peers through a relay. */
export function judgeForbidden({ attempts, leaked, control, control6 }: ForbiddenFacts): Verdict {
  const peers = new Set(attempts.map(({ peer }) => peer));
  const found: string[] = [];
  for (const by of WAYS) {
    const granted = attempts.filter((attempt) => attempt.by === by && attempt.found === 'success');
    if (granted.length === 0) continue;
    const some = granted.slice(0, GRANTED_SHOWN).map(({ peer, kind }) => `${peer} (${kind})`);
    const more = granted.length - some.length;
    found.push(
      `${by} was granted for ${granted.length} of ${peers.size} peers: ${some.join(', ')}${more > 0 ? `, and ${more} more` : ''}`,
    );
  }
  if (leaked.length > 0)
    found.push(`${leaked.length} packets left the server: ${leaked.slice(0, 3).join(' | ')}`);
  if (peers.size < MIN_PEERS)
    found.push(`only ${peers.size} peers were tried (at least ${MIN_PEERS} required)`);
  for (const by of WAYS) {
    const count = attempts.filter((attempt) => attempt.by === by).length;
    if (count !== peers.size) found.push(`${by} was tried for ${count} of ${peers.size} peers`);
  }
  for (const { captured, received } of [control, control6])
    if (captured === 0 || received === 0)
      found.push('the control failed: a public peer was not reached either, so the result proves nothing');
  return complaints(found, `${peers.size} peers tried in four ways: no permission granted, no packet sent`, {
    peers: peers.size,
    attempts: attempts.length,
    leaked: leaked.length,
  });
}

/** Complaints about a server that did not survive the hostile packets, or about too few packets. */
export function hostileComplaints(facts: HostileFacts): string[] {
  const { seed, packets, overTcp, ended, suspects, afterwards } = facts;
  if (ended !== undefined)
    return [
      `after ${packets} packets of seed ${seed}: ${ended}; the cause is one of the last ${suspects.length} packets (all in lab.json): ${suspects.at(-1)?.slice(0, 200)}`,
    ];
  const found: string[] = [];
  if (afterwards !== 'success') found.push(`an allocation afterwards was answered with ${afterwards}`);
  if (packets < HOSTILE_PACKETS)
    found.push(`only ${packets} packets were sent (at least ${HOSTILE_PACKETS} required)`);
  if (overTcp < HOSTILE_TCP_PACKETS)
    found.push(`only ${overTcp} packets were sent over TCP (at least ${HOSTILE_TCP_PACKETS} required)`);
  return found;
}

/** Checks of attacks on the server and its neighbours. */
export const abuseChecks: Check[] = [
  labCheck({
    id: 'peers.forbidden',
    title: 'Forbidden peers are unreachable in every notation',
    reason:
      "The relay is inside the network: loopback, neighbouring machines and the cloud's metadata service trust it.",
    reference: 'https://www.rfc-editor.org/rfc/rfc8656#section-21.1.4',
    scenarios: ['forbidden'],
    judge: ({ forbidden }) => judgeForbidden(forbidden),
  }),
  labCheck({
    id: 'packets.hostile',
    title: 'The server survives hostile packets and serves the next client',
    // Misaligned attributes cause SIGBUS on processors that fault on unaligned access.
    advisories: ({ lab }) => (lab?.hostile.ended === 'SIGBUS' ? ['CVE-2026-40613'] : []),
    reason: 'Anyone on the internet can send them; most need no account.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8489#section-16',
    scenarios: ['hostile'],
    judge: ({ hostile }) => {
      const { seed, packets, overTcp } = hostile;
      return complaints(
        hostileComplaints(hostile),
        `${packets} packets of seed ${seed}, ${overTcp} of them over TCP`,
        {
          packets,
          'packets over TCP': overTcp,
          seed,
        },
      );
    },
  }),
];
