import { NOBODY } from '../network.ts';
import { MACHINE, METADATA4, SERVICES4, TAP } from './addresses.ts';

/** The commands that create the machine's link. Pure. */
export function tapCommands(): string[][] {
  return [
    // The emulator runs as this user.
    ['ip', 'tuntap', 'add', 'dev', TAP, 'mode', 'tap', 'user', String(NOBODY)],
    ['ip', 'address', 'add', `${MACHINE.router4}/${MACHINE.prefix4}`, 'dev', TAP],
    // Always there: without it the machine might reach the metadata service of the laboratory's own host.
    ['ip', 'address', 'add', `${METADATA4}/32`, 'dev', TAP],
    ['ip', 'address', 'add', `${SERVICES4}/32`, 'dev', TAP],
    ['ip', 'address', 'add', `${MACHINE.router6}/64`, 'dev', TAP, 'nodad'],
    ['ip', 'link', 'set', TAP, 'up'],
  ];
}

/**
 * The router's rules for nft: the public address belongs to the machine, as an Elastic IP or an access config does, and nothing
 * else of its network can be reached from outside. Answers of the metadata service end at the machine itself: a hop limit of 1.
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
`;
}

/**
 * Arguments of dnsmasq, which gives the machine its addresses as the clouds' networks do.
 * @param hosts names of services that the machine can look up; no others exist
 */
export function dnsmasqArgs(hosts: readonly string[]): string[] {
  return [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    `--interface=${TAP}`,
    '--bind-dynamic',
    ...hosts.map((host) => `--address=/${host}/${SERVICES4}`),
    '--log-facility=-',
    '--quiet-dhcp',
    '--quiet-dhcp6',
    '--quiet-ra',
    '--dhcp-leasefile=/tmp/leases',
    `--dhcp-range=${MACHINE.private4},${MACHINE.private4},255.255.240.0,1h`,
    `--dhcp-host=${MACHINE.mac},${MACHINE.private4}`,
    `--dhcp-option=option:router,${MACHINE.router4}`,
    `--dhcp-option=option:mtu,1500`,
    '--enable-ra',
    `--dhcp-range=${MACHINE.ipv6},${MACHINE.ipv6},64,1h`,
  ];
}
