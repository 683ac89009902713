import { isUtf8 } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import { StunFormatError } from './message.ts';

/** A transport address: an IPv4 or IPv6 address as text, and a port. */
export interface Address {
  address: string;
  port: number;
}

const MAGIC = Buffer.from([0x21, 0x12, 0xa4, 0x42]);

/** Encodes XOR-MAPPED-ADDRESS and similar attributes, RFC 8489, 14.2. An IPv4-mapped address such as `::ffff:192.0.2.1` stays IPv6. */
export function encodeXorAddress({ address, port }: Address, transactionId: Buffer): Buffer {
  const bytes = parseAddress(address);
  const head = Buffer.alloc(4);
  head.writeUInt8(bytes.length === 4 ? 1 : 2, 1);
  head.writeUInt16BE(port ^ MAGIC.readUInt16BE(0), 2);
  return Buffer.concat([head, xor(bytes, Buffer.concat([MAGIC, transactionId]))]);
}

/** @throws StunFormatError */
export function decodeXorAddress(value: Buffer, transactionId: Buffer): Address {
  const length = value[1] === 1 ? 4 : value[1] === 2 ? 16 : 0;
  if (length === 0 || value.length !== 4 + length) throw new StunFormatError('invalid address');
  const bytes = xor(value.subarray(4), Buffer.concat([MAGIC, transactionId]));
  return { address: formatAddress(bytes), port: value.readUInt16BE(2) ^ MAGIC.readUInt16BE(0) };
}

/** Decodes ERROR-CODE, RFC 8489, 14.8: number and reason phrase. @throws StunFormatError */
export function decodeError(value: Buffer): { code: number; reason: string } {
  if (value.length < 4) throw new StunFormatError('ERROR-CODE is too short');
  return { code: (value.readUInt8(2) & 7) * 100 + value.readUInt8(3), reason: value.toString('utf8', 4) };
}

/** Maximum bytes of a decoded reason phrase: RFC 8489, 14.8. */
const REASON_BYTES = 763;

/**
 * Whether the reason phrase of an ERROR-CODE is valid: UTF-8 without control characters. Otherwise a client may reject the whole
 * response. Trailing zeros are allowed because coturn pads with them.
 */
export function isReasonText(value: Buffer): boolean {
  const end = value.findLastIndex((byte) => byte !== 0) + 1;
  const words = value.subarray(4, Math.max(4, end));
  return words.length <= REASON_BYTES && isUtf8(words) && !words.some((byte) => byte < 0x20 || byte === 0x7f);
}

/** Encodes a 32-bit number, as in LIFETIME. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Parses an address into 4 or 16 bytes. @throws StunFormatError */
export function parseAddress(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text)) throw new StunFormatError(`${text} is not an IP address`);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain =
    dotted === null ? text : `${dotted[1]}${hexPairs(parseAddress(dotted[2] as string)).join(':')}`;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...zeros, ...right].map((word) => word.padStart(4, '0')).join(''), 'hex');
}

/** Formats 4 or 16 bytes; IPv6 in the canonical form of RFC 5952. */
export function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const words = hexPairs(bytes).map((word) => word.replace(/^0{1,3}/, ''));
  const text = words.join(':');
  const runs = [...text.matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)];
  const longest = runs.sort((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index);
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

function hexPairs(bytes: Buffer): string[] {
  return bytes.toString('hex').match(/.{4}/g) ?? [];
}

function xor(bytes: Buffer, mask: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ (mask[index] as number)));
}
