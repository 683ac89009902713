import { parseAddress } from './values.ts';

/** One `denied-peer-ip=START-END` of a configuration. */
export interface PeerRange {
  start: Buffer;
  end: Buffer;
}

/** `START-END`, or a single address. @throws StunFormatError if an end is no address */
export function parseRange(text: string): PeerRange {
  const [start = '', end = start] = text.split('-');
  return { start: parseAddress(start), end: parseAddress(end) };
}

/**
 * Whether a range holds an address, by coturn's own rules. A lower end of all zeros is none, so that IPv4 (which sorts below
 * IPv6) is in every IPv6 range that begins with `::`. IPv4 addresses are compared as numbers, IPv6 ones byte by byte until
 * 4.16 (CVE-2026-73213), each byte for itself, and as numbers since.
 * @see coturn, src/client/ns_turn_ioaddr.c, ioa_addr_in_range() and addr_less_eq()
 */
export function inRange({ start, end }: PeerRange, address: Buffer, comparison: 'number' | 'bytes'): boolean {
  const zero = (bytes: Buffer) => bytes.every((byte) => byte === 0);
  if (!zero(start) && !lessOrEqual(start, address, comparison)) return false;
  return zero(end) || lessOrEqual(address, end, comparison);
}

function lessOrEqual(a: Buffer, b: Buffer, comparison: 'number' | 'bytes'): boolean {
  if (a.length !== b.length) return a.length < b.length;
  if (a.length === 16 && comparison === 'bytes')
    return a.every((byte, index) => byte <= (b[index] as number));
  return Buffer.compare(a, b) <= 0;
}
