import { usageError } from '../errors.ts';

/** A range of relay ports, both ends included. */
export interface RelayRange {
  minPort: number;
  maxPort: number;
}

/** The inputs of the capacity formula. */
export interface CapacityInput {
  range: RelayRange;
  /** Relay addresses of the machine, each with its own pool of ports. */
  addresses: number;
  /** Relayed participants per call. */
  participants: number;
  /** Allocations per participant: 1 with BUNDLE and rtcp-mux, more if each stream has its own. */
  allocations: number;
  /** Allocations also reserve the next higher port (EVEN-PORT with R = 1). */
  pairs: boolean;
}

export interface Capacity {
  ports: number;
  allocationsPerAddress: number;
  allocations: number;
  calls: number;
  /** Bytes of resident memory for all allocations, without traffic, channels and TLS sessions. */
  memory: number;
  /** LimitNOFILE of the unit. */
  openFiles: number;
  /** Required kernel settings. */
  sysctls: Record<string, string>;
}

/** Bytes of the socket buffer that turnserver requests; the kernel caps it silently. */
const SOCKET_BUFFER = 2 * 1024 * 1024;
/** Resident bytes of one allocation: 22,864 to 23,839 were measured with 4.6.1 and 4.16.0 (`capacity.ports`), rounded up. */
const ALLOCATION_BYTES = 24 * 1024;
/** Default of fs.nr_open, the maximum number of descriptors per process. */
const DEFAULT_NR_OPEN = 1_048_576;

/** Ports that turnserver listens on: STUN and TURN, TLS, and the second of each for NAT discovery. */
const LISTENING_PORTS = [3478, 3479, 5349, 5350];

const listeningIn = ({ minPort, maxPort }: RelayRange) =>
  LISTENING_PORTS.filter((port) => port >= minPort && port <= maxPort);

/** Each port serves one UDP allocation per relay address, except those that turnserver listens on. */
export function relayPorts(range: RelayRange): number {
  return range.maxPort - range.minPort + 1 - listeningIn(range).length;
}

/** Pairs of an even port and the one above it, which EVEN-PORT with R = 1 takes. RFC 8656, 7.2. */
function relayPairs(range: RelayRange): number {
  const { minPort, maxPort } = range;
  const firstEven = minPort + (minPort % 2);
  const lower = new Set(listeningIn(range).map((port) => port - (port % 2)));
  const taken = [...lower].filter((port) => port >= firstEven && port < maxPort).length;
  return Math.max(0, Math.floor((maxPort - firstEven + 1) / 2) - taken);
}

/**
 * LimitNOFILE for a relay range: two descriptors per port (the relay socket, and the client's connection with TCP or TLS)
 * and 1000 for listeners, databases and logs. turnserver prints half of the limit as its maximum.
 */
export function openFilesLimit(range: RelayRange, addresses = 1): number {
  return 2 * relayPorts(range) * addresses + 1000;
}

/** Kernel settings that a relay range needs. */
export function sysctlsFor(range: RelayRange, addresses = 1): Record<string, string> {
  const openFiles = openFilesLimit(range, addresses);
  return {
    // Otherwise outgoing connections of other programs could take relay ports.
    'net.ipv4.ip_local_reserved_ports': `${range.minPort}-${range.maxPort}`,
    'net.core.rmem_max': String(SOCKET_BUFFER),
    'net.core.wmem_max': String(SOCKET_BUFFER),
    ...(openFiles > DEFAULT_NR_OPEN ? { 'fs.nr_open': String(openFiles) } : {}),
  };
}

/** A machine's capacity and the limits that it requires. The unit, the images and the planning use this formula. */
export function capacityOf({ range, addresses, participants, allocations, pairs }: CapacityInput): Capacity {
  const ports = relayPorts(range);
  const allocationsPerAddress = pairs ? relayPairs(range) : ports;
  const all = allocationsPerAddress * addresses;
  return {
    ports,
    allocationsPerAddress,
    allocations: all,
    calls: Math.floor(all / (participants * allocations)),
    memory: all * ALLOCATION_BYTES,
    openFiles: openFilesLimit(range, addresses),
    sysctls: sysctlsFor(range, addresses),
  };
}

/** Warnings about a relay range. */
export function rangeWarnings(range: RelayRange): string[] {
  const { minPort, maxPort } = range;
  const taken = listeningIn(range);
  return [
    ...(minPort < 1024
      ? ['Ports below 1024 are privileged and belong to other services: start at 1024 or above.']
      : []),
    ...(taken.length === 0
      ? []
      : [`turnserver listens on ${taken.join(', ')}: these ports cannot relay, and are not counted.`]),
    ...(maxPort === 65535
      ? ['Before coturn 4.18, an exhausted pool gives out port 65535 twice: end the range at 65534.']
      : []),
  ];
}

/** `A-B` -> a range. @throws OPTION_INVALID */
export function parsePorts(text: string): RelayRange {
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { minPort: Number(min), maxPort: Number(max) };
  if (![range.minPort, range.maxPort].every((port) => port >= 1 && port <= 65_535))
    throw usageError('OPTION_INVALID', `Invalid --ports "${text}": expected two ports, e.g. 49152-65534`);
  if (range.minPort > range.maxPort)
    throw usageError(
      'OPTION_INVALID',
      `--ports ${text} is inverted: the lower port comes first`,
      `Write --ports ${max}-${min}.`,
    );
  return range;
}
