import { startAwakeTimer } from './awake-timer.ts';
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
  StunFormatError,
  type StunMessage,
} from './message.ts';
import type { Transport } from './transport.ts';
import {
  type Address,
  decodeError,
  decodeXorAddress,
  encodeXorAddress,
  isReasonText,
  uint32,
} from './values.ts';

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

/** How long a client waits for an answer. */
export interface Patience {
  /** First pause before a request is repeated (milliseconds); each further pause is twice the last one. RFC 8489, 6.2.1. */
  rtoMs: number;
  /** How often a request is sent where it can be lost. */
  sentAtMost: number;
  /** Milliseconds to wait after the last time. */
  lastMs: number;
  /** Milliseconds that an answer over a reliable transport may take: RFC 8489, 6.2.2. */
  reliableMs: number;
}

/** Of a client on the internet: RFC 8489 gives up after 39.5 s. */
export const RFC_PATIENCE: Patience = { rtoMs: 500, sentAtMost: 7, lastMs: 8_000, reliableMs: 39_500 };

/** What a client needs beside its credentials. */
export interface ClientOptions {
  /** Asked anew for each request. */
  patience?: () => Patience;
  /** Settles when the server is known to have ended; says how. Requests then fail at once. */
  ended?: Promise<string>;
  /** Told of each message that is neither STUN nor ChannelData, and of error answers whose words are no text; with the reason. */
  onUnparsed?: (bytes: Buffer, why: string) => void;
}

/** Of an answer that can be used, though not by every client. */
export const BAD_REASON = 'the reason phrase of an error response is not valid text';

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
  /** A request with the client's credentials; a challenge (401) is answered once, a stale nonce (438) a few times. @throws NoAnswer */
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

/** Challenges that a request is repeated for. With a nonce that is good for 2 s, a busy machine may be late more than once. */
const CHALLENGES = 4;

export function createClient(
  transport: Transport,
  credentials: Credentials,
  { patience = () => RFC_PATIENCE, ended, onUnparsed = () => {} }: ClientOptions = {},
): TurnClient {
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
      return exchange(transport, bytes, { patience: patience(), ended }, (resolve) => {
        const id = transactionId.toString('hex');
        pending.set(id, { key, resolve });
        return () => pending.delete(id);
      });
    },
    async ask(method, attributes) {
      let known = client.challenge;
      for (let challenges = 0; ; challenges++) {
        const answer = await client.request(method, attributes, known && { ...credentials, ...known });
        const challenge = challengeOf(answer);
        if (challenge === undefined || challenges === CHALLENGES) return answer;
        // The same credentials again would get the same answer.
        if (answer.error?.code === 401 && known !== undefined) return answer;
        known = challenge;
        client.challenge = challenge;
      }
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
  const receive = (bytes: Buffer) => {
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
    // Its own request, sent back by whoever is there: no answer.
    if (message.class === 'request') return;
    const id = message.transactionId.toString('hex');
    const waiting = pending.get(id);
    if (waiting === undefined) return;
    const error = attributeOf(message, ATTRIBUTE.errorCode);
    if (message.class === 'error' && error === undefined)
      throw new StunFormatError('an error without a code');
    waiting.resolve({
      message,
      error: error === undefined ? undefined : decodeError(error),
      authentic: waiting.key !== undefined && hasIntegrity(bytes, waiting.key),
    });
    if (error !== undefined && !isReasonText(error)) onUnparsed(bytes, BAD_REASON);
  };
  // A server may send anything: what can't be parsed is a fact about it, never an exception in a socket's callback.
  transport.onMessage((bytes) => {
    try {
      receive(bytes);
    } catch (error) {
      if (!(error instanceof StunFormatError)) throw error;
      onUnparsed(bytes, error.message);
    }
  });
  return client;
}

/** Sends a request, again and again where it can be lost, until its answer arrives. @throws NoAnswer */
async function exchange(
  transport: Transport,
  bytes: Buffer,
  { patience, ended }: { patience: Patience; ended: Promise<string> | undefined },
  register: (resolve: (answer: Answer) => void) => () => void,
): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    let stopTimer = () => {};
    let settled = false;
    const settle = () => {
      settled = true;
      stopTimer();
      unregister();
    };
    const unregister = register((answer) => {
      settle();
      resolve(answer);
    });
    const give = (why: string) => {
      if (settled) return;
      settle();
      reject(new NoAnswer(why));
    };
    void transport.closed.then((why) => give(`the connection was closed: ${why}`));
    void ended?.then((how) => give(`the server ended: ${how}`));
    let sent = 0;
    const attempt = () => {
      if (settled) return;
      if (sent === (transport.lossy ? patience.sentAtMost : 1))
        return give(`no answer to ${sent} ${sent === 1 ? 'request' : 'requests'}`);
      transport.send(bytes);
      sent += 1;
      const last = sent === patience.sentAtMost;
      const pause = last ? patience.lastMs : patience.rtoMs * 2 ** (sent - 1);
      stopTimer = startAwakeTimer(transport.lossy ? pause : patience.reliableMs, attempt);
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
