import { MACHINE } from '../addresses.ts';
import type { OpeningFacts } from '../facts.ts';
import { RELAY_PORTS } from '../identity.ts';
import type { Laboratory } from '../laboratory.ts';
import type { Machine } from '../vm.ts';

/** Ports to try: all that services have by convention, those of this machine, and both sides of each border. */
export const TRIED_PORTS: readonly number[] = [
  ...Array.from({ length: 1024 }, (_, index) => index + 1),
  ...[1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 3477, 3478, 3479, 3480, 4443, 5000, 5349, 5350, 5351],
  ...[5355, 5432, 5766, 5900, 6379, 6443, 8080, 8443, 9000, 9090, 9100, 9200, 9640, 9641, 9642, 9643, 10250],
  ...[11211, 27017, 32768, 49152, 60999, 65535],
  ...[RELAY_PORTS.first - 1, RELAY_PORTS.first, RELAY_PORTS.last, RELAY_PORTS.last + 1],
];

/** Without these limits the kernel answers only a few datagrams to closed ports a second, and open firewalls look closed. */
const ANSWER_ALL =
  'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit; echo 100000 >/proc/sys/net/ipv4/icmp_msgs_per_sec';

/** Tries ports from a host that has no special rights. @param ipv4 the machine's public address */
export async function tryPorts(
  { peer }: Laboratory,
  machine: Machine,
  ipv4: string = MACHINE.public4,
): Promise<OpeningFacts> {
  await machine.probe.run(ANSWER_ALL);
  const addresses = { ipv4, ipv6: MACHINE.ipv6 } as const;
  const ways = (['ipv4', 'ipv6'] as const).flatMap((family) =>
    (['tcp', 'udp'] as const).map((protocol) => ({ family, protocol })),
  );
  const reached = await Promise.all(
    ways.map(async ({ family, protocol }) => ({
      ...{ family, protocol },
      ports: await peer.reachable(protocol, addresses[family], TRIED_PORTS),
    })),
  );
  return { tried: [...TRIED_PORTS], reached };
}
