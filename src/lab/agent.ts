import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { attribute, UDP } from '../turn/attributes.ts';
import { type Credentials, createClient } from '../turn/client.ts';
import { type Patience, RFC_PATIENCE } from '../turn/exchange.ts';
import { METHOD } from '../turn/message.ts';
import { openTransport, type TransportName } from '../turn/transport.ts';
import type { Address } from '../turn/values.ts';
import { type Login, logIn } from './login.ts';
import { reachablePorts, tryTcp } from './ports.ts';
import { attemptForbidden, type ForbiddenWanted } from './scenarios/forbidden.ts';
import { connectThrough } from './scenarios/metrics.ts';
import { exchange, LOST_AT_MOST, openWay } from './scenarios/relay.ts';
import { hangUp, type Reached } from './scenarios/session.ts';
import { scrapeMany, scrapeOnce } from './scrape.ts';
import { listeningSockets } from './seen.ts';
import { allocateAll, sendBurst } from './sessions.ts';

/** Addresses of a server that relays. */
export interface Relay {
  ipv4: string;
  ipv6: string;
}

/** The requests that an agent in another namespace handles. */
export type AgentRequest =
  | { do: 'echo'; address: string; port: number }
  | { do: 'accepts'; address: string; port: number }
  | { do: 'asksForCredentials'; address: string; port: number }
  | { do: 'binds'; transport: TransportName; address: string; port: number }
  | { do: 'certificate'; address: string; port: number }
  | { do: 'listening' }
  | {
      do: 'relay';
      transport: TransportName;
      address: string;
      port: number;
      credentials: Credentials;
      messages: number;
      /** Milliseconds between two messages. Default: none. */
      gapMs?: number;
    }
  /** Allocates over UDP, all at the same time. */
  | { do: 'allocate'; address: string; credentials: readonly Credentials[] }
  /** Sends messages over UDP without waiting for answers. */
  | { do: 'burst'; address: string; credentials: Credentials; messages: number; bytes: number }
  | ({ do: 'login' } & Login)
  | ({ do: 'forbidden' } & Relay & ForbiddenWanted)
  /** Tries TCP connections through a relay. */
  | { do: 'connects'; relay: Relay; peers: readonly Address[]; credentials: Credentials }
  | {
      do: 'reachable';
      protocol: 'tcp' | 'udp';
      address: string;
      ports: readonly number[];
    }
  | { do: 'scrape'; url: string }
  | { do: 'scrapeOften'; url: string; times: number };

/** Handles requests from the parent process over IPC. Exits when the channel closes. */
export function runAgent(): void {
  process.on('message', (message: { id: number; request: AgentRequest }) => {
    void perform(message.request).then(
      (value) => process.send?.({ id: message.id, value }),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

async function perform(request: AgentRequest): Promise<unknown> {
  switch (request.do) {
    case 'echo':
      return echo(request.address, request.port);
    case 'accepts':
      return accepts(request.address, request.port);
    case 'asksForCredentials':
      return asksForCredentials(request.address, request.port);
    case 'binds':
      return binds(request.transport, request.address, request.port);
    case 'certificate':
      return certificateOf(request.address, request.port);
    case 'listening':
      return listeningSockets();
    case 'relay':
      return relayOnce(request);
    case 'allocate':
      return allocateAll(request.address, request.credentials);
    case 'burst':
      return sendBurst(request.address, request.credentials, request);
    case 'login':
      return logIn(request);
    case 'forbidden':
      return attemptForbidden(relayAt(request), request);
    case 'connects':
      return Promise.all(
        request.peers.map((peer) => connectThrough(relayAt(request.relay), peer, request.credentials)),
      );
    case 'reachable':
      return reachablePorts(request.protocol, request.address, request.ports);
    case 'scrape':
      return scrapeOnce(request.url);
    case 'scrapeOften':
      return scrapeMany(request.url, request.times);
  }
}

/** Timeout in milliseconds for a connection or an answer from a server on the same machine. */
const OWN_MACHINE_MS = 1000;
const OWN_MACHINE_PATIENCE: Patience = { rtoMs: 250, sentAtMost: 3, lastMs: 500, reliableMs: OWN_MACHINE_MS };
/** An account that does not exist. */
const STRANGER = { username: 'stranger', password: 'stranger' };

/** Whether a TCP connection can be made. */
async function accepts(host: string, port: number): Promise<boolean> {
  return (await tryTcp(host, port, OWN_MACHINE_MS)) === 'accepted';
}

/** Whether the server answers an Allocate without credentials, and one with unknown credentials, for which it looks up the account. */
async function asksForCredentials(address: string, port: number): Promise<boolean> {
  const transport = await openTransport('udp', { address, port });
  const client = createClient(transport, STRANGER, { patience: () => OWN_MACHINE_PATIENCE });
  try {
    const { error } = await client.ask(METHOD.allocate, [attribute.requestedTransport(UDP)]);
    // The server requires no credentials: release the port.
    if (error === undefined) await client.ask(METHOD.refresh, [attribute.lifetime(0)]);
    return true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

/** Whether a Binding request is answered over a transport. */
async function binds(name: TransportName, address: string, port: number): Promise<boolean> {
  try {
    const transport = await openTransport(name, { address, port }, { connectMs: 5 * OWN_MACHINE_MS });
    const client = createClient(transport, STRANGER, { patience: () => OWN_MACHINE_PATIENCE });
    try {
      return (await client.request(METHOD.binding, [])).error === undefined;
    } finally {
      client.close();
    }
  } catch {
    return false;
  }
}

/** The outcome of one relayed session. */
export interface RelayOutcome {
  sent: number;
  received: number;
  /** The relayed address that the server gave to the client. */
  relayed?: string;
  error?: string;
}

/** Relays messages to the echo peer and back, in one session, over the family of the server's address. */
async function relayOnce({
  transport: name,
  address,
  port,
  credentials,
  messages,
  gapMs = 0,
}: Extract<AgentRequest, { do: 'relay' }>): Promise<RelayOutcome> {
  const outcome: RelayOutcome = { sent: 0, received: 0 };
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  try {
    const transport = await openTransport(name, { address, port }, { connectMs: 20 * OWN_MACHINE_MS });
    const client = createClient(transport, credentials);
    try {
      outcome.relayed = await openWay(client, family, 'channel');
      const steps = gapMs === 0 ? [messages] : Array.from({ length: messages }, () => 1);
      for (const step of steps) {
        const { sent, received } = await exchange(client, family, 'channel', step);
        outcome.sent += sent;
        outcome.received += received;
        if (outcome.sent - outcome.received >= LOST_AT_MOST)
          return { ...outcome, error: 'the relay no longer answers' };
        if (gapMs > 0) await pause(gapMs);
      }
      return outcome;
    } finally {
      // A server that is gone would be asked for 40 s.
      if (outcome.sent - outcome.received < LOST_AT_MOST) await hangUp(client);
      else client.close();
    }
  } catch (error) {
    return { ...outcome, error: error instanceof Error ? error.message : String(error) };
  }
}

/** A server that relays to TCP peers answers when they do. */
const RELAY_PATIENCE: Patience = { ...RFC_PATIENCE, reliableMs: 6 * OWN_MACHINE_MS };

/** A server by its addresses. */
function relayAt({ ipv4, ipv6 }: Relay): Reached {
  const clients: Reached['clients'] = {
    async connect(to, transport, family, credentials) {
      const opened = await openTransport(transport, { address: to.addresses[family], port: 3478 });
      return createClient(opened, credentials, { patience: () => RELAY_PATIENCE });
    },
  };
  const addresses = { ipv4, ipv6, router4: '', router6: '' };
  return { clients, server: { name: 'relay', addresses, end: new Promise(() => {}) } };
}

/** SHA-256 fingerprint of the server's TLS certificate. @throws Error if the handshake fails */
export function certificateOf(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
    // Under emulation a handshake takes seconds.
    socket.setTimeout(20 * OWN_MACHINE_MS, () => socket.destroy(new Error('no TLS handshake in time')));
  });
}

/** Starts a peer that echoes every datagram. */
async function echo(address: string, port: number): Promise<void> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => resolve());
  });
}
