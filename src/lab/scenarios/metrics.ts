import { connect } from 'node:net';
import { attribute, TCP } from '../../turn/attributes.ts';
import type { Credentials } from '../../turn/client.ts';
import { METHOD } from '../../turn/message.ts';
import type { Address } from '../../turn/values.ts';
import type { MetricsReach, ScrapeFacts } from '../facts.ts';
import { OWN_ADDRESSES } from '../network.ts';
import { METRICS } from '../server-configuration.ts';
import type { RunningServer } from '../subject.ts';
import { ACCOUNT, hangUp, type Reached, silence, type Tried, wordOf } from './session.ts';

/** Scrapes before the first memory measurement, because one-time allocations are not leaks and QEMU translates code on first use. */
const WARM_UP = 1000;
const PORT = Number(new URL(METRICS).port);
/** Timeout in milliseconds after which a port counts as closed. */
const CONNECT_MS = 3000;

/** Scrapes many times, on shared and on new connections, and measures the server's memory. */
export async function scrapeOften(
  server: Pick<RunningServer, 'agent' | 'usage'>,
  times: number,
): Promise<ScrapeFacts> {
  await server.agent.scrapeOften(METRICS, WARM_UP);
  const before = (await server.usage())?.residentBytes;
  const succeeded = await server.agent.scrapeOften(METRICS, times);
  return { scrapes: times, succeeded, before, after: (await server.usage())?.residentBytes };
}

/** Tries to reach the metrics from the clients' side of the network, directly and through the relay. */
export async function reachMetrics(tried: Tried): Promise<MetricsReach[]> {
  const { ipv4, ipv6 } = tried.server.addresses;
  const server = [ipv4, ipv6];
  const direct = server.map(async (address) => ({
    way: 'direct',
    address,
    found: (await opens(address)) ? 'open' : 'closed',
  }));
  const relayed = [...server, ...OWN_ADDRESSES, '127.0.0.1', '::1', '::ffff:127.0.0.1'].map((address) =>
    throughRelay(tried, address),
  );
  return Promise.all([...direct, ...relayed]);
}

function opens(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: PORT, timeout: CONNECT_MS });
    const done = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

async function throughRelay(tried: Tried, address: string): Promise<MetricsReach> {
  return { way: 'relay', address, found: await connectThrough(tried, { address, port: PORT }, ACCOUNT) };
}

/** Tries a TCP allocation and Connect (RFC 6062). Returns `success`, an error code, or that the allocation failed. */
export async function connectThrough(
  { clients, server }: Reached,
  peer: Address,
  credentials: Credentials,
): Promise<string> {
  const family = peer.address.includes(':') ? 'ipv6' : 'ipv4';
  const client = await clients.connect(server, 'tcp', family, credentials);
  const wanted = family === 'ipv6' ? [attribute.requestedAddressFamily(6)] : [];
  const allocation = await client.ask(METHOD.allocate, [attribute.requestedTransport(TCP), ...wanted]);
  const found =
    allocation.error === undefined
      ? await client.ask(METHOD.connect, [attribute.xorPeerAddress(peer)]).then(wordOf, silence)
      : `no TCP allocation: ${wordOf(allocation)}`;
  await hangUp(client);
  return found;
}
