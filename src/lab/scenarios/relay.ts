import { attribute } from '../../turn/attributes.ts';
import { startAwakeTimer } from '../../turn/awake-timer.ts';
import type { Credentials, TurnClient } from '../../turn/client.ts';
import { METHOD } from '../../turn/message.ts';
import { TRANSPORTS } from '../../turn/transport.ts';
import type { RelayFacts } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import { type Family, Unreachable } from '../reach.ts';
import { ACCOUNT, allocate, ECHO_PORT, hangUp, relayedOf, type Tried, wordOf } from './session.ts';

/** Number of messages per client, and bytes per message. */
export const MESSAGES = 1000;
export const MESSAGE_BYTES = 100;
/** Milliseconds after which a message without an echo counts as lost. */
const LOST_MS = 3000;
/** Consecutive lost messages after which the exchange is aborted. */
export const LOST_AT_MOST = 3;
/** The channel of the echo peer. */
export const CHANNEL = 0x4001;

export interface RelayPlan {
  families: readonly Family[];
  ways: readonly RelayFacts['way'][];
  messages: number;
  credentials: Credentials;
}

/** Every transport, address family and way of sending. */
export const EVERYTHING: RelayPlan = {
  families: ['ipv4', 'ipv6'],
  ways: ['send', 'channel'],
  messages: MESSAGES,
  credentials: ACCOUNT,
};

/** Relays over every transport, in sequential sessions with one client each. */
export async function relayAll(tried: Tried, plan: RelayPlan): Promise<RelayFacts[]> {
  const facts: RelayFacts[] = [];
  for (const family of plan.families)
    for (const transport of TRANSPORTS)
      for (const way of plan.ways) facts.push(await relay(tried, plan, { transport, family, way }));
  return facts;
}

async function relay(
  { clients, server }: Tried,
  { credentials, messages }: RelayPlan,
  { transport, family, way }: Pick<RelayFacts, 'transport' | 'family' | 'way'>,
): Promise<RelayFacts> {
  const facts: RelayFacts = { transport, family, way, sent: 0, received: 0 };
  let client: TurnClient | undefined;
  try {
    client = await clients.connect(server, transport, family, credentials);
    await openWay(client, family, way);
    Object.assign(facts, await exchange(client, family, way, messages));
  } catch (error) {
    facts.error = error instanceof Error ? error.message : String(error);
    if (error instanceof Unreachable) facts.unreachable = true;
  } finally {
    if (client !== undefined) await hangUp(client);
  }
  return facts;
}

/**
 * Allocates, and creates a permission or channel for the echo peer. Returns the relayed address.
 * @throws Error if the server refuses
 */
export async function openWay(client: TurnClient, family: Family, way: RelayFacts['way']): Promise<string> {
  const peer = attribute.xorPeerAddress({ address: ADDRESSES.peer[family], port: ECHO_PORT });
  const allocation = await allocate(client, family);
  if (allocation.error !== undefined)
    throw new Error(`Allocate: ${wordOf(allocation)} ${allocation.error.reason}`);
  const answer =
    way === 'send'
      ? await client.ask(METHOD.createPermission, [peer])
      : await client.ask(METHOD.channelBind, [attribute.channelNumber(CHANNEL), peer]);
  if (answer.error !== undefined) throw new Error(`${way}: ${wordOf(answer)} ${answer.error.reason}`);
  return relayedOf(allocation)?.address ?? 'none';
}

/** Sends messages sequentially. Each waits until the previous one has come back unchanged or is lost. Stops after three consecutive losses. */
export async function exchange(
  client: TurnClient,
  family: Family,
  way: RelayFacts['way'],
  messages: number,
): Promise<{ sent: number; received: number }> {
  const peer = { address: ADDRESSES.peer[family], port: ECHO_PORT };
  let received = 0;
  let lost = 0;
  let sent = 0;
  while (sent < messages && lost < LOST_AT_MOST) {
    const data = Buffer.from(`${way} ${sent} `.padEnd(MESSAGE_BYTES, '.'));
    const back = new Promise<boolean>((resolve) => {
      const stopTimer = startAwakeTimer(LOST_MS, () => resolve(false));
      client.onData((arrived) => {
        // The echo must arrive the same way: on the channel, or in an indication that names the peer.
        const right =
          way === 'channel' ? arrived.channel === CHANNEL : arrived.peer?.address === peer.address;
        if (!right || !arrived.data.equals(data)) return;
        stopTimer();
        resolve(true);
      });
    });
    if (way === 'channel') client.sendOnChannel({ channel: CHANNEL, data });
    else client.send(peer, data);
    sent += 1;
    if (await back) {
      received += 1;
      lost = 0;
    } else lost += 1;
  }
  return { sent, received };
}
