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

/** How clients of the laboratory connect; it knows which ways a server does not answer on. */
export interface Clients {
  /** @throws Unreachable without a try where nothing answers; Error if there is no connection */
  connect(
    server: Endpoint,
    transport: TransportName,
    family: Family,
    credentials: Credentials,
  ): Promise<TurnClient>;
  /** The first of some ways on which no server answers; undefined if all can be used. */
  silentWay(ways: readonly Way[]): Way | undefined;
  /** The way on which one server has answered at first, and then nobody any more. */
  leftWay(server: string): Way | undefined;
  /** What has been found of every way. */
  reach(): ReachFacts[];
  /** What arrived that is neither STUN nor ChannelData; the first few. */
  unparsed(): UnparsedFacts[];
}

/** A transport over an address family. */
export type Way = `${TransportName}/${Family}`;

/** A way on which a server answers nobody: it is not tried any more. */
export class Unreachable extends NoAnswer {
  readonly way: Way;

  constructor(way: Way, why = '') {
    super(`no answer over ${way}${why === '' ? '' : `: ${why}`}`);
    this.way = way;
  }
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
/** Times that a silent way is tried. */
const TRIES = 2;

/** Milliseconds and repetitions, natively and under QEMU. */
type Mode = 'native' | 'emulated';

/** For a connection, handshake included, while ways are tried. */
const PROBE_CONNECT_MS: Record<Mode, number> = { native: 4_000, emulated: 20_000 };
/** While ways are tried, nothing else runs. */
const PROBE_PATIENCE: Record<Mode, Patience> = {
  native: { rtoMs: 250, sentAtMost: 4, lastMs: 1_500, reliableMs: 3_500 },
  emulated: { rtoMs: 500, sentAtMost: 5, lastMs: 4_000, reliableMs: 12_000 },
};
/** No link here loses anything: a request that got no answer within seconds gets none, and 39.5 s for each would take half an hour. */
const PATIENCE: Record<Mode, Patience> = {
  native: { rtoMs: 500, sentAtMost: 4, lastMs: 2_000, reliableMs: 8_000 },
  emulated: { ...RFC_PATIENCE, sentAtMost: 6, reliableMs: 24_000 },
};
/** For a server that answers others, and has stayed silent so often that one more is no surprise. */
const SHORT_PATIENCE: Record<Mode, Patience> = {
  native: { rtoMs: 500, sentAtMost: 1, lastMs: 500, reliableMs: 500 },
  emulated: { rtoMs: 500, sentAtMost: 1, lastMs: 3_000, reliableMs: 3_000 },
};
const SILENCES_AT_MOST = 4;
const UNPARSED_AT_MOST = 20;
/** What a server answers is read by OpenSSL's C code. */
const OPENSSL = { opensslPrefix: UNPRIVILEGED };
/** Nobody's account. */
const STRANGER: Credentials = { username: '', password: '' };

const wayOf = (transport: TransportName, family: Family): Way => `${transport}/${family}`;
const portOf = (transport: TransportName) => (transport === 'tls' || transport === 'dtls' ? 5349 : 3478);
const addressOf = (addresses: Addresses, transport: TransportName, family: Family) => ({
  address: addresses[family],
  port: portOf(transport),
});

/**
 * Tries every transport of a server that has nothing else to do, side by side: the first requests of a session from the clients' side of
 * the network, and where they stay without an answer once more, and from the server's own machine. Where datagrams leave with a TTL of 1,
 * no way of datagrams counts as one: that some of them arrived is chance.
 * @param lowestTtl of the datagrams that have left for clients so far
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
  /** Of one server: ways that it has stopped to answer on, and requests that it left without an answer. */
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

  /** After a request without an answer: whether the server still answers anybody on this way. */
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

/** Asks what every client asks first, more than once, and closes the connection. @throws NoAnswer */
async function greet(client: TurnClient): Promise<void> {
  try {
    for (let i = 0; i < 3; i++) await client.request(METHOD.binding, []);
    const { error } = await client.request(METHOD.allocate, [attribute.requestedTransport(UDP)]);
    // A server that asks nobody for credentials: its port is given back.
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
          why = `an answer that can't be parsed: ${reason}`;
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
