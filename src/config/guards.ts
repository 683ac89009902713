import { versionIn } from '../recipe/coturn-version.ts';
import { inRange, type PeerRange } from '../turn/peer-ranges.ts';
import { embeddedOf, LOOPBACK } from './closed-peers.ts';
import type { Configuration } from './configuration.ts';

/** What a turnserver of one version denies. */
export interface Guards {
  /** Whether turnserver refuses the peer by itself, before it looks at any range. */
  itself(peer: Buffer): boolean;
  /** Whether a range holds the peer, in each way in which it could be meant. */
  holds(range: PeerRange, peer: Buffer): boolean;
}

/**
 * What was asked of the real 4.6.1 and 4.18.0, peer by peer; the versions between are from coturn's list of changes: 4.9.0
 * takes `::ffff:a.b.c.d` for `a.b.c.d` in ranges (CVE-2026-27624), 4.13.1 all ways to write IPv4 as IPv6 (#1945), and refuses
 * link-local, unique local and site-local peers (#1947); 4.16.0 compares IPv6 as numbers (CVE-2026-73213).
 * @see coturn, src/server/ns_turn_server.c, good_peer_addr(), and src/client/ns_turn_ioaddr.c
 */
export function guardsOf(version: string, configuration: Configuration): Guards {
  const loopback = !configuration.isOn('allow-loopback-peers');
  const multicast = configuration.isOn('no-multicast-peers');
  const canonical = versionIn(version, '>=4.13.1');
  const mapped = versionIn(version, '>=4.9.0');
  // Before 4.16 each byte of an IPv6 address was compared for itself.
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
    // What an address of IPv6 has in it is held against ranges that begin in IPv4, and nothing else is.
    holds: (range, peer) =>
      inRange(range, range.start.length === 4 ? (innerOf(peer) ?? peer) : peer, comparison),
  };
}

const isLoopback = (address: Buffer) =>
  address.length === 4 ? address[0] === 127 : address.equals(LOOPBACK);
/** All above 223. */
const isMulticast = (address: Buffer) => (address[0] ?? 0) > (address.length === 4 ? 223 : 254);
const isZero = (address: Buffer) =>
  address.length === 4 ? address[0] === 0 : address.equals(Buffer.alloc(16));

/** 169.254.0.0/16; fc00::/7, fe80::/10, fec0::/10. */
function isLocal(address: Buffer): boolean {
  const [first = 0, second = 0] = address;
  if (address.length === 4) return first === 169 && second === 254;
  return (first & 0xfe) === 0xfc || (first === 0xfe && (second & 0x80) === 0x80);
}
