import { usageError } from '../errors.ts';

/** A range of relay ports, both ends included. */
export interface RelayRange {
  minPort: number;
  maxPort: number;
}

/** What a machine's capacity depends on. */
export interface CapacityInput {
  range: RelayRange;
  /** Relay addresses of the machine: each has a pool of ports of its own. */
  addresses: number;
  /** Participants of a call whose media goes through the relay. */
  participants: number;
  /** Allocations of one participant: 1 with BUNDLE and rtcp-mux, more where each stream has its own. */
  allocations: number;
  /** Allocations reserve the next higher port, too (EVEN-PORT with R = 1). */
  pairs: boolean;
}

export interface Capacity {
  ports: number;
  allocationsPerAddress: number;
  allocations: number;
  calls: number;
  /** LimitNOFILE of the unit. */
  openFiles: number;
  /** Kernel settings that go with it. */
  sysctls: Record<string, string>;
}

/** Bytes of a socket buffer that turnserver asks for; the kernel caps it without a word. */
const SOCKET_BUFFER = 2 * 1024 * 1024;
/** Most descriptors of one process unless fs.nr_open says otherwise. */
const DEFAULT_NR_OPEN = 1_048_576;

/** One port serves one UDP allocation of one relay address. */
export function relayPorts(range: RelayRange): number {
  return range.maxPort - range.minPort + 1;
}

/**
 * LimitNOFILE for a relay range: two descriptors a port (the relay socket, and a client's own connection over TCP or
 * TLS) and 1000 for listeners, databases and logs. turnserver prints half of the limit as its maximum.
 */
export function openFilesLimit(range: RelayRange, addresses = 1): number {
  return 2 * relayPorts(range) * addresses + 1000;
}

/** What a machine can carry, and what it has to be given for that. The one formula: of the unit, of images, and of planning. */
export function capacityOf({ range, addresses, participants, allocations, pairs }: CapacityInput): Capacity {
  const ports = relayPorts(range);
  const allocationsPerAddress = pairs ? Math.floor(ports / 2) : ports;
  const all = allocationsPerAddress * addresses;
  const openFiles = openFilesLimit(range, addresses);
  return {
    ports,
    allocationsPerAddress,
    allocations: all,
    calls: Math.floor(all / (participants * allocations)),
    openFiles,
    sysctls: {
      // Else an outgoing connection of another program takes a relay port now and then.
      'net.ipv4.ip_local_reserved_ports': `${range.minPort}-${range.maxPort}`,
      'net.core.rmem_max': String(SOCKET_BUFFER),
      'net.core.wmem_max': String(SOCKET_BUFFER),
      ...(openFiles > DEFAULT_NR_OPEN ? { 'fs.nr_open': String(openFiles) } : {}),
    },
  };
}

/** `A-B` -> a range. @throws OPTION_INVALID */
export function parsePorts(text: string): RelayRange {
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const range = { minPort: Number(min), maxPort: Number(max) };
  if (min === undefined || range.minPort < 1 || range.maxPort > 65535 || range.minPort > range.maxPort)
    throw usageError('OPTION_INVALID', `--ports takes two ports, e.g. 49152-65534, not "${text}"`);
  return range;
}
