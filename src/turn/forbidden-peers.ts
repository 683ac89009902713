import { formatAddress } from './values.ts';

/** A peer that a safely configured server must refuse to relay to. */
export interface ForbiddenPeer {
  peer: string;
  kind: string;
}

/** IPv4 addresses that aren't on the public internet, with the RFC that reserves them. */
const IPV4: readonly (readonly [address: string, kind: string])[] = [
  ['10.0.0.1', 'private (RFC 1918)'],
  ['10.255.255.254', 'private (RFC 1918)'],
  ['172.16.0.1', 'private (RFC 1918)'],
  ['172.31.255.254', 'private (RFC 1918)'],
  ['192.168.0.1', 'private (RFC 1918)'],
  ['192.168.255.254', 'private (RFC 1918)'],
  ['100.64.0.1', 'shared address space (RFC 6598)'],
  ['100.127.255.254', 'shared address space (RFC 6598)'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['169.254.169.254', 'metadata service'],
  ['169.254.1.1', 'link-local (RFC 3927)'],
  ['0.0.0.0', 'this host (RFC 1122)'],
  ['0.0.0.1', 'this network (RFC 1122)'],
  ['192.0.0.192', 'metadata service (Oracle)'],
  ['198.18.0.1', 'benchmarking (RFC 2544)'],
  ['192.0.2.1', 'documentation (RFC 5737)'],
  ['198.51.100.1', 'documentation (RFC 5737)'],
  ['203.0.113.1', 'documentation (RFC 5737)'],
  ['192.88.99.1', '6to4 relays (RFC 7526)'],
  ['240.0.0.1', 'reserved (RFC 1112)'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['255.255.255.255', 'broadcast'],
];

const IPV6: readonly ForbiddenPeer[] = [
  { peer: '::', kind: 'unspecified' },
  { peer: '::1', kind: 'loopback' },
  { peer: 'fd00:ec2::254', kind: 'metadata service' },
  { peer: 'fd20:ce::254', kind: 'metadata service (Google)' },
  { peer: 'fc00::1', kind: 'unique local (RFC 4193)' },
  { peer: 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', kind: 'unique local (RFC 4193)' },
  { peer: 'fe80::1', kind: 'link-local' },
  { peer: 'fec0::1', kind: 'site-local (RFC 3879)' },
  { peer: 'ff02::1', kind: 'multicast' },
  { peer: 'ff0e::1', kind: 'multicast' },
  { peer: '2001::1', kind: 'Teredo (RFC 4380)' },
  { peer: '2001:db8::1', kind: 'documentation (RFC 3849)' },
  { peer: '3fff::1', kind: 'documentation (RFC 9637)' },
  { peer: '100::1', kind: 'discard (RFC 6666)' },
  // For each byte position, both ends of the range whose first non-zero byte is there. Nothing below 2000::/3 is public.
  ...Array.from({ length: 16 }, (_, index) => {
    const [start, end] = [Buffer.alloc(16), Buffer.alloc(16)];
    start[index] = 1;
    end.fill(0xff, index);
    if (index === 0) end[0] = 0x1f;
    return [start, end].map((bytes) => ({ peer: formatAddress(bytes), kind: 'below 2000::/3 (RFC 4291)' }));
  }).flat(),
];

/** IPv6 encodings of IPv4 addresses. Each has bypassed a deny rule in some coturn version. */
const ENCODINGS: readonly (readonly [kind: string, encode: (address: string) => string])[] = [
  ['IPv4-mapped', (address) => `::ffff:${address}`],
  ['IPv4-compatible', (address) => `::${address}`],
  ['6to4', (address) => `2002:${hexWords(address)}::1`],
  ['NAT64', (address) => `64:ff9b::${address}`],
];

/** Two ranges that are not CIDR prefixes. A server that rounds them to a prefix denies too little or too much. */
export const ODD_RANGES = {
  lines: ['denied-peer-ip=20.0.9.5-20.0.9.77', 'denied-peer-ip=2600:1:0:9::5-2600:1:0:9::77'],
  inside: ['20.0.9.5', '20.0.9.64', '20.0.9.77', '2600:1:0:9::5', '2600:1:0:9::40', '2600:1:0:9::77'],
};

/** Ranges without public addresses, in numeric order (RFC 6890 and the registries that it names). */
export const NOT_PUBLIC: readonly string[] = [
  ...[
    '0.0.0.0-0.255.255.255',
    '10.0.0.0-10.255.255.255',
    '100.64.0.0-100.127.255.255',
    '127.0.0.0-127.255.255.255',
  ],
  ...[
    '169.254.0.0-169.254.255.255',
    '172.16.0.0-172.31.255.255',
    '192.0.0.0-192.0.0.255',
    '192.0.2.0-192.0.2.255',
  ],
  ...['192.88.99.0-192.88.99.255', '192.168.0.0-192.168.255.255', '198.18.0.0-198.19.255.255'],
  ...['198.51.100.0-198.51.100.255', '203.0.113.0-203.0.113.255', '224.0.0.0-255.255.255.255'],
  ...['::-1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ...['2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ...['3fff::-3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '4000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];

/** All peers that the laboratory tries. @param own the server's own addresses */
export function forbiddenPeers(own: readonly string[]): ForbiddenPeer[] {
  const plain = IPV4.map(([peer, kind]) => ({ peer, kind }));
  const encoded = IPV4.flatMap(([address, kind]) =>
    ENCODINGS.map(([name, encode]) => ({ peer: encode(address), kind: `${kind}, ${name}` })),
  );
  const odd = ODD_RANGES.inside.map((peer) => ({ peer, kind: 'in a range that is not a CIDR prefix' }));
  const all = [
    ...plain,
    ...encoded,
    ...IPV6,
    ...odd,
    ...own.map((peer) => ({ peer, kind: "the server's own" })),
  ];
  // Some addresses are in several lists.
  return [...new Map(all.map((each) => [each.peer, each])).values()];
}

function hexWords(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `${bytes[0]}${bytes[1]}:${bytes[2]}${bytes[3]}`;
}
