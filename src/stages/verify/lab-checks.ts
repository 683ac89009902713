import type { AnswerFacts, LabFacts } from '../../lab/facts.ts';
import { type Check, complaints, fail, type Verdict } from './check.ts';
import { type PackageFacts, parseSamples } from './facts.ts';

/** Messages that each client sends: src/lab/scenarios/relay.ts. */
const MESSAGES = 1000;
/** Each transport by IPv4 and IPv6, by Send and by channel. */
const CLIENTS_PER_TRANSPORT = 4;
const TRANSPORTS = ['udp', 'tcp', 'tls', 'dtls'] as const;
/** Hostile packets at least. */
export const HOSTILE_PACKETS = 20_000;
/** Allocations with an even port at least: one lost port in a hundred would show. */
const EVEN_PORT_CYCLES = 2000;
const SCRAPES = 10_000;
const MAX_GROWTH_MIB = 5;
/** Configurations of src/lab/run.ts. */
const CONFIGURATIONS = ['relay', 'requests', 'limits', 'capacity', 'even-port', 'hostile', 'rest'] as const;
/** Milliseconds in which a request that can't be served has to be refused. */
const REFUSAL_MS = 1000;
/** Messages of the other client on each transport: src/lab/scenarios/independent.ts. */
const INDEPENDENT_MESSAGES = 100;
/** A packet that has crossed half the internet has lost 32 at most of the 64 that hosts begin with. */
const MIN_TTL = 32;
/** Peers that have to be tried at least. */
const MIN_PEERS = 60;

export const withLab =
  (judge: (lab: LabFacts) => Verdict) =>
  ({ lab }: PackageFacts): Verdict =>
    lab === undefined ? fail('the laboratory has no results') : explained(judge(lab), lab);

/** A failed verdict with what went wrong meanwhile: it is mostly the reason. */
function explained(verdict: Verdict, { problems }: LabFacts): Verdict {
  const list = Object.entries(problems).map(
    ([name, problem]) => `${name}: ${problem.split('\n').slice(-3).join(' | ')}`,
  );
  if (verdict.ok || list.length === 0) return verdict;
  return { ...verdict, message: `${verdict.message} (${list.join('; ')})` };
}

function judgeRelays({ relays }: LabFacts, transport: string): Verdict {
  const own = relays.filter((relay) => relay.transport === transport);
  const total = (key: 'sent' | 'received') => own.reduce((sum, relay) => sum + relay[key], 0);
  const found = own
    .filter(({ sent, received }) => sent !== MESSAGES || received !== MESSAGES)
    .map((relay) => {
      const why = relay.error === undefined ? '' : ` (${relay.error})`;
      return `${relay.family} by ${relay.way}: ${relay.received} of ${MESSAGES} came back${why}`;
    });
  if (own.length !== CLIENTS_PER_TRANSPORT) found.push(`${own.length} clients, not ${CLIENTS_PER_TRANSPORT}`);
  return complaints(found, 'IPv4 and IPv6, by Send and by channel: every message came back', {
    sent: total('sent'),
    received: total('received'),
  });
}

const SITUATIONS = [
  { prefix: 'binding', title: 'STUN requests', least: 2 },
  { prefix: 'credentials', title: 'Wrong credentials', least: 4 },
  { prefix: 'nonce', title: 'Nonces that grow old', least: 2 },
  { prefix: 'rest', title: 'REST credentials: valid, expired, of another secret', least: 3 },
  { prefix: 'allocate', title: 'Allocate, right and wrong', least: 6 },
  { prefix: 'allocation', title: 'Allocations that expire', least: 1 },
  { prefix: 'refresh', title: 'Refresh, right and wrong', least: 4 },
  { prefix: 'permission', title: 'CreatePermission, right and wrong', least: 3 },
  { prefix: 'channel', title: 'ChannelBind, right and wrong', least: 6 },
  { prefix: 'peer', title: 'Peers that are denied', least: 2 },
  { prefix: 'quota', title: 'The quota of a user', least: 1 },
  { prefix: 'ports', title: 'Relay ports that are used up', least: 1 },
] as const;

function judgeAnswers({ answers }: LabFacts, prefix: string, least: number): Verdict {
  const own = answers.filter(({ id }) => id.split('.')[0] === prefix);
  const right = ({ expected, tolerated, found, authentic }: AnswerFacts) =>
    [...expected, ...tolerated].includes(found) && authentic !== false;
  const wrong = own
    .filter((answer) => !right(answer))
    .map(({ title, expected, found, authentic }) => {
      const integrity = authentic === false ? ', without a valid MESSAGE-INTEGRITY' : '';
      return `${title}: ${found}${integrity}, not ${expected.join(' or ')}`;
    });
  if (own.length < least) wrong.push(`${own.length} situations were tried, not ${least}`);
  const other = own.filter(({ expected, found }) => !expected.includes(found));
  const note = other.map(
    ({ title, found, expected }) => `${title}: ${found} where the RFC has ${expected.join(' or ')}`,
  );
  const good =
    note.length === 0
      ? `${own.length} answers as the RFC has them`
      : `refused as it must be; ${note.join('; ')}`;
  return complaints(wrong, good, Object.fromEntries(own.map(({ id, found }) => [id, found])));
}

function judgeForbidden({ forbidden: { attempts, leaked, control } }: LabFacts): Verdict {
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
  if (control.captured === 0 || control.received === 0)
    found.push('a public peer was not reached, so nothing is proved by what was not seen');
  return complaints(found, `${peers.size} peers in four ways: no permission, not one packet`, {
    peers: peers.size,
    attempts: attempts.length,
    leaked: leaked.length,
  });
}

function judgeMetrics({ sessions }: LabFacts): Verdict {
  const before = parseSamples(sessions.before);
  const after = parseSamples(sessions.after);
  const messages = sessions.sessions * sessions.messagesPerSession;
  const wanted: Record<string, number> = {
    turn_total_traffic_peer_sentp: messages,
    turn_total_traffic_peer_rcvp: messages,
    turn_total_traffic_peer_sentb: messages * sessions.bytesPerMessage,
    turn_total_traffic_peer_rcvb: messages * sessions.bytesPerMessage,
  };
  const figures: Record<string, number | string> = { sessions: sessions.sessions, messages };
  const found = Object.entries(wanted).flatMap(([name, count]) => {
    // A metric of coturn's own client has no value before its first use.
    const grown = (after.get(name) ?? Number.NaN) - (before.get(name) ?? 0);
    figures[name] = Number.isNaN(grown) ? 'missing' : grown;
    return grown === count ? [] : [`${name} grew by ${figures[name]}, not ${count}`];
  });
  const allocations = (samples: Map<string, number>) =>
    [...samples]
      .filter(([name]) => /^turn_total_allocations\b/.test(name))
      .reduce((sum, [, value]) => sum + value, 0);
  figures['allocations before'] = allocations(before);
  figures['allocations after'] = allocations(after);
  if (allocations(before) !== allocations(after))
    found.push('the gauge of allocations has not come back to where it was');
  return complaints(
    found,
    `${sessions.sessions} sessions of ${sessions.messagesPerSession} messages: exact`,
    figures,
  );
}

/** What is seen off loopback: client, server and peer on machines of their own, with a router between them. */
export const labChecks: Check[] = [
  ...TRANSPORTS.map((transport) => ({
    id: `network.${transport}`,
    title: `Relays ${CLIENTS_PER_TRANSPORT * MESSAGES} messages over ${transport.toUpperCase()} across a router`,
    reason: 'On loopback a server can be wrong in ways that every client on the internet meets at once.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656',
    judge: withLab((lab) => judgeRelays(lab, transport)),
  })),
  {
    id: 'network.ttl',
    title: `Datagrams of the server arrive with a TTL or hop limit of at least ${MIN_TTL}`,
    reason:
      'coturn 4.17.0 answered with a TTL of 1: tests on loopback passed, and no client behind a router got an answer.',
    reference: 'https://github.com/coturn/coturn/issues/2043',
    judge: withLab(({ ttl, relays }) => {
      const datagrams = relays.filter(({ transport }) => ['udp', 'dtls'].includes(transport));
      const expected = datagrams.reduce((sum, { received }) => sum + received, 0);
      const found: string[] = [];
      if (ttl.packets < expected || ttl.packets === 0)
        found.push(`${ttl.packets} datagrams were seen, and at least ${expected} were received`);
      if (ttl.minTtl < MIN_TTL) found.push(`one arrived with ${ttl.minTtl}`);
      return complaints(found, `${ttl.packets} datagrams, none below ${ttl.minTtl}`, { ...ttl });
    }),
  },
  {
    id: 'network.alive',
    title: 'The server lives through everything that is tried with it, in every configuration',
    reason: 'A server that ends takes all calls with it, and whatever ended it can be sent again.',
    judge: withLab(({ servers, problems }) => {
      const found = CONFIGURATIONS.filter((name) => servers[name] !== 'running').map((name) =>
        servers[name] === undefined
          ? `${name}: it did not start`
          : `${name}: it ended by itself with ${servers[name]}`,
      );
      found.push(...Object.keys(problems).map((name) => `${name} could not be tried to its end`));
      return complaints(found, `${CONFIGURATIONS.length} configurations`, servers);
    }),
  },
  {
    id: 'network.independent',
    title: 'A client that nobody here wrote (aioice) allocates and relays over UDP, TCP and TLS',
    reason: 'A client and a server that are wrong in the same way get along well.',
    reference: 'https://github.com/aiortc/aioice',
    judge: withLab(({ independent }) => {
      const found = ['udp', 'tcp', 'tls'].flatMap((transport) => {
        const own = independent.find((each) => each.transport === transport);
        if (own?.sent === INDEPENDENT_MESSAGES && own.received === own.sent) return [];
        return [
          `${transport}: ${own?.error ?? `${own?.received ?? 0} of ${INDEPENDENT_MESSAGES} came back`}`,
        ];
      });
      const received = independent.reduce((sum, each) => sum + (each.received ?? 0), 0);
      return complaints(found, `${received} messages came back`, { received });
    }),
  },
  ...SITUATIONS.map(({ prefix, title, least }) => ({
    id: `answers.${prefix}`,
    title: `Answers as the RFC says: ${title}`,
    reason: 'Clients go by the numbers; a server that says yes where it has to refuse is an open relay.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656',
    judge: withLab((lab) => judgeAnswers(lab, prefix, least)),
  })),
  {
    id: 'peers.forbidden',
    title: 'No forbidden peer can be reached, however it is written',
    reason:
      "The relay stands inside: loopback, the machine's neighbours and the cloud's metadata service trust it.",
    reference: 'https://www.rfc-editor.org/rfc/rfc8656#section-21.1.4',
    judge: withLab(judgeForbidden),
  },
  {
    id: 'capacity.ports',
    title:
      'A relay range serves one allocation for each port, again and again, and one for each pair of ports',
    reason:
      'Capacity is planned by this formula. A port that is not given back is lost until the server is restarted.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656#section-7.2',
    judge: withLab(({ capacity }) => {
      const { ports, cycles, pairs, perAllocation } = capacity;
      const found = cycles.flatMap(({ served, refused, refusedMs }, index) => [
        ...(served === ports ? [] : [`round ${index + 1}: ${served} allocations from ${ports} ports`]),
        ...(refused === '508' ? [] : [`round ${index + 1}: one more was answered ${refused}, not 508`]),
        ...(refusedMs < REFUSAL_MS ? [] : [`round ${index + 1}: the refusal took ${refusedMs} ms`]),
      ]);
      if (cycles.length < 3) found.push(`${cycles.length} rounds, not 3`);
      const halves = Math.floor(ports / 2);
      if (pairs !== halves) found.push(`${pairs} allocations of two ports, not ${halves}`);
      return complaints(found, `${ports} allocations from ${ports} ports, three times; ${pairs} by pairs`, {
        ports,
        pairs,
        'files per allocation': perAllocation.files,
        'resident bytes per allocation': perAllocation.residentBytes,
      });
    }),
  },
  {
    id: 'capacity.even-port',
    title: 'Allocations with an even port give it back',
    reason:
      'RTP clients ask for even ports. A port that is lost with each of them empties the pool within hours of production.',
    reference: 'https://nvd.nist.gov/vuln/detail/CVE-2026-73215',
    advisories: ({ lab }) =>
      lab !== undefined && lab.evenPort.servedAfterwards < lab.evenPort.ports ? ['CVE-2026-73215'] : [],
    judge: withLab(({ evenPort: { cycles, granted, refused, ports, servedAfterwards } }) => {
      const found: string[] = [];
      if (cycles < EVEN_PORT_CYCLES) found.push(`${cycles} were tried, not ${EVEN_PORT_CYCLES}`);
      if (granted !== cycles)
        found.push(`${granted} of ${cycles} were granted, others answered ${refused.join(', ')}`);
      if (servedAfterwards !== ports)
        found.push(`${ports - servedAfterwards} of ${ports} ports are lost after ${granted} allocations`);
      return complaints(found, `${cycles} allocations, ${ports} ports before and after`, {
        cycles,
        ports,
        'ports afterwards': servedAfterwards,
      });
    }),
  },
  {
    id: 'metrics.scrapes',
    title: `Scrapes don't grow the server by ${MAX_GROWTH_MIB} MiB`,
    reason: 'A leak in each scrape ends a relay after weeks, in the middle of its calls.',
    reference: 'https://github.com/coturn/coturn/issues/1898',
    judge: withLab(({ scrapes: { scrapes, succeeded, before, after } }) => {
      const grown = after - before;
      const found: string[] = [];
      if (scrapes < SCRAPES) found.push(`${scrapes} scrapes, not ${SCRAPES}`);
      if (succeeded !== scrapes) found.push(`${succeeded} of ${scrapes} were answered`);
      if (before === 0 || after === 0) found.push('the memory of the server could not be read');
      if (grown >= MAX_GROWTH_MIB * 2 ** 20)
        found.push(`resident memory grew by ${(grown / 2 ** 20).toFixed(1)} MiB in ${scrapes} scrapes`);
      return complaints(found, `${scrapes} scrapes, ${Math.round(grown / 1024)} KiB more`, {
        scrapes,
        'resident bytes before': before,
        'resident bytes after': after,
      });
    }),
  },
  {
    id: 'metrics.private',
    title: 'The metrics are reached neither over the network nor through the relay',
    reason: 'They name realms and users, and tell a stranger how busy each relay is.',
    judge: withLab(({ metricsReach }) => {
      const found = metricsReach
        .filter(({ found: answer }) => ['open', 'success'].includes(answer))
        .map(({ way, address }) => `${address} was reached (${way})`);
      for (const [way, least] of [
        ['direct', 2],
        ['relay', 6],
      ] as const) {
        const count = metricsReach.filter((each) => each.way === way).length;
        if (count < least) found.push(`${count} addresses were tried (${way}), not ${least}`);
      }
      return complaints(found, `${metricsReach.length} attempts, none got through`, {
        attempts: metricsReach.length,
      });
    }),
  },
  {
    id: 'packets.hostile',
    title: 'Hostile packets do not end the server, and the next client is served',
    // Attributes at odd addresses, on processors that mind.
    advisories: ({ lab }) => (lab?.hostile.ended === 'SIGBUS' ? ['CVE-2026-40613'] : []),
    reason: 'Anybody on the internet can send them, most of them without an account.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8489#section-16',
    judge: withLab(({ hostile }) => {
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
    }),
  },
  {
    id: 'metrics.exact',
    title: 'Prometheus counts exactly the messages of ended sessions, and no allocation is left',
    reason: 'Capacity is planned and alerts are set by these figures.',
    judge: withLab(judgeMetrics),
  },
];
