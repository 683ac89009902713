import { setTimeout as pause } from 'node:timers/promises';
import { type Credentials, createClient, type TurnClient } from '../turn/client.ts';
import { openTransport } from '../turn/transport.ts';
import { CHANNEL, openWay } from './scenarios/relay.ts';
import { allocate, hangUp, relayedOf, wordOf } from './scenarios/session.ts';

/** The port of STUN and TURN. */
const PORT = 3478;
/** Messages that are sent at once, and milliseconds until the next ones. */
const BATCH = 10;
const BATCH_MS = 20;
/** Milliseconds after which nothing more of a burst is expected. */
const QUIET_MS = 1500;

/** The answer to an Allocate: `success` or the code of an error. */
export interface Allocated {
  word: string;
  relayed?: string;
}

/** A burst and what came back of it. */
export interface Burst {
  sent: number;
  received: number;
  /** Bytes of each message. */
  bytes: number;
  /** Seconds from the first message to the last answer. */
  seconds: number;
}

async function connect(address: string, credentials: Credentials): Promise<TurnClient> {
  return createClient(await openTransport('udp', { address, port: PORT }), credentials);
}

/** Allocates without asking for an address family, one session after the other. All end when the last one was answered. */
export async function allocateAll(
  address: string,
  credentials: readonly Credentials[],
): Promise<Allocated[]> {
  const clients: TurnClient[] = [];
  try {
    const answers: Allocated[] = [];
    for (const each of credentials) {
      const client = await connect(address, each);
      clients.push(client);
      const answer = await allocate(client, 'ipv4');
      const relayed = relayedOf(answer)?.address;
      answers.push({ word: wordOf(answer), ...(relayed === undefined ? {} : { relayed }) });
    }
    return answers;
  } finally {
    await Promise.all(clients.map(hangUp));
  }
}

/** Sends messages to the echo peer without waiting, in one session. Returns when all came back, or nothing more does. */
export async function sendBurst(
  address: string,
  credentials: Credentials,
  { messages, bytes }: { messages: number; bytes: number },
): Promise<Burst> {
  const client = await connect(address, credentials);
  try {
    await openWay(client, 'ipv4', 'channel');
    let received = 0;
    let last = Date.now();
    client.onData(({ channel, data }) => {
      if (channel !== CHANNEL || data.length !== bytes) return;
      received += 1;
      last = Date.now();
    });
    const begin = Date.now();
    last = begin;
    const data = Buffer.alloc(bytes);
    for (let sent = 0; sent < messages; sent++) {
      client.sendOnChannel({ channel: CHANNEL, data });
      // Buffers on the way hold only a part of a burst.
      if (sent % BATCH === BATCH - 1) await pause(BATCH_MS);
    }
    while (received < messages && Date.now() - last < QUIET_MS) await pause(50);
    return { sent: messages, received, bytes, seconds: (last - begin) / 1000 };
  } finally {
    await hangUp(client);
  }
}
