import { forbiddenPeers, NOT_PUBLIC } from '../turn/forbidden-peers.ts';
import { type PeerRange, parseRange } from '../turn/peer-ranges.ts';
import { formatAddress, parseAddress } from '../turn/values.ts';
import type { Level } from './finding.ts';

/** A peer that is not on the public internet. */
export interface ClosedPeer {
  peer: string;
  address: Buffer;
  /** Description; findings group peers by it. */
  kind: string;
  level: Level;
}

/**
 * Ranges outside the public internet, narrower ones first, with the level of a finding: an error for networks whose machines trust each
 * other, a warning for ranges that should be unused. The names are from IANA's special-purpose address registries.
 */
const KINDS: readonly (readonly [range: string, kind: string, level: Level])[] = [
  ['0.0.0.0-0.255.255.255', 'this host, this network (RFC 1122)', 'error'],
  ['10.0.0.0-10.255.255.255', 'private (RFC 1918)', 'error'],
  ['100.64.0.0-100.127.255.255', 'shared address space (RFC 6598)', 'error'],
  ['127.0.0.0-127.255.255.255', 'loopback', 'error'],
  ['169.254.169.254-169.254.169.254', 'metadata service', 'error'],
  ['169.254.0.0-169.254.255.255', 'link-local (RFC 3927)', 'error'],
  ['172.16.0.0-172.31.255.255', 'private (RFC 1918)', 'error'],
  ['192.0.0.192-192.0.0.192', 'metadata service (Oracle)', 'error'],
  ['192.0.0.0-192.0.0.255', 'protocol assignments (RFC 6890)', 'warning'],
  ['192.0.2.0-192.0.2.255', 'documentation (RFC 5737)', 'warning'],
  ['192.88.99.0-192.88.99.255', '6to4 relays (RFC 7526)', 'warning'],
  ['192.168.0.0-192.168.255.255', 'private (RFC 1918)', 'error'],
  ['198.18.0.0-198.19.255.255', 'benchmarking (RFC 2544)', 'warning'],
  ['198.51.100.0-198.51.100.255', 'documentation (RFC 5737)', 'warning'],
  ['203.0.113.0-203.0.113.255', 'documentation (RFC 5737)', 'warning'],
  ['224.0.0.0-239.255.255.255', 'multicast', 'warning'],
  ['240.0.0.0-255.255.255.255', 'reserved, broadcast (RFC 1112)', 'warning'],
  ['::1-::1', 'loopback', 'error'],
  ['fd00:ec2::254-fd00:ec2::254', 'metadata service', 'error'],
  ['fd20:ce::254-fd20:ce::254', 'metadata service (Google)', 'error'],
  ['fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unique local (RFC 4193)', 'error'],
  ['fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'link-local (RFC 4291)', 'error'],
  ['fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'site-local (RFC 3879)', 'warning'],
  ['ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'multicast', 'warning'],
  ['100::-100::ffff:ffff:ffff:ffff', 'discard (RFC 6666)', 'warning'],
  ['2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'Teredo and similar (RFC 4380)', 'warning'],
  ['2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'documentation (RFC 3849)', 'warning'],
  ['2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '6to4 (RFC 3056)', 'warning'],
  ['3fff::-3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'documentation (RFC 9637)', 'warning'],
];

export const LOOPBACK = parseAddress('::1');
/** Caches embedded addresses, because every peer is checked against every range. */
const seen = new WeakMap<Buffer, Embedded | undefined>();

/** The non-public ranges, in numeric order. */
export const CLOSED_RANGES = NOT_PUBLIC.map((text) => ({ text, range: parseRange(text) }));

const kinds = KINDS.map(([text, kind, level]) => ({ range: parseRange(text), kind, level }));

/** The closed peer at an address; undefined for one on the public internet, and for the address of all zeros. */
export function closedPeer(address: Buffer): ClosedPeer | undefined {
  if (address.length === 16 && address.equals(Buffer.alloc(16))) return undefined;
  const peer = formatAddress(address);
  const embedded = embeddedOf(address);
  const inner = embedded === undefined ? undefined : closedPeer(embedded.inner);
  if (embedded !== undefined && inner !== undefined)
    return {
      peer: embedded.text(inner.peer) ?? peer,
      address,
      kind: `non-public IPv4 encoded as ${embedded.name}`,
      level: embedded.direct ? inner.level : 'warning',
    };
  const known = kinds.find(({ range }) => holds(range, address));
  if (known !== undefined) return { peer, address, kind: known.kind, level: known.level };
  if (!CLOSED_RANGES.some(({ range }) => holds(range, address))) return undefined;
  const kind = (address[0] ?? 0) < 0x20 ? 'below 2000::/3 (RFC 4291)' : 'not assigned (RFC 4291)';
  return { peer, address, kind, level: 'warning' };
}

/** Closed peers to check: every kind, every IPv6 encoding of IPv4, and both ends of every range. */
export const CLOSED_PEERS: readonly ClosedPeer[] = uniquePeers(
  [
    ...forbiddenPeers([]).map(({ peer }) => parseAddress(peer)),
    // 6to4 of a public address: the packets may pass through an arbitrary 6to4 relay.
    parseAddress('2002:808:808::1'),
    ...[...CLOSED_RANGES, ...kinds].flatMap(({ range: { start, end } }) => [start, end]),
  ].flatMap((address) => closedPeer(address) ?? []),
);

/** Removes duplicate addresses. */
export function uniquePeers(peers: readonly ClosedPeer[]): ClosedPeer[] {
  return [...new Map(peers.map((each) => [each.address.toString('hex'), each])).values()];
}

/** Whether a range contains an address, compared as numbers. */
function holds({ start, end }: PeerRange, address: Buffer): boolean {
  return (
    start.length === address.length &&
    Buffer.compare(start, address) <= 0 &&
    Buffer.compare(address, end) <= 0
  );
}

interface Embedded {
  inner: Buffer;
  name: string;
  /** Whether packets reach the IPv4 address itself, through the machine's own stack or a translator. */
  direct: boolean;
  /** The usual notation; undefined if there is none. */
  text(inner: string): string | undefined;
}

/** The IPv4 address embedded in an IPv6 address. `::1` is loopback and embeds none. */
export function embeddedOf(address: Buffer): Embedded | undefined {
  if (!seen.has(address)) seen.set(address, readEmbedded(address));
  return seen.get(address);
}

function readEmbedded(address: Buffer): Embedded | undefined {
  if (address.length === 4 || address.equals(LOOPBACK)) return undefined;
  const head = address.toString('hex', 0, 12);
  const inner = address.subarray(12);
  if (head.startsWith('2002'))
    return { inner: address.subarray(2, 6), name: '6to4', direct: false, text: () => undefined };
  if (head === `${'0'.repeat(20)}ffff`)
    return { inner, name: 'IPv4-mapped', direct: true, text: (text) => `::ffff:${text}` };
  if (head === `0064ff9b${'0'.repeat(16)}`)
    return { inner, name: 'NAT64', direct: true, text: (text) => `64:ff9b::${text}` };
  if (head !== '0'.repeat(24)) return undefined;
  return { inner, name: 'IPv4-compatible', direct: false, text: (text) => `::${text}` };
}
