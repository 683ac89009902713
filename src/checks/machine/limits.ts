import { OWN_PORTS } from '../../config/machine/ports.ts';
import type { InsideFacts, LimitFacts } from '../../lab/machine/facts.ts';
import { openFilesLimit, sysctlsFor } from '../../plan/capacity.ts';
import type { ImageFacts } from './check.ts';

/** The widest relay range that settings may ask for: 1,024 to 65,534 without 512 ports for the machine's own connections. */
const WIDEST = { minPort: 1536, maxPort: 65_534 };
/** IPv4 and IPv6. */
const ADDRESSES = 2;
/** Ports of services: STUN and TURN, and the metrics of coturn and of turn-agent. */
const SERVICES = [3478, 9641, 9642];
/** Those of the first boot, whose settings have a certificate and ask for port 443. */
const TLS = [443, 5349];
const FIRST = 0;

interface Range {
  first: number;
  last: number;
}

/** `1-2,5` -> ranges. */
const rangesOf = (text: string): Range[] =>
  [...text.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, first, last = first]) => ({
    first: Number(first),
    last: Number(last),
  }));

/** Judges the limits of a boot by the formula of `turnbuild capacity`. */
export function limitComplaints({ limits }: InsideFacts, { machine }: ImageFacts, boot: number): string[] {
  return [...judgeSizes(limits), ...judgePorts(limits, machine.relayPorts, boot === FIRST ? TLS : [])];
}

function judgeSizes({ openFiles, sysctls }: LimitFacts): string[] {
  const needed = openFilesLimit(WIDEST, ADDRESSES);
  const { 'net.ipv4.ip_local_reserved_ports': _, ...sizes } = sysctlsFor(WIDEST, ADDRESSES);
  const small = Object.entries(sizes).filter(([name, value]) => !(Number(sysctls[name]) >= Number(value)));
  return [
    ...(openFiles >= needed ? [] : [`turnserver may open ${openFiles} files (needs ${needed})`]),
    ...small.map(([name, value]) => `${name} is ${sysctls[name] ?? 'unknown'} (needs ${value})`),
  ];
}

function judgePorts({ sysctls }: LimitFacts, relay: Range, more: readonly number[]): string[] {
  const reserved = rangesOf(sysctls['net.ipv4.ip_local_reserved_ports'] ?? '');
  const covers = (wanted: Range) =>
    reserved.some(({ first, last }) => first <= wanted.first && wanted.last <= last);
  const [own] = rangesOf((sysctls['net.ipv4.ip_local_port_range'] ?? '').trim().replace(/\s+/, '-'));
  const free = [...SERVICES, ...more].filter((port) => !covers({ first: port, last: port }));
  return [
    ...(covers(relay) ? [] : [`the relay ports ${relay.first}-${relay.last} are not reserved`]),
    ...free.map((port) => `port ${port} is not reserved`),
    ...judgeOwn(own, relay),
  ];
}

/** Replies in the relay range would be dropped, because it is not tracked. */
function judgeOwn(own: Range | undefined, relay: Range): string[] {
  if (own === undefined) return ['the ports of own connections are unknown'];
  const name = `own connections use ports ${own.first}-${own.last}`;
  if (own.first <= relay.last && relay.first <= own.last)
    return [`${name}, which overlap the relay ports ${relay.first}-${relay.last}`];
  const count = own.last - own.first + 1;
  // The kernel wants ends of different parity, so one port may be left out.
  return count >= OWN_PORTS - 1 ? [] : [`${name}, which are only ${count}`];
}
