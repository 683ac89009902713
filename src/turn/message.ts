import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from './crc32.ts';

/** Identifies STUN messages: RFC 8489, 5. */
const MAGIC_COOKIE = 0x2112a442;
const HEADER_LENGTH = 20;
/** XORed with the CRC in FINGERPRINT: RFC 8489, 14.7. */
const FINGERPRINT_XOR = 0x5354554e;

/** Methods of RFC 8489 (Binding), RFC 8656, and RFC 6062 (from Connect on). */
export const METHOD = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
  connect: 0x00a,
  connectionBind: 0x00b,
  connectionAttempt: 0x00c,
} as const;

export type MessageClass = 'request' | 'indication' | 'success' | 'error';
const CLASSES: readonly MessageClass[] = ['request', 'indication', 'success', 'error'];

/** Attribute types of RFC 8489, 8656, 6062 and 5780. */
export const ATTRIBUTE = {
  mappedAddress: 0x0001,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  evenPort: 0x0018,
  requestedTransport: 0x0019,
  dontFragment: 0x001a,
  messageIntegritySha256: 0x001c,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  connectionId: 0x002a,
  additionalAddressFamily: 0x8000,
  software: 0x8022,
  fingerprint: 0x8028,
} as const;

/** An attribute; the value has no padding. */
export interface Attribute {
  type: number;
  value: Buffer;
}

export interface StunMessage {
  method: number;
  class: MessageClass;
  /** 12 bytes. */
  transactionId: Buffer;
  attributes: Attribute[];
}

/** The attributes that end a message: integrity, then fingerprint. */
export interface Sealing {
  key?: Buffer;
  /** `sha1` adds MESSAGE-INTEGRITY, `sha256` adds MESSAGE-INTEGRITY-SHA256. */
  hash?: 'sha1' | 'sha256';
  fingerprint?: boolean;
  /** The byte that pads attributes to a multiple of four. */
  padding?: number;
}

/** A malformed message; the error message says why. */
export class StunFormatError extends Error {}

export function newTransactionId(): Buffer {
  return randomBytes(12);
}

/** The first value of an attribute, if present. */
export function attributeOf(message: StunMessage, type: number): Buffer | undefined {
  return message.attributes.find((attribute) => attribute.type === type)?.value;
}

/** Encodes a message. Integrity and fingerprint come last, in this order. */
export function encodeMessage(message: StunMessage, sealing: Sealing = {}): Buffer {
  const padding = sealing.padding ?? 0;
  const body = message.attributes.map((attribute) => encodeAttribute(attribute, padding));
  let bytes = Buffer.concat([header(message), ...body]);
  if (sealing.key !== undefined) {
    const hash = sealing.hash ?? 'sha1';
    const type = hash === 'sha1' ? ATTRIBUTE.messageIntegrity : ATTRIBUTE.messageIntegritySha256;
    const length = hash === 'sha1' ? 20 : 32;
    const covered = withLength(bytes, bytes.length - HEADER_LENGTH + 4 + length);
    const value = createHmac(hash, sealing.key).update(covered).digest();
    bytes = Buffer.concat([bytes, encodeAttribute({ type, value }, padding)]);
  }
  if (sealing.fingerprint === true) {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(fingerprint(withLength(bytes, bytes.length - HEADER_LENGTH + 8)));
    bytes = Buffer.concat([bytes, encodeAttribute({ type: ATTRIBUTE.fingerprint, value }, padding)]);
  }
  return withLength(bytes, bytes.length - HEADER_LENGTH);
}

/**
 * Decodes a message strictly: no extra bytes, and every length must be exact.
 * @throws StunFormatError
 */
export function decodeMessage(bytes: Buffer): StunMessage {
  if (bytes.length < HEADER_LENGTH)
    throw new StunFormatError(`${bytes.length} bytes are too short for a header`);
  const type = bytes.readUInt16BE(0);
  if (type >= 0x4000) throw new StunFormatError('the first two bits are not zero');
  if (bytes.readUInt32BE(4) !== MAGIC_COOKIE) throw new StunFormatError('no magic cookie');
  const length = bytes.readUInt16BE(2);
  if (length !== bytes.length - HEADER_LENGTH)
    throw new StunFormatError(`length ${length}, but ${bytes.length - HEADER_LENGTH} bytes after the header`);
  // RFC 8489, 5: bits 4 and 8 are the class, the others the method.
  const classBits = ((type >> 4) & 1) | ((type >> 7) & 2);
  const method = (type & 0xf) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80);
  return {
    method,
    class: CLASSES[classBits] as MessageClass,
    transactionId: bytes.subarray(8, 20),
    attributes: decodeAttributes(bytes),
  };
}

function decodeAttributes(bytes: Buffer): Attribute[] {
  const attributes: Attribute[] = [];
  for (let at = HEADER_LENGTH; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new StunFormatError('an attribute is truncated');
    const length = bytes.readUInt16BE(at + 2);
    const end = at + 4 + length;
    const next = at + 4 + padded(length);
    if (next > bytes.length) throw new StunFormatError('an attribute is longer than the message');
    attributes.push({ type: bytes.readUInt16BE(at), value: bytes.subarray(at + 4, end) });
    at = next;
  }
  return attributes;
}

/** Whether a received message has a valid integrity for this key. */
export function hasIntegrity(bytes: Buffer, key: Buffer): boolean {
  const found = findAttribute(bytes, [ATTRIBUTE.messageIntegrity, ATTRIBUTE.messageIntegritySha256]);
  if (found === undefined) return false;
  const hash = found.type === ATTRIBUTE.messageIntegrity ? 'sha1' : 'sha256';
  const covered = withLength(bytes.subarray(0, found.at), found.at - HEADER_LENGTH + 4 + found.value.length);
  const wanted = createHmac(hash, key).update(covered).digest();
  // Only SHA-256 may be truncated, to a multiple of four of at least 16 bytes: RFC 8489, 14.5 and 14.6.
  const { length } = found.value;
  const right = hash === 'sha1' ? length === 20 : length >= 16 && length <= 32 && length % 4 === 0;
  return right && timingSafeEqual(wanted.subarray(0, length), found.value);
}

/** Whether a received message ends with a valid fingerprint. */
export function hasFingerprint(bytes: Buffer): boolean {
  const found = findAttribute(bytes, [ATTRIBUTE.fingerprint]);
  if (found === undefined || found.value.length !== 4 || found.at + 8 !== bytes.length) return false;
  return found.value.readUInt32BE() === fingerprint(bytes.subarray(0, found.at));
}

/** Key of long-term credentials, RFC 8489, 9.2.2. The caller must apply SASLprep. */
export function longTermKey(username: string, realm: string, password: string): Buffer {
  return createHash('md5').update(`${username}:${realm}:${password}`).digest();
}

function findAttribute(bytes: Buffer, types: readonly number[]): (Attribute & { at: number }) | undefined {
  for (let at = HEADER_LENGTH; at + 4 <= bytes.length; ) {
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    if (types.includes(type)) return { type, at, value: bytes.subarray(at + 4, at + 4 + length) };
    at += 4 + padded(length);
  }
  return undefined;
}

function header(message: StunMessage): Buffer {
  const bits = CLASSES.indexOf(message.class);
  const { method } = message;
  const type =
    (method & 0xf) | ((method & 0x70) << 1) | ((method & 0xf80) << 2) | ((bits & 1) << 4) | ((bits & 2) << 7);
  const bytes = Buffer.alloc(HEADER_LENGTH);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt32BE(MAGIC_COOKIE, 4);
  message.transactionId.copy(bytes, 8);
  return bytes;
}

function encodeAttribute({ type, value }: Attribute, padding: number): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length), padding);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function withLength(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(length, 2);
  return copy;
}

function fingerprint(covered: Buffer): number {
  return (crc32(covered) ^ FINGERPRINT_XOR) >>> 0;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
