import type { LabFacts } from '../../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { labCheck } from './lab-check.ts';

/** Hostile packets at least. */
export const HOSTILE_PACKETS = 20_000;
/** Peers that have to be tried at least. */
const MIN_PEERS = 60;

function judgeForbidden({ forbidden: { attempts, leaked, control, control6 = control } }: LabFacts): Verdict {
  const peers = new Set(attempts.map(({ peer }) => peer));
  const found = attempts
    .filter(({ found: answer }) => answer === 'success')
    .map(({ peer, kind, by }) => `${by} to ${peer} (${kind}) was granted`);
  if (leaked.length > 0)
    found.push(`${leaked.length} packets have left the server: ${leaked.slice(0, 3).join(' | ')}`);
  if (peers.size < MIN_PEERS) found.push(`${peers.size} peers were tried, not ${MIN_PEERS}`);
  for (const by of ['CreatePermission', 'ChannelBind', 'Send', 'Connect']) {
    const count = attempts.filter((attempt) => attempt.by === by).length;
    if (count !== peers.size) found.push(`${by} was tried for ${count} of ${peers.size} peers`);
  }
  for (const { captured, received } of [control, control6])
    if (captured === 0 || received === 0)
      found.push('a public peer was not reached, so nothing is proved by what was not seen');
  return complaints(found, `${peers.size} peers in four ways: no permission, not one packet`, {
    peers: peers.size,
    attempts: attempts.length,
    leaked: leaked.length,
  });
}

/** What somebody tries who means the server or its neighbours ill. */
export const abuseChecks: Check[] = [
  labCheck({
    id: 'peers.forbidden',
    title: 'No forbidden peer can be reached, however it is written',
    reason:
      "The relay stands inside: loopback, the machine's neighbours and the cloud's metadata service trust it.",
    reference: 'https://www.rfc-editor.org/rfc/rfc8656#section-21.1.4',
    scenarios: ['forbidden'],
    judge: judgeForbidden,
  }),
  labCheck({
    id: 'packets.hostile',
    title: 'Hostile packets do not end the server, and the next client is served',
    // Attributes at odd addresses, on processors that mind.
    advisories: ({ lab }) => (lab?.hostile.ended === 'SIGBUS' ? ['CVE-2026-40613'] : []),
    reason: 'Anybody on the internet can send them, most of them without an account.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8489#section-16',
    scenarios: ['hostile'],
    judge: ({ hostile }) => {
      const { seed, packets, ended, suspects, afterwards } = hostile;
      const found: string[] = [];
      if (ended !== undefined)
        found.push(
          `after ${packets} packets of seed ${seed}: ${ended}; it was one of the last ${suspects.length}, which are in lab.json: ${suspects.at(-1)?.slice(0, 200)}`,
        );
      else if (afterwards !== 'success') found.push(`an allocation afterwards was answered ${afterwards}`);
      if (packets < HOSTILE_PACKETS && ended === undefined)
        found.push(`${packets} packets, not ${HOSTILE_PACKETS}`);
      return complaints(found, `${packets} packets of seed ${seed}`, { packets, seed });
    },
  }),
];
