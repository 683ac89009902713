import { attribute, UDP } from '../../turn/attributes.ts';
import type { Answer, TurnClient } from '../../turn/client.ts';
import { NoAnswer } from '../../turn/exchange.ts';
import { ATTRIBUTE, attributeOf, METHOD } from '../../turn/message.ts';
import { type Address, decodeXorAddress } from '../../turn/values.ts';
import type { Clients, Endpoint, Family } from '../reach.ts';

/** The account of the laboratory's configurations. */
export const ACCOUNT = { username: 'turnbuild', password: 'a-password-of-the-laboratory' };
/** A second account of the laboratory's configurations. */
export const OTHER_ACCOUNT = { username: 'another', password: 'another-password-of-the-laboratory' };
/** Port of the echo peer. */
export const ECHO_PORT = 3480;

/** A server, and how to connect to it. */
export interface Reached {
  clients: Pick<Clients, 'connect'>;
  server: Endpoint;
}

/** The server under test. */
export interface Tried extends Reached {
  clients: Clients;
}

/** Connects a client over UDP and IPv4. */
export function connectUdp({ clients, server }: Reached, credentials = ACCOUNT): Promise<TurnClient> {
  return clients.connect(server, 'udp', 'ipv4', credentials);
}

/** Requests a UDP allocation of an address family. */
export function allocate(client: TurnClient, family: Family): Promise<Answer> {
  // Without the attribute, the family is IPv4, RFC 8656, 7.1.
  const wanted = family === 'ipv6' ? [attribute.requestedAddressFamily(6)] : [];
  return client.ask(METHOD.allocate, [attribute.requestedTransport(UDP), ...wanted]);
}

/** An answer in one word: `success` or the error code. */
export function wordOf({ error }: Answer): string {
  return error === undefined ? 'success' : String(error.code);
}

/** Returns `silence` for an unanswered request and rethrows all other errors. */
export function silence(error: unknown): string {
  if (error instanceof NoAnswer) return 'silence';
  throw error;
}

/** An address in an answer. */
export function addressIn(answer: Answer, type: number): Address | undefined {
  const value = attributeOf(answer.message, type);
  return value === undefined ? undefined : decodeXorAddress(value, answer.message.transactionId);
}

/** The relayed address of an allocation. */
export function relayedOf(answer: Answer): Address | undefined {
  return addressIn(answer, ATTRIBUTE.xorRelayedAddress);
}

/** Ends an allocation but keeps the connection. */
export async function endAllocation(client: TurnClient): Promise<void> {
  await client.ask(METHOD.refresh, [attribute.lifetime(0)]).catch(() => {});
}

/** Ends an allocation and the connection. */
export async function hangUp(client: TurnClient): Promise<void> {
  await endAllocation(client);
  client.close();
}
