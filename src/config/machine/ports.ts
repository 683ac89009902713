import type { Json } from './json.ts';
import type { Reader } from './reader.ts';

interface PortRange {
  first: number;
  last: number;
}

/** Bounds of the relay range. Some versions of coturn assign 65535 twice. */
const LOWEST_RELAY = 1024;
const HIGHEST_RELAY = 65534;
/** Smallest block of unprivileged ports beside the range, for the machine's own connections. */
export const OWN_PORTS = 512;

/** Reports what is wrong with a relay range. */
export function checkPortRange(r: Reader, path: string, { value }: Json): void {
  if (typeof value !== 'string') {
    r.report(path, 'must be a string such as "10000-65534"');
    return;
  }
  const problem = rangeProblem(value);
  if (problem !== undefined) r.wrong(path, value, problem);
}

function rangeProblem(text: string): string | undefined {
  const range = parsePortRange(text);
  if (range === undefined) return 'must have the form FIRST-LAST, such as "10000-65534"';
  const { first, last } = range;
  if (first > last) return 'the first port is greater than the last';
  if (first < LOWEST_RELAY || last > HIGHEST_RELAY) return `must lie within ${LOWEST_RELAY}-${HIGHEST_RELAY}`;
  return Math.max(first - LOWEST_RELAY, 65535 - last) < OWN_PORTS
    ? `leaves fewer than ${OWN_PORTS} ports for the machine's own connections; begin at ${LOWEST_RELAY + OWN_PORTS}`
    : undefined;
}

function parsePortRange(text: string): PortRange | undefined {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last) };
}

/** Reports ports that a valid document uses twice. */
export function checkCollisions(r: Reader): void {
  const setting = (key: string) => r.document.get(key)?.value;
  const number = (value: Json['value'] | undefined, otherwise: number) =>
    typeof value === 'number' ? value : otherwise;
  const metrics = setting('metrics');
  const uses: (readonly [path: string, port: number])[] = [
    ['SSH', 22],
    // turnserver would get the answers to the machine's DHCP clients. The machine's other services have addresses of their own: the DNS
    // resolver, turnserver's metrics and the agent's are on the loopback interface.
    ['the DHCP client', 68],
    ['the DHCPv6 client', 546],
    ['listeningPort', number(setting('listeningPort'), 3478)],
    ['tlsListeningPort', number(setting('tlsListeningPort'), 5349)],
  ];
  if (setting('tls443') === true) uses.push(['tls443', 443]);
  if (metrics instanceof Map) uses.push(['metrics.port', number(metrics.get('port')?.value, 9641)]);
  const relay = parsePortRange(String(setting('relayPorts') ?? '10000-65534'));
  for (const [index, [path, port]] of uses.entries()) {
    for (const [earlier, other] of uses.slice(0, index))
      if (port === other) r.report(path, `port ${port} is also used by ${earlier}`);
    if (relay !== undefined && relay.first <= port && port <= relay.last)
      r.report('relayPorts', `contains port ${port}, which is used by ${path}`);
  }
}
