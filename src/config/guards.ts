import { versionIn } from '../recipe/coturn-version.ts';
import { inRange, type PeerRange } from '../turn/peer-ranges.ts';
import { embeddedOf, LOOPBACK } from './closed-peers.ts';
import type { Configuration } from './configuration.ts';

/** The peers that a turnserver version denies. */
export interface Guards {
  /** Whether turnserver's built-in guards refuse the peer, before any range is checked. */
  itself(peer: Buffer): boolean;
  /** Whether a range contains the peer or its embedded IPv4 address, as this version compares them. */
  holds(range: PeerRange, peer: Buffer): boolean;
}

/**
 * The guards of a version. Those of 4.6.1 and 4.18.0 were tested peer by peer with real servers; the changes between them are from coturn's
 * changelog. From 4.9.0 on, ranges treat `::ffff:a.b.c.d` as `a.b.c.d` (CVE-2026-27624). 4.13.1 does this for all IPv6 encodings of IPv4
 * (#1945) and refuses link-local, unique local and site-local peers (#1947). 4.16.0 compares IPv6 as numbers (CVE-2026-73213).
 * @see coturn, src/server/ns_turn_server.c, good_peer_addr(), and src/client/ns_turn_ioaddr.c
 */
export function guardsOf(version: string, configuration: Configuration): Guards {
  const loopback = !configuration.isOn('allow-loopback-peers');
  const multicast = configuration.isOn('no-multicast-peers');
  const canonical = versionIn(version, '>=4.13.1');
  const mapped = versionIn(version, '>=4.9.0');
  // Before 4.16, turnserver compares each byte of an IPv6 address independently.
  const comparison = versionIn(version, '<4.16.0') ? 'bytes' : 'number';
  const innerOf = (address: Buffer): Buffer | undefined => {
    const embedded = embeddedOf(address);
    return canonical || (mapped && embedded?.name === 'IPv4-mapped') ? embedded?.inner : undefined;
  };
  return {
    itself: (peer) =>
      [peer, canonical ? (innerOf(peer) ?? peer) : peer].some(
        (address) =>
          (loopback && isLoopback(address)) ||
          (multicast && isMulticast(address)) ||
          isZero(address) ||
          (canonical && isLocal(address)),
      ),
    // An embedded IPv4 address is compared only with ranges that begin with an IPv4 address.
    holds: (range, peer) =>
      inRange(range, range.start.length === 4 ? (innerOf(peer) ?? peer) : peer, comparison),
  };
}

const isLoopback = (address: Buffer) =>
  address.length === 4 ? address[0] === 127 : address.equals(LOOPBACK);
/** turnserver treats all IPv4 addresses from 224.0.0.0 on as multicast. */
const isMulticast = (address: Buffer) => (address[0] ?? 0) > (address.length === 4 ? 223 : 254);
const isZero = (address: Buffer) =>
  address.length === 4 ? address[0] === 0 : address.equals(Buffer.alloc(16));

/** 169.254.0.0/16; fc00::/7, fe80::/10, fec0::/10. */
function isLocal(address: Buffer): boolean {
  const [first = 0, second = 0] = address;
  if (address.length === 4) return first === 169 && second === 254;
  return (first & 0xfe) === 0xfc || (first === 0xfe && (second & 0x80) === 0x80);
}
