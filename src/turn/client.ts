import type { RequestAttribute } from './attributes.ts';
import { exchange, type Patience, RFC_PATIENCE } from './exchange.ts';
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
import { type Address, decodeError, decodeXorAddress, encodeXorAddress, isReasonText } from './values.ts';

/** Long-term credentials, RFC 8489, 9.2. */
export interface Credentials {
  username: string;
  password: string;
}

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
