import { connect } from 'node:net';
import { NoAnswer } from '../../turn/exchange.ts';
import { longTermKey, METHOD } from '../../turn/message.ts';
import type { HostileFacts } from '../facts.ts';
import { hostilePacket, type Knowledge } from '../mutate.ts';
import { createRandom } from '../random.ts';
import type { RunningServer } from '../subject.ts';
import { ACCOUNT, allocate, connectUdp, hangUp, type Tried, wordOf } from './session.ts';

/** Packets between liveness checks. The packet that stopped the server is in the last batch. */
const BATCH = 50;
/** Batches per client. The next client starts with its own allocation. */
const BATCHES_PER_CLIENT = 20;
/** Every tenth batch goes over TCP. */
const TCP_EVERY = 10;
/** Timeout for opening a TCP connection, and how long it stays open after its packet, in milliseconds. */
const CONNECT_MS = 5000;
const LINGER_MS = 20;
/** Every third client uses IPv6. */
const IPV6_EVERY = 3;
/** Maximum clients tried at the end, because a client's port may still have an earlier allocation. */
const LAST_ATTEMPTS = 3;

/**
 * Sends hostile packets to a server over UDP and TCP, IPv4 and IPv6, from clients with and without an allocation. Stops as soon as the
 * server no longer answers.
 */
export async function throwPackets(
  tried: Tried,
  server: RunningServer,
  seed: number,
  packets: number,
): Promise<HostileFacts> {
  const facts: HostileFacts = {
    seed,
    packets: 0,
    overTcp: 0,
    ended: undefined,
    suspects: [],
    afterwards: 'not tried',
  };
  try {
    await throwAll(tried, server, facts, packets);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    facts.ended = server.ended() ?? 'silence';
  }
  return facts;
}

async function throwAll(
  tried: Tried,
  server: RunningServer,
  facts: HostileFacts,
  packets: number,
): Promise<void> {
  const random = createRandom(facts.seed);
  for (let batch = 0, clients = 0; facts.packets < packets; clients++) {
    const family = clients % IPV6_EVERY === 0 ? 'ipv6' : 'ipv4';
    const client = await tried.clients.connect(server, 'udp', family, ACCOUNT);
    try {
      // Every other client has an allocation, so that its packets get further.
      if (clients % 2 === 0) await allocate(client, family);
      else await client.ask(METHOD.refresh, []);
      const { realm, nonce } = client.challenge ?? { realm: '', nonce: '' };
      const knowledge: Knowledge = {
        username: ACCOUNT.username,
        realm,
        nonce,
        key: longTermKey(ACCOUNT.username, realm, ACCOUNT.password),
      };
      for (let i = 0; i < BATCHES_PER_CLIENT && facts.packets < packets; i++, batch++) {
        const thrown = Array.from({ length: BATCH }, () => hostilePacket(random, knowledge));
        facts.suspects = thrown.map((bytes) => bytes.toString('hex'));
        if (batch % TCP_EVERY === 0 && tried.clients.silentWay([`tcp/${family}`]) === undefined) {
          const opened = await throwOverTcp(thrown, server.addresses[family]);
          if (opened === 0) throw new NoAnswer('no TCP connection was accepted');
          facts.overTcp += opened;
          facts.packets += opened;
        } else {
          for (const bytes of thrown) client.transport.send(bytes);
          facts.packets += thrown.length;
        }
        await requireAnswer(tried);
      }
    } finally {
      client.close();
    }
  }
  facts.suspects = [];
  for (const transport of ['udp', 'tcp'] as const) {
    const word = await allocateLast(tried, server, transport);
    facts.afterwards = word === 'success' ? word : `${word} over ${transport.toUpperCase()}`;
    if (word !== 'success') break;
  }
  facts.ended = server.ended();
}

/**
 * Allocates once more after all packets. The new client may have the port of an earlier client whose allocation still exists, for up to ten
 * minutes. The server then answers 437, and the client must try another port (RFC 8656, 7.4).
 * @returns the last answer in one word
 */
async function allocateLast(tried: Tried, server: RunningServer, transport: 'udp' | 'tcp'): Promise<string> {
  let word = '';
  for (let attempt = 0; attempt < LAST_ATTEMPTS; attempt++) {
    const client = await tried.clients.connect(server, transport, 'ipv4', ACCOUNT);
    word = await allocate(client, 'ipv4').then(wordOf, String);
    await hangUp(client);
    if (word !== '437') break;
  }
  return word;
}

/**
 * Sends each packet on its own connection, because coturn stops reading at the first malformed message.
 * @returns the number of opened connections
 */
async function throwOverTcp(packets: readonly Buffer[], host: string): Promise<number> {
  const opened = await Promise.all(packets.map((bytes) => throwOne(bytes, host)));
  return opened.filter(Boolean).length;
}

function throwOne(bytes: Buffer, host: string): Promise<boolean> {
  const socket = connect({ host, port: 3478, timeout: CONNECT_MS });
  let opened = false;
  socket.on('error', () => {});
  socket.on('timeout', () => socket.destroy());
  socket.resume();
  socket.once('connect', () => {
    opened = true;
    socket.write(bytes);
    setTimeout(() => socket.destroy(), LINGER_MS);
  });
  return new Promise((resolve) => socket.once('close', () => resolve(opened)));
}

/** Checks with a well-behaved client that the server still answers. @throws NoAnswer */
async function requireAnswer(tried: Tried): Promise<void> {
  const client = await connectUdp(tried);
  try {
    await client.request(METHOD.binding, []);
  } finally {
    client.close();
  }
}
