import { parseAddress } from './values.ts';

/** One `denied-peer-ip=START-END` line of a configuration. */
export interface PeerRange {
  start: Buffer;
  end: Buffer;
}

/** Parses `START-END` or a single address. @throws StunFormatError if an end is not an IP address */
export function parseRange(text: string): PeerRange {
  const [start = '', end = start] = text.split('-');
  return { start: parseAddress(start), end: parseAddress(end) };
}

/**
 * Whether a range contains an address, by coturn's own rules. coturn treats an end of all zeros as unbounded. Because IPv4 sorts below
 * IPv6, every IPv6 range that begins with `::` therefore contains all IPv4 addresses. coturn compares IPv4 addresses as numbers. Up to
 * 4.16 it compared each byte of IPv6 addresses independently (CVE-2026-73213); since then it compares them as numbers.
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
