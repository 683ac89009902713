import { attribute, type TurnClient } from '../../turn/client.ts';
import { METHOD } from '../../turn/message.ts';
import { TRANSPORTS, type TransportName } from '../../turn/transport.ts';
import type { RelayFacts } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import { allocate, connectClient, ECHO_PORT, type Family, hangUp, wordOf } from './session.ts';

/** Messages of each client, and the bytes of one. */
export const MESSAGES = 1000;
export const MESSAGE_BYTES = 100;
/** Milliseconds that a message may take to the peer and back; then it is lost. */
const LOST_MS = 3000;
const CHANNEL = 0x4001;

/** Every transport, address family and way of sending: one client after the other, each with a session of its own. */
export async function relayEverything(): Promise<RelayFacts[]> {
  const facts: RelayFacts[] = [];
  for (const family of ['ipv4', 'ipv6'] as const)
    for (const transport of TRANSPORTS)
      for (const way of ['send', 'channel'] as const) facts.push(await relay(transport, family, way));
  return facts;
}

async function relay(transport: TransportName, family: Family, way: RelayFacts['way']): Promise<RelayFacts> {
  const facts: RelayFacts = { transport, family, way, sent: 0, received: 0 };
  let client: TurnClient | undefined;
  try {
    client = await connectClient(transport, family);
    await openWay(client, family, way);
    Object.assign(facts, await exchange(client, family, way, MESSAGES));
  } catch (error) {
    facts.error = error instanceof Error ? error.message : String(error);
  } finally {
    if (client !== undefined) await hangUp(client);
  }
  return facts;
}

/** Allocates, and opens the way to the peer that sends everything back. @throws Error if it is refused */
export async function openWay(client: TurnClient, family: Family, way: RelayFacts['way']): Promise<void> {
  const peer = attribute.xorPeerAddress({ address: ADDRESSES.peer[family], port: ECHO_PORT });
  const allocation = await allocate(client, family);
  if (allocation.error !== undefined)
    throw new Error(`Allocate: ${wordOf(allocation)} ${allocation.error.reason}`);
  const answer =
    way === 'send'
      ? await client.ask(METHOD.createPermission, [peer])
      : await client.ask(METHOD.channelBind, [attribute.channelNumber(CHANNEL), peer]);
  if (answer.error !== undefined) throw new Error(`${way}: ${wordOf(answer)} ${answer.error.reason}`);
}

/** So many messages, one after the other: the next is sent when the last one is back, byte for byte, or lost. */
export async function exchange(
  client: TurnClient,
  family: Family,
  way: RelayFacts['way'],
  messages: number,
): Promise<{ sent: number; received: number }> {
  const peer = { address: ADDRESSES.peer[family], port: ECHO_PORT };
  let received = 0;
  for (let number = 0; number < messages; number++) {
    const data = Buffer.from(`${way} ${number} `.padEnd(MESSAGE_BYTES, '.'));
    const back = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), LOST_MS);
      client.onData((arrived) => {
        // The way back is the way there: on its channel, or as an indication that names the peer.
        const right =
          way === 'channel' ? arrived.channel === CHANNEL : arrived.peer?.address === peer.address;
        if (!right || !arrived.data.equals(data)) return;
        clearTimeout(timer);
        resolve(true);
      });
    });
    if (way === 'channel') client.sendOnChannel({ channel: CHANNEL, data });
    else client.send(peer, data);
    if (await back) received += 1;
  }
  return { sent: messages, received };
}
