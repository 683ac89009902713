import { ATTRIBUTE, type Attribute } from './message.ts';
import { type Address, encodeXorAddress, uint32 } from './values.ts';

/** UDP's protocol number in REQUESTED-TRANSPORT, RFC 8656, 18.7. */
export const UDP = 17;
/** TCP's protocol number, RFC 6062. */
export const TCP = 6;

/** An attribute of a request, or a function if its value depends on the transaction. */
export type RequestAttribute = Attribute | ((transactionId: Buffer) => Attribute);

/** Request attributes, named as in RFC 8656. */
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
  /** @param reserve also reserve the next higher port */
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
