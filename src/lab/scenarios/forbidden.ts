import { setTimeout as pause } from 'node:timers/promises';
import { attribute, TCP } from '../../turn/attributes.ts';
import type { Credentials, TurnClient } from '../../turn/client.ts';
import { type ForbiddenPeer, forbiddenPeers } from '../../turn/forbidden-peers.ts';
import { METHOD } from '../../turn/message.ts';
import type { ForbiddenAttempt, ForbiddenFacts } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import type { Family } from '../reach.ts';
import type { PacketLines } from '../tcpdump.ts';
import {
  ACCOUNT,
  allocate,
  ECHO_PORT,
  hangUp,
  type Reached,
  silence,
  type Tried,
  wordOf,
} from './session.ts';

/** Port of every forbidden peer. */
const PORT = 4444;
/** Maximum packets listed in the report. */
const LEAKS_AT_MOST = 50;
/** Number of concurrent Connect requests. */
const CONNECTS = 30;
/** Milliseconds to wait for late packets after the last attempt. */
const SETTLE_MS = 500;

/** What the client saw of its attempts. */
export interface ForbiddenTrial {
  attempts: ForbiddenAttempt[];
  /** Messages that came back from the public peer, the positive control, over each family. */
  received: Readonly<Record<Family, number>>;
}

/** Tries to reach each forbidden peer in every way and captures what leaves the server. @param watch starts a capture on the server's machine */
export async function tryForbiddenPeers(
  tried: Tried,
  watch: (filter: string) => Promise<PacketLines>,
  own: readonly string[],
): Promise<ForbiddenFacts> {
  return captureForbidden(watch, () =>
    attemptForbidden(tried, { peers: forbiddenPeers(own), credentials: ACCOUNT, connects: true }),
  );
}

/** Captures what leaves the server while the attempts are made. */
export async function captureForbidden(
  watch: (filter: string) => Promise<PacketLines>,
  attempt: () => Promise<ForbiddenTrial>,
): Promise<ForbiddenFacts> {
  const packets = await watch(leavingFilter());
  const { attempts, received } = await attempt();
  await pause(SETTLE_MS);
  await packets.stop();
  const lines = packets.lines();
  const leaked = lines.filter((line) => line.includes(`.${PORT}:`) || line.includes(`.${PORT} `));
  // Without a positive control, a capture that sees nothing would pass.
  const control = (family: Family) => ({
    received: received[family],
    captured: lines.filter((line) => line.includes(`> ${ADDRESSES.peer[family]}.${ECHO_PORT}`)).length,
  });
  return {
    attempts,
    leaked: leaked.slice(0, LEAKS_AT_MOST),
    control: control('ipv4'),
    control6: control('ipv6'),
  };
}

/** What to try. */
export interface ForbiddenWanted {
  peers: readonly ForbiddenPeer[];
  credentials: Credentials;
  /** Try TCP peers as well. */
  connects: boolean;
}

/** Tries to reach a public peer, and each forbidden peer in every way. @throws Error if the server refuses an allocation */
export async function attemptForbidden(
  tried: Reached,
  { peers: all, credentials, connects }: ForbiddenWanted,
): Promise<ForbiddenTrial> {
  const received = {
    ipv4: await reachPublicPeer(tried, 'ipv4', credentials),
    ipv6: await reachPublicPeer(tried, 'ipv6', credentials),
  };
  const attempts: ForbiddenAttempt[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const client = await tried.clients.connect(tried.server, 'udp', family, credentials);
    const allocation = wordOf(await allocate(client, family));
    if (allocation !== 'success') throw new Error(`an ${family} allocation was answered with ${allocation}`);
    const peers = all.filter(({ peer }) => peer.includes(':') === (family === 'ipv6'));
    for (const [index, peer] of peers.entries()) attempts.push(...(await tryPeer(client, peer, index)));
    await hangUp(client);
    if (connects) attempts.push(...(await tryConnect(tried, family, peers, credentials)));
  }
  return { attempts, received };
}

async function tryPeer(
  client: TurnClient,
  { peer, kind }: ForbiddenPeer,
  index: number,
): Promise<ForbiddenAttempt[]> {
  const address = { address: peer, port: PORT };
  const ask = (method: number, ...more: Parameters<TurnClient['ask']>[1]) =>
    client.ask(method, [...more, attribute.xorPeerAddress(address)]).then(wordOf, silence);
  const send = () => {
    client.send(address, Buffer.from('for nobody'));
    return 'sent';
  };
  const channel = 0x4000 + index;
  // Send first without a permission, then again after requesting one.
  send();
  const permission = await ask(METHOD.createPermission);
  const bound = await ask(METHOD.channelBind, attribute.channelNumber(channel));
  client.sendOnChannel({ channel, data: Buffer.from('for nobody') });
  return [
    { peer, kind, by: 'CreatePermission', found: permission },
    { peer, kind, by: 'ChannelBind', found: bound },
    { peer, kind, by: 'Send', found: send() },
  ];
}

/** Tries TCP peers, RFC 6062. If the server refuses the TCP allocation, records that answer for all of them. */
async function tryConnect(
  { clients, server }: Reached,
  family: Family,
  peers: readonly ForbiddenPeer[],
  credentials: Credentials,
): Promise<ForbiddenAttempt[]> {
  const client = await clients.connect(server, 'tcp', family, credentials);
  const wanted = family === 'ipv6' ? [attribute.requestedAddressFamily(6)] : [];
  const allocation = await client.ask(METHOD.allocate, [attribute.requestedTransport(TCP), ...wanted]);
  const connect = async ({ peer, kind }: ForbiddenPeer): Promise<ForbiddenAttempt> => {
    const request = [attribute.xorPeerAddress({ address: peer, port: PORT })];
    const found =
      allocation.error === undefined
        ? await client.ask(METHOD.connect, request).then(wordOf, silence)
        : wordOf(allocation);
    return { peer, kind, by: 'Connect', found };
  };
  // In batches: a server that allows a peer answers only when the peer has answered or the connection has timed out.
  const attempts: ForbiddenAttempt[] = [];
  for (let at = 0; at < peers.length; at += CONNECTS)
    attempts.push(...(await Promise.all(peers.slice(at, at + CONNECTS).map(connect))));
  await hangUp(client);
  return attempts;
}

/** Sends a message to the public peer. Returns how many came back. */
async function reachPublicPeer(tried: Reached, family: Family, credentials: Credentials): Promise<number> {
  const client = await tried.clients.connect(tried.server, 'udp', family, credentials);
  await allocate(client, family);
  const peer = { address: ADDRESSES.peer[family], port: ECHO_PORT };
  let received = 0;
  client.onData(() => {
    received += 1;
  });
  await client.ask(METHOD.createPermission, [attribute.xorPeerAddress(peer)]);
  client.send(peer, Buffer.from('for the peer'));
  await pause(SETTLE_MS);
  await hangUp(client);
  return received;
}

/** Matches everything that the server's machine sends, except to clients and for metrics. */
function leavingFilter(): string {
  const clients = [ADDRESSES.client.ipv4, ADDRESSES.client.ipv6].map((address) => `not dst host ${address}`);
  return `(udp or tcp) and ${clients.join(' and ')} and not port 9641`;
}
