import { type ChannelData, decodeChannelData, encodeChannelData, isChannelData } from './framing.ts';
import {
  ATTRIBUTE,
  type Attribute,
  attributeOf,
  decodeMessage,
  encodeMessage,
  hasIntegrity,
  longTermKey,
  METHOD,
  newTransactionId,
  type StunMessage,
} from './message.ts';
import type { Transport } from './transport.ts';
import { type Address, decodeError, decodeXorAddress, encodeXorAddress, uint32 } from './values.ts';

/** Long-term credentials, RFC 8489, 9.2. */
export interface Credentials {
  username: string;
  password: string;
}

/** An attribute of a request; a function where its value depends on the transaction. */
export type RequestAttribute = Attribute | ((transactionId: Buffer) => Attribute);

/** What a request is authenticated with. */
export interface Authentication extends Credentials {
  realm: string;
  nonce: string;
}

/** A server's answer to a request. */
export interface Answer {
  message: StunMessage;
  /** The error's number and words, of an error answer. */
  error: { code: number; reason: string } | undefined;
  /** Whether the answer carries an integrity that was made with the request's key. */
  authentic: boolean;
}

/** Data that has come from a peer. */
export interface PeerData {
  peer: Address | undefined;
  channel: number | undefined;
  data: Buffer;
}

/** RFC 8489, 6.2.1: first pause before a request is repeated (milliseconds), and how often it is sent. */
const RTO_MS = 500;
const SENT_AT_MOST = 7;
/** Milliseconds that an answer over a reliable transport may take: RFC 8489, 6.2.2. */
const RELIABLE_MS = 39_500;
/** Protocol number of UDP in REQUESTED-TRANSPORT, RFC 8656, 18.7. */
export const UDP = 17;
/** Of TCP, RFC 6062. */
export const TCP = 6;

/** Nothing came, however often it was asked. */
export class NoAnswer extends Error {}

/**
 * A TURN client that does what it is told and hides nothing: each request is one request, each answer is handed over as it
 * is. What a well-behaved client does by itself (ask again with the server's nonce) is `ask`.
 */
export interface TurnClient {
  transport: Transport;
  /** What the server's last challenge has said. */
  challenge: { realm: string; nonce: string } | undefined;
  /** One request, exactly as given. @throws NoAnswer */
  request(
    method: number,
    attributes: readonly RequestAttribute[],
    authentication?: Authentication,
  ): Promise<Answer>;
  /** A request with the client's credentials; a challenge (401) or a stale nonce (438) is answered once. @throws NoAnswer */
  ask(method: number, attributes: readonly RequestAttribute[]): Promise<Answer>;
  /** Data to a peer in a Send indication. */
  send(peer: Address, data: Buffer): void;
  /** Data to a peer on a bound channel. */
  sendOnChannel(message: ChannelData): void;
  /** Called with all data from peers; one listener. */
  onData(listener: (data: PeerData) => void): void;
  close(): void;
}

interface Pending {
  key: Buffer | undefined;
  resolve(answer: Answer): void;
}

export function createClient(transport: Transport, credentials: Credentials): TurnClient {
  const pending = new Map<string, Pending>();
  let listener: (data: PeerData) => void = () => {};
  const client: TurnClient = {
    transport,
    challenge: undefined,
    async request(method, attributes, authentication) {
      const key =
        authentication === undefined
          ? undefined
          : longTermKey(authentication.username, authentication.realm, authentication.password);
      const transactionId = newTransactionId();
      const message: StunMessage = {
        method,
        class: 'request',
        transactionId,
        attributes: [
          ...attributes.map((each) => (typeof each === 'function' ? each(transactionId) : each)),
          ...authenticationAttributes(authentication),
        ],
      };
      const bytes = encodeMessage(message, key === undefined ? {} : { key });
      return exchange(transport, bytes, (resolve) => {
        const id = transactionId.toString('hex');
        pending.set(id, { key, resolve });
        return () => pending.delete(id);
      });
    },
    async ask(method, attributes) {
      const known = client.challenge;
      const first = await client.request(method, attributes, known && { ...credentials, ...known });
      const challenge = challengeOf(first);
      if (challenge === undefined) return first;
      // The same nonce again would get the same answer.
      if (first.error?.code === 401 && known !== undefined) return first;
      client.challenge = challenge;
      return client.request(method, attributes, { ...credentials, ...challenge });
    },
    send(peer, data) {
      const transactionId = newTransactionId();
      transport.send(
        encodeMessage({
          method: METHOD.send,
          class: 'indication',
          transactionId,
          attributes: [
            { type: ATTRIBUTE.xorPeerAddress, value: encodeXorAddress(peer, transactionId) },
            { type: ATTRIBUTE.data, value: data },
          ],
        }),
      );
    },
    sendOnChannel(message) {
      transport.send(encodeChannelData(message, transport.padding));
    },
    onData(to) {
      listener = to;
    },
    close: () => transport.close(),
  };
  transport.onMessage((bytes) => {
    if (isChannelData(bytes)) {
      const { channel, data } = decodeChannelData(bytes);
      listener({ peer: undefined, channel, data });
      return;
    }
    const message = decodeMessage(bytes);
    if (message.class === 'indication') {
      const data = peerDataOf(message);
      if (data !== undefined) listener(data);
      return;
    }
    const id = message.transactionId.toString('hex');
    const waiting = pending.get(id);
    if (waiting === undefined) return;
    const error = attributeOf(message, ATTRIBUTE.errorCode);
    waiting.resolve({
      message,
      error: error === undefined ? undefined : decodeError(error),
      authentic: waiting.key !== undefined && hasIntegrity(bytes, waiting.key),
    });
  });
  return client;
}

/** Sends a request, again and again where it can be lost, until its answer is there. */
async function exchange(
  transport: Transport,
  bytes: Buffer,
  register: (resolve: (answer: Answer) => void) => () => void,
): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    let timer: NodeJS.Timeout;
    const unregister = register((answer) => {
      clearTimeout(timer);
      unregister();
      resolve(answer);
    });
    const give = (why: string) => {
      clearTimeout(timer);
      unregister();
      reject(new NoAnswer(why));
    };
    void transport.closed.then((why) => give(`the connection was closed: ${why}`));
    let sent = 0;
    const attempt = () => {
      if (sent === (transport.lossy ? SENT_AT_MOST : 1)) return give(`no answer after ${sent} requests`);
      transport.send(bytes);
      // Doubling pauses; the last one is 16 times the first: RFC 8489, 6.2.1.
      const wait = transport.lossy
        ? sent === SENT_AT_MOST - 1
          ? 16 * RTO_MS
          : RTO_MS * 2 ** sent
        : RELIABLE_MS;
      sent += 1;
      timer = setTimeout(attempt, wait);
    };
    attempt();
  });
}

function authenticationAttributes(authentication: Authentication | undefined): Attribute[] {
  if (authentication === undefined) return [];
  const { username, realm, nonce } = authentication;
  return [
    { type: ATTRIBUTE.username, value: Buffer.from(username) },
    { type: ATTRIBUTE.realm, value: Buffer.from(realm) },
    { type: ATTRIBUTE.nonce, value: Buffer.from(nonce) },
  ];
}

/** Realm and nonce of an answer that asks for authentication (401) or for another nonce (438). */
function challengeOf({ message, error }: Answer): { realm: string; nonce: string } | undefined {
  if (error?.code !== 401 && error?.code !== 438) return undefined;
  const realm = attributeOf(message, ATTRIBUTE.realm)?.toString();
  const nonce = attributeOf(message, ATTRIBUTE.nonce)?.toString();
  return realm === undefined || nonce === undefined ? undefined : { realm, nonce };
}

function peerDataOf(message: StunMessage): PeerData | undefined {
  const peer = attributeOf(message, ATTRIBUTE.xorPeerAddress);
  const data = attributeOf(message, ATTRIBUTE.data);
  if (message.method !== METHOD.data || peer === undefined || data === undefined) return undefined;
  return { peer: decodeXorAddress(peer, message.transactionId), channel: undefined, data };
}

/** Attributes of requests, by the names that RFC 8656 gives them. */
export const attribute = {
  requestedTransport: (protocol: number): Attribute => ({
    type: ATTRIBUTE.requestedTransport,
    value: Buffer.from([protocol, 0, 0, 0]),
  }),
  /** @param family 4 or 6 */
  requestedAddressFamily: (family: number): Attribute => ({
    type: ATTRIBUTE.requestedAddressFamily,
    value: Buffer.from([family === 6 ? 2 : 1, 0, 0, 0]),
  }),
  /** @param seconds 0 ends an allocation */
  lifetime: (seconds: number): Attribute => ({ type: ATTRIBUTE.lifetime, value: uint32(seconds) }),
  /** @param reserve whether the next higher port is wanted, too */
  evenPort: (reserve: boolean): Attribute => ({
    type: ATTRIBUTE.evenPort,
    value: Buffer.from([reserve ? 0x80 : 0]),
  }),
  reservationToken: (token: Buffer): Attribute => ({ type: ATTRIBUTE.reservationToken, value: token }),
  xorPeerAddress:
    (peer: Address) =>
    (transactionId: Buffer): Attribute => ({
      type: ATTRIBUTE.xorPeerAddress,
      value: encodeXorAddress(peer, transactionId),
    }),
  channelNumber: (channel: number): Attribute => ({
    type: ATTRIBUTE.channelNumber,
    value: Buffer.from([channel >> 8, channel & 0xff, 0, 0]),
  }),
} as const;
