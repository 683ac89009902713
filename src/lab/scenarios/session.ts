import { type Answer, attribute, createClient, NoAnswer, type TurnClient, UDP } from '../../turn/client.ts';
import { ATTRIBUTE, attributeOf, METHOD } from '../../turn/message.ts';
import { openTransport, type TransportName } from '../../turn/transport.ts';
import { type Address, decodeXorAddress } from '../../turn/values.ts';
import { ADDRESSES } from '../network.ts';

export type Family = 'ipv4' | 'ipv6';

/** The account of the laboratory's configurations. */
export const ACCOUNT = { username: 'turnbuild', password: 'a-password-of-the-laboratory' };
/** Port on which the peer sends everything back. */
export const ECHO_PORT = 3480;

/** A client in the client's namespace, connected to the server. */
export async function connectClient(
  transport: TransportName,
  family: Family,
  credentials = ACCOUNT,
): Promise<TurnClient> {
  const port = transport === 'tls' || transport === 'dtls' ? 5349 : 3478;
  const server = { address: ADDRESSES.server[family], port };
  return createClient(await openTransport(transport, server), credentials);
}

/** Asks for a UDP allocation of a family. */
export function allocate(client: TurnClient, family: Family): Promise<Answer> {
  // IPv4 is what a request without the attribute asks for, RFC 8656, 7.1.
  const wanted = family === 'ipv6' ? [attribute.requestedAddressFamily(6)] : [];
  return client.ask(METHOD.allocate, [attribute.requestedTransport(UDP), ...wanted]);
}

/** An answer in one word: `success`, or the error's number. */
export function wordOf({ error }: Answer): string {
  return error === undefined ? 'success' : String(error.code);
}

/** `silence` for a request that was not answered; throws all other errors. */
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

/** Ends an allocation, and not the connection. */
export async function endAllocation(client: TurnClient): Promise<void> {
  await client.ask(METHOD.refresh, [attribute.lifetime(0)]).catch(() => {});
}

/** Ends an allocation and the connection. */
export async function hangUp(client: TurnClient): Promise<void> {
  await endAllocation(client);
  client.close();
}
