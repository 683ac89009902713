import { type LabFacts, MIN_TTL, type ReachFacts } from '../lab/facts.ts';
import { blocked, type Check, complaints, type Verdict } from './check.ts';
import { blockingTransport, labCheck, leaksMemory, stateOf, wayName } from './lab-check.ts';
import { HONEST_SCENARIOS, HONEST_SERVERS } from './needs.ts';

/** Messages that each client sends: src/lab/scenarios/relay.ts. */
const MESSAGES = 1000;
/** Each transport over IPv4 and IPv6, with Send and with channels. */
const CLIENTS_PER_TRANSPORT = 4;
const TRANSPORTS = ['udp', 'tcp', 'tls', 'dtls'] as const;
/** Messages of each session with REST credentials: src/lab/configurations.ts. */
const REST_MESSAGES = 50;
/** Messages of the independent client on each transport: src/lab/scenarios/independent.ts. */
const INDEPENDENT_MESSAGES = 100;

const silentWays = ({ reach }: LabFacts) => reach.filter(({ remote }) => !remote);
const wayOf = ({ transport, family }: ReachFacts) => `${transport}/${family}`;

function judgeRelays(lab: LabFacts, transport: string): Verdict {
  const own = lab.relays.filter((relay) => relay.transport === transport);
  const silent = silentWays(lab).filter((each) => each.transport === transport);
  const by = silent
    .map((each) => blockingTransport(lab, wayOf(each)))
    .find((id) => id !== `network.${transport}`);
  if (by !== undefined)
    return blocked(by, `no answer over ${silent.map((each) => wayName(wayOf(each))).join(', ')}`);
  const total = (key: 'sent' | 'received') => own.reduce((sum, relay) => sum + relay[key], 0);
  const found = own
    .filter(({ sent, received }) => sent !== MESSAGES || received !== MESSAGES)
    .map((relay) => {
      const why = relay.error === undefined ? '' : ` (${relay.error})`;
      return `${relay.family} by ${relay.way}: ${relay.received} of ${MESSAGES} messages came back${why}`;
    });
  if (own.length !== CLIENTS_PER_TRANSPORT)
    found.push(`${own.length} clients ran (expected ${CLIENTS_PER_TRANSPORT})`);
  const verdict = complaints(found, 'every message came back over IPv4 and IPv6, by Send and by channel', {
    sent: total('sent'),
    received: total('received'),
  });
  return verdict.ok || silent.length === 0 ? verdict : { ...verdict, cause: silence(transport, silent) };
}

/** Why clients get no answer over a transport. */
function silence(transport: string, silent: readonly ReachFacts[]): string {
  const families = silent.map(({ family }) => (family === 'ipv6' ? 'IPv6' : 'IPv4')).join(' and ');
  const local = silent.every((each) => each.local === true)
    ? 'local clients get answers'
    : 'even local clients get no answer';
  const why = silent.map(({ why: last }) => last ?? '').find((text) => text !== '');
  return `turnserver answers no client over ${transport.toUpperCase()} (${families}): ${local}${why === undefined ? '' : `; last error: ${why}`}`;
}

function judgeTtl(lab: LabFacts): Verdict {
  const { ttl, relays } = lab;
  const datagrams = relays.filter(({ transport }) => ['udp', 'dtls'].includes(transport));
  const expected = datagrams.reduce((sum, { received }) => sum + received, 0);
  const figures = { packets: ttl.packets, 'lowest TTL': ttl.minTtl };
  if (ttl.packets > 0 && ttl.minTtl < MIN_TTL) {
    const one = ttl.minTtl === 1;
    return {
      ok: false,
      message: `at least one of ${ttl.packets} datagrams to clients had a TTL of ${ttl.minTtl}`,
      figures,
      cause: `UDP answers leave with TTL ${ttl.minTtl}: ${one ? 'clients behind a router' : 'distant clients'} never receive them (coturn #2043)`,
    };
  }
  const silent = silentWays(lab).find(({ transport }) => transport === 'udp');
  if (ttl.packets === 0 && silent !== undefined) return blocked('network.udp', 'no datagram left the server');
  return complaints(
    ttl.packets < expected || ttl.packets === 0
      ? [`${ttl.packets} datagrams were captured, but clients received at least ${expected}`]
      : [],
    `${ttl.packets} datagrams, lowest TTL ${ttl.minTtl}`,
    figures,
  );
}

function judgeAlive({ servers, problems, blocked: notTried, logs }: LabFacts): Verdict {
  const down = HONEST_SERVERS.filter((name) => notTried[name] === undefined && servers[name] !== 'running');
  const found = down.map((name) => `${name}: ${stateOf(servers[name])}`);
  found.push(
    ...Object.keys(problems).map(
      (name) => `${name} could not be completed: ${problems[name]?.split('\n').slice(0, 3).join(' | ')}`,
    ),
  );
  const verdict = complaints(found, `${HONEST_SERVERS.length} configurations`, servers);
  const [first] = down;
  if (verdict.ok || first === undefined) return verdict;
  const log = (logs[first] ?? problems[first] ?? '').trim().split('\n').at(-1) ?? '';
  const how =
    servers[first] === undefined
      ? 'turnserver does not start'
      : `${stateOf(servers[first])}, although clients sent nothing malformed`;
  return { ...verdict, cause: `${how}${log === '' ? '' : `: ${log}`}` };
}

function judgeIndependent(lab: LabFacts): Verdict {
  const transports = ['udp', 'tcp', 'tls'];
  const silences = silentWays(lab).filter(
    ({ transport, family }) => family === 'ipv4' && transports.includes(transport),
  );
  const [silent] = silences;
  const found = transports
    .filter((transport) => silences.every((each) => each.transport !== transport))
    .flatMap((transport) => {
      const own = lab.independent.find((each) => each.transport === transport);
      if (own?.sent === INDEPENDENT_MESSAGES && own.received === own.sent) return [];
      return [
        `${transport}: ${own?.error ?? `${own?.received ?? 0} of ${INDEPENDENT_MESSAGES} messages came back`}`,
      ];
    });
  if (found.length === 0 && silent !== undefined)
    return blocked(blockingTransport(lab, wayOf(silent)), `no answer over ${wayName(wayOf(silent))}`);
  const received = lab.independent.reduce((sum, each) => sum + (each.received ?? 0), 0);
  const again = lab.independent.filter(({ tries }) => (tries ?? 1) > 1).map(({ transport }) => transport);
  return complaints(found, `${received} messages came back`, {
    received,
    ...(again.length > 0 ? { 'tried again': again.join(', ') } : {}),
  });
}

/** Sessions with credentials from a web service: each transport with Send and with channels. */
function judgeRest(lab: LabFacts): Verdict {
  const { relays } = lab.restSessions;
  const reached = relays.filter(({ unreachable }) => unreachable !== true);
  const found = reached
    .filter(({ sent, received }) => sent !== REST_MESSAGES || received !== sent)
    .map(
      ({ transport, way, received, error }) =>
        `${transport} by ${way}: ${received} of ${REST_MESSAGES} messages came back${error === undefined ? '' : ` (${error})`}`,
    );
  if (relays.length !== 2 * TRANSPORTS.length)
    found.push(`${relays.length} clients ran (expected ${2 * TRANSPORTS.length})`);
  const silent = silentWays(lab).find(({ family }) => family === 'ipv4');
  if (found.length === 0 && reached.length < relays.length && silent !== undefined)
    return blocked(blockingTransport(lab, wayOf(silent)), `no answer over ${wayName(wayOf(silent))}`);
  // The first server answers over every transport, but this one does not.
  if (silent === undefined && reached.length < relays.length)
    found.push(`${relays.length - reached.length} of ${relays.length} clients were not answered`);
  const received = reached.reduce((sum, each) => sum + each.received, 0);
  return complaints(found, `all ${received} messages over ${TRANSPORTS.join(', ')} came back`, {
    received,
  });
}

/** Checks off loopback: client, server and peer in separate network namespaces with a router between them. */
export const networkChecks: Check[] = [
  ...TRANSPORTS.map((transport) =>
    labCheck({
      id: `network.${transport}`,
      title: `Relays ${CLIENTS_PER_TRANSPORT * MESSAGES} messages over ${transport.toUpperCase()} across a router`,
      reason: 'Tests on loopback miss faults that break every client on the internet.',
      reference: 'https://www.rfc-editor.org/rfc/rfc8656',
      scenarios: ['relays'],
      judge: (lab) => judgeRelays(lab, transport),
    }),
  ),
  labCheck({
    id: 'relay.rest-secret',
    title: 'Relays over every transport with REST credentials',
    reason: 'Most services issue expiring credentials derived from a shared secret.',
    reference: 'https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00',
    scenarios: ['rest sessions'],
    judge: judgeRest,
  }),
  labCheck({
    id: 'network.ttl',
    title: `Datagrams to clients have a TTL or hop limit of at least ${MIN_TTL}`,
    reason:
      'coturn 4.17.0 answered with a TTL of 1: tests on loopback passed, but no client behind a router got an answer.',
    reference: 'https://github.com/coturn/coturn/issues/2043',
    advisories: ({ lab }) => (lab?.ttl.minTtl === 1 ? ['coturn-2043'] : []),
    scenarios: ['relays'],
    judge: judgeTtl,
  }),
  labCheck({
    id: 'network.alive',
    title: 'The server starts and keeps running in every configuration',
    reason: 'A crash drops all calls, and an attacker can repeat what caused it.',
    scenarios: [],
    covers: HONEST_SCENARIOS,
    judge: judgeAlive,
  }),
  labCheck({
    id: 'network.independent',
    // aioice drops an answer whose reason phrase it can't decode, and waits for another one.
    advisories: (facts) =>
      (facts.lab?.independent ?? []).every(
        ({ received, error = '' }) =>
          received === INDEPENDENT_MESSAGES || error.startsWith('TransactionTimeout'),
      )
        ? leaksMemory(facts)
        : [],
    title: 'An independent client (aioice) allocates and relays over UDP, TCP and TLS',
    reason: 'A client and a server with the same misreading of the standard still work together.',
    reference: 'https://github.com/aiortc/aioice',
    scenarios: ['independent'],
    judge: judgeIndependent,
  }),
];
