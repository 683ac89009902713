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

/** Everything needed to authenticate a request. */
export interface Authentication extends Credentials {
  realm: string;
  nonce: string;
}

/** A server's answer to a request. */
export interface Answer {
  message: StunMessage;
  /** Code and reason phrase of an error response. */
  error: { code: number; reason: string } | undefined;
  /** Whether the answer's MESSAGE-INTEGRITY matches the request's key. */
  authentic: boolean;
}

/** Data received from a peer. */
export interface PeerData {
  peer: Address | undefined;
  channel: number | undefined;
  data: Buffer;
}

/** Optional settings of a client. */
export interface ClientOptions {
  /** Called for each request. */
  patience?: () => Patience;
  /** Resolves to the reason when the server has exited. Requests then fail immediately. */
  ended?: Promise<string>;
  /** Called with each message that is neither STUN nor ChannelData, and with error responses whose reason phrase is not valid text. */
  onUnparsed?: (bytes: Buffer, why: string) => void;
}

/** Reported for a response that this client accepts but others may reject. */
export const BAD_REASON = 'the reason phrase of an error response is not valid text';

/**
 * A low-level TURN client: `request` sends exactly one request and returns the answer unchanged. `ask` also repeats the request with the
 * server's nonce, as ordinary clients do.
 */
export interface TurnClient {
  transport: Transport;
  /** Realm and nonce of the server's last challenge. */
  challenge: { realm: string; nonce: string } | undefined;
  /** Sends one request, exactly as given. @throws NoAnswer */
  request(
    method: number,
    attributes: readonly RequestAttribute[],
    authentication?: Authentication,
  ): Promise<Answer>;
  /**
   * Sends a request with the client's credentials. Repeats it once after a challenge (401), and a few times after a stale nonce (438).
   * @throws NoAnswer
   */
  ask(method: number, attributes: readonly RequestAttribute[]): Promise<Answer>;
  /** Sends data to a peer in a Send indication. */
  send(peer: Address, data: Buffer): void;
  /** Sends data to a peer on a bound channel. */
  sendOnChannel(message: ChannelData): void;
  /** Sets the only listener for data from peers. */
  onData(listener: (data: PeerData) => void): void;
  close(): void;
}

interface Pending {
  key: Buffer | undefined;
  resolve(answer: Answer): void;
}

/** Maximum repetitions of a request. If nonces are valid for only 2 s, a busy machine may miss several. */
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
        // The credentials are wrong; repeating them would not help.
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
    // The server echoed the request; that is not an answer.
    if (message.class === 'request') return;
    const id = message.transactionId.toString('hex');
    const waiting = pending.get(id);
    if (waiting === undefined) return;
    const error = attributeOf(message, ATTRIBUTE.errorCode);
    if (message.class === 'error' && error === undefined)
      throw new StunFormatError('an error response without ERROR-CODE');
    waiting.resolve({
      message,
      error: error === undefined ? undefined : decodeError(error),
      authentic: waiting.key !== undefined && hasIntegrity(bytes, waiting.key),
    });
    if (error !== undefined && !isReasonText(error)) onUnparsed(bytes, BAD_REASON);
  };
  // A server may send anything. Malformed messages are recorded; they must not throw in a socket's callback.
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

/** Realm and nonce of an answer that requires authentication (401) or a new nonce (438). */
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
