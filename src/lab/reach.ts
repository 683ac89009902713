import { attribute, UDP } from '../turn/attributes.ts';
import { type Credentials, createClient, type TurnClient } from '../turn/client.ts';
import { NoAnswer, type Patience, RFC_PATIENCE } from '../turn/exchange.ts';
import { METHOD } from '../turn/message.ts';
import { openTransport, TRANSPORTS, type TransportName } from '../turn/transport.ts';
import type { ReachFacts, UnparsedFacts } from './facts.ts';
import { type Addresses, UNPRIVILEGED } from './network.ts';
import type { RunningServer } from './subject.ts';

export type Family = 'ipv4' | 'ipv6';

/** A server as its clients see it. */
export type Endpoint = Pick<RunningServer, 'name' | 'addresses' | 'end'>;

/** Connects the laboratory's clients and records on which ways servers do not answer. */
export interface Clients {
  /** @throws Unreachable immediately on a silent way; Error if the connection fails */
  connect(
    server: Endpoint,
    transport: TransportName,
    family: Family,
    credentials: Credentials,
  ): Promise<TurnClient>;
  /** The first of these ways on which no server answers; undefined if all work. */
  silentWay(ways: readonly Way[]): Way | undefined;
  /** The first way on which this server has stopped answering. */
  leftWay(server: string): Way | undefined;
  /** Results for every way. */
  reach(): ReachFacts[];
  /** The first messages that could not be parsed. */
  unparsed(): UnparsedFacts[];
}

/** A transport over an address family. */
export type Way = `${TransportName}/${Family}`;

/** A server answers no client on this way, so the way is no longer used. */
export class Unreachable extends NoAnswer {
  readonly way: Way;

  constructor(way: Way, why = '') {
    super(`no answer over ${way}${why === '' ? '' : `: ${why}`}`);
    this.way = way;
  }
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
/** Maximum attempts on a silent way. */
const TRIES = 2;

/** Timing differs between native runs and QEMU. */
type Mode = 'native' | 'emulated';

/** Timeout for connecting, including the handshake, during probing. */
const PROBE_CONNECT_MS: Record<Mode, number> = { native: 4_000, emulated: 20_000 };
/** Timing during probing, when nothing else runs. */
const PROBE_PATIENCE: Record<Mode, Patience> = {
  native: { rtoMs: 250, sentAtMost: 4, lastMs: 1_500, reliableMs: 3_500 },
  emulated: { rtoMs: 500, sentAtMost: 5, lastMs: 4_000, reliableMs: 12_000 },
};
/** Shorter than RFC 8489's 39.5 s, which would add up to half an hour. The links are lossless, so late answers are unlikely. */
const PATIENCE: Record<Mode, Patience> = {
  native: { rtoMs: 500, sentAtMost: 4, lastMs: 2_000, reliableMs: 8_000 },
  emulated: { ...RFC_PATIENCE, sentAtMost: 6, reliableMs: 24_000 },
};
/** For a server that answers some requests but has ignored many. */
const SHORT_PATIENCE: Record<Mode, Patience> = {
  native: { rtoMs: 500, sentAtMost: 1, lastMs: 500, reliableMs: 500 },
  emulated: { rtoMs: 500, sentAtMost: 1, lastMs: 3_000, reliableMs: 3_000 },
};
const SILENCES_AT_MOST = 4;
const UNPARSED_AT_MOST = 20;
/** OpenSSL's C code parses the server's answers, so it runs unprivileged. */
const OPENSSL = { opensslPrefix: UNPRIVILEGED };
/** An account that does not exist. */
const STRANGER: Credentials = { username: '', password: '' };

const wayOf = (transport: TransportName, family: Family): Way => `${transport}/${family}`;
const portOf = (transport: TransportName) => (transport === 'tls' || transport === 'dtls' ? 5349 : 3478);
const addressOf = (addresses: Addresses, transport: TransportName, family: Family) => ({
  address: addresses[family],
  port: portOf(transport),
});

/**
 * Probes every transport of an idle server in parallel with the first requests of a session. If the client gets no answer, it tries again,
 * and then a client on the server's machine tries. If datagrams leave with a TTL of 1, UDP and DTLS count as silent even if some arrived.
 * @param lowestTtl lowest TTL of the datagrams sent to clients so far
 */
export async function createClients(
  server: RunningServer,
  emulated: boolean,
  lowestTtl: () => Promise<number>,
): Promise<Clients> {
  const mode: Mode = emulated ? 'emulated' : 'native';
  const probed = await Promise.all(
    FAMILIES.flatMap((family) => TRANSPORTS.map((transport) => probe(server, transport, family, mode))),
  );
  const ttl = await lowestTtl();
  const reach = probed.map((each) =>
    ttl <= 1 && ['udp', 'dtls'].includes(each.transport)
      ? { ...each, remote: false, why: `answers leave with a TTL of ${ttl}` }
      : each,
  );
  const silent = new Set(
    reach.filter(({ remote }) => !remote).map(({ transport, family }) => wayOf(transport, family)),
  );
  /** For each server: the ways on which it stopped answering, and the number of unanswered requests. */
  const states = new Map<string, { left: Set<Way>; silences: number }>();
  const stateOf = ({ name }: Endpoint) => {
    const state = states.get(name) ?? { left: new Set<Way>(), silences: 0 };
    states.set(name, state);
    return state;
  };
  const unparsed: UnparsedFacts[] = [];

  async function open(to: Endpoint, transport: TransportName, family: Family, credentials: Credentials) {
    const opened = openTransport(transport, addressOf(to.addresses, transport, family), OPENSSL);
    const early = to.end.then((how): never => {
      throw new NoAnswer(`the server ended: ${how}`);
    });
    early.catch(() => {});
    return createClient(await Promise.race([opened, early]), credentials, {
      patience: () => (stateOf(to).silences < SILENCES_AT_MOST ? PATIENCE : SHORT_PATIENCE)[mode],
      ended: to.end,
      onUnparsed: (bytes, why) => {
        if (unparsed.filter(({ server }) => server === to.name).length < UNPARSED_AT_MOST)
          unparsed.push({ server: to.name, transport, why, bytes: bytes.toString('hex').slice(0, 200) });
      },
    });
  }

  /** After an unanswered request: whether the server still answers other clients on this way. */
  async function answersOthers(to: Endpoint, transport: TransportName, family: Family): Promise<boolean> {
    try {
      const other = await open(to, transport, family, STRANGER);
      await greet(other);
      return true;
    } catch {
      return false;
    }
  }

  return {
    async connect(to, transport, family, credentials) {
      const way = wayOf(transport, family);
      const state = stateOf(to);
      const require = () => {
        if (silent.has(way) || state.left.has(way)) throw new Unreachable(way);
      };
      require();
      const client = await open(to, transport, family, credentials);
      const { request } = client;
      client.request = async (...args) => {
        require();
        try {
          return await request(...args);
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error;
          state.silences += 1;
          if (await answersOthers(to, transport, family)) throw error;
          state.left.add(way);
          throw new Unreachable(way, error.message);
        }
      };
      return client;
    },
    silentWay: (ways) => ways.find((way) => silent.has(way)),
    leftWay: (name) => [...(states.get(name)?.left ?? [])][0],
    reach: () => reach,
    unparsed: () => unparsed,
  };
}

/** Sends the first requests of a typical session, Binding several times, and closes the connection. @throws NoAnswer */
async function greet(client: TurnClient): Promise<void> {
  try {
    for (let i = 0; i < 3; i++) await client.request(METHOD.binding, []);
    const { error } = await client.request(METHOD.allocate, [attribute.requestedTransport(UDP)]);
    // The server requires no credentials: release the port.
    if (error === undefined) await client.request(METHOD.refresh, [attribute.lifetime(0)]);
  } finally {
    client.close();
  }
}

async function probe(
  { addresses, agent, ended }: RunningServer,
  transport: TransportName,
  family: Family,
  mode: Mode,
): Promise<ReachFacts> {
  const to = addressOf(addresses, transport, family);
  let why = '';
  for (let tries = 1; tries <= TRIES && ended() === undefined; tries++) {
    try {
      const opened = await openTransport(transport, to, {
        ...OPENSSL,
        connectMs: PROBE_CONNECT_MS[mode],
      });
      const client = createClient(opened, STRANGER, {
        patience: () => PROBE_PATIENCE[mode],
        onUnparsed: (_, reason) => {
          why = `malformed answer: ${reason}`;
        },
      });
      await greet(client);
      return { transport, family, remote: true, tries };
    } catch (error) {
      why ||= error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    }
  }
  const local = await agent.binds(transport, to.address, to.port);
  return { transport, family, remote: false, tries: TRIES, local, why };
}
