import type { LabFacts } from '../../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { withLab } from './lab-check.ts';

/** Messages that each client sends: src/lab/scenarios/relay.ts. */
const MESSAGES = 1000;
/** Each transport by IPv4 and IPv6, by Send and by channel. */
const CLIENTS_PER_TRANSPORT = 4;
const TRANSPORTS = ['udp', 'tcp', 'tls', 'dtls'] as const;
/** Configurations of src/lab/run.ts. */
const CONFIGURATIONS = ['relay', 'requests', 'limits', 'capacity', 'even-port', 'hostile', 'rest'] as const;
/** Messages of the other client on each transport: src/lab/scenarios/independent.ts. */
const INDEPENDENT_MESSAGES = 100;
/** A packet that has crossed half the internet has lost 32 at most of the 64 that hosts begin with. */
const MIN_TTL = 32;

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

/** What is seen off loopback: client, server and peer on machines of their own, with a router between them. */
export const networkChecks: Check[] = [
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
];
