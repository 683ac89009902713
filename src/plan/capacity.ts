/** A range of relay ports, both ends included. */
export interface RelayRange {
  minPort: number;
  maxPort: number;
}

/** One port serves one UDP allocation of one relay address. */
export function relayPorts(range: RelayRange): number {
  return range.maxPort - range.minPort + 1;
}

/**
 * LimitNOFILE for a relay range: two descriptors a port (the relay socket, and a client's own connection over TCP or
 * TLS) and 1000 for listeners, databases and logs. turnserver prints half of the limit as its maximum.
 */
export function openFilesLimit(range: RelayRange): number {
  return 2 * relayPorts(range) + 1000;
}
