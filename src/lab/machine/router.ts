import { NOBODY } from '../network.ts';
import { MACHINE, METADATA4, METADATA6, SERVICES4, SERVICES6, TAP } from './addresses.ts';

/** The commands that create the machine's link. Pure. @param ipv6Only for a machine that gets no IPv4 address */
export function tapCommands(ipv6Only = false): string[][] {
  const add = (address: string) => ['ip', 'address', 'add', address, 'dev', TAP];
  return [
    // The emulator runs as this user.
    ['ip', 'tuntap', 'add', 'dev', TAP, 'mode', 'tap', 'user', String(NOBODY)],
    add(`${MACHINE.router4}/${MACHINE.prefix4}`),
    // Always there: without it the machine might reach the metadata service of the laboratory's own host.
    add(`${METADATA4}/32`),
    add(`${SERVICES4}/32`),
    ...[`${MACHINE.router6}/64`, ...(ipv6Only ? [`${METADATA6}/128`, `${SERVICES6}/128`] : [])].map(
      (address) => [...add(address), 'nodad'],
    ),
    ['ip', 'link', 'set', TAP, 'up'],
  ];
}

/**
 * The router's rules for nft: the public address belongs to the machine, as an Elastic IP or an access config does, and nothing
 * else of its network can be reached from outside. Answers of the metadata service end at the machine itself: a hop limit of 1.
 * IPv6 is not translated.
 * @param public4 the machine's current public address; undefined if it has none
 */
export function natRules(public4: string | undefined): string {
  const translated =
    public4 === undefined
      ? ['', '']
      : [
          `ip daddr ${public4} dnat to ${MACHINE.private4}`,
          `ip saddr ${MACHINE.private4} snat to ${public4}`,
        ];
  return `table ip cloud
delete table ip cloud
table ip cloud {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname != "${TAP}" ${translated[0]}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname != "${TAP}" ${translated[1]}
  }
  chain hop_limit {
    type filter hook output priority filter;
    ip saddr ${METADATA4} ip ttl set 1
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifname "${TAP}" ct status dnat accept
    oifname "${TAP}" ct state established,related accept
    oifname "${TAP}" drop
  }
}
table ip6 cloud
delete table ip6 cloud
table ip6 cloud {
  chain hop_limit {
    type filter hook output priority filter;
    ip6 saddr ${METADATA6} ip6 hoplimit set 1
  }
}
`;
}

/**
 * Arguments of dnsmasq, which gives the machine its addresses as the clouds' networks do.
 * @param hosts names of services that the machine can look up; no others exist
 * @param ipv6Only the machine gets no IPv4 address
 */
export function dnsmasqArgs(hosts: readonly string[], ipv6Only = false): string[] {
  const ipv4 = [
    `--dhcp-range=${MACHINE.private4},${MACHINE.private4},255.255.240.0,1h`,
    `--dhcp-host=${MACHINE.mac},${MACHINE.private4}`,
    `--dhcp-option=option:router,${MACHINE.router4}`,
    `--dhcp-option=option:mtu,1500`,
  ];
  return [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    `--interface=${TAP}`,
    '--bind-dynamic',
    ...hosts.map((host) => `--address=/${host}/${ipv6Only ? SERVICES6 : SERVICES4}`),
    '--log-facility=-',
    '--quiet-dhcp',
    '--quiet-dhcp6',
    '--quiet-ra',
    '--dhcp-leasefile=/tmp/leases',
    ...(ipv6Only ? [] : ipv4),
    '--enable-ra',
    `--dhcp-range=${MACHINE.ipv6},${MACHINE.ipv6},64,1h`,
  ];
}
