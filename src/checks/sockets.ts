/** Client ports: STUN and TURN, the same with TLS, and their alternative ports. */
const CLIENT_PORTS = [3478, 3479, 5349, 5350];
/** Port of the metrics, on loopback. */
const METRICS_PORT = 9641;
/** 127.0.0.1 and ::1 as the kernel writes them: each group of four bytes is reversed. */
const LOOPBACK = ['0100007F', '00000000000000000000000001000000'];

/** coturn's default range of relay ports (turnserver(1), min-port and max-port). */
const RELAY_PORTS = { first: 49_152, last: 65_535 };

/**
 * Unexpected listening sockets.
 * @param listening one socket per line, e.g. `tcp 0100007F:0D96`: protocol, address and port in the kernel's notation
 * @param relays whether UDP ports of the relay range are expected, because the socket of an ended allocation stays open for a while
 */
export function strangeSockets(listening: string, { relays = false } = {}): string[] {
  const sockets = [...listening.matchAll(/^(\w+) ([0-9A-F]+):([0-9A-F]{4})$/gm)];
  if (sockets.length === 0) return ["turnserver's listening sockets could not be determined"];
  return sockets.flatMap(([, protocol = '', address = '', hex = '']) => {
    const port = Number.parseInt(hex, 16);
    const isRelay = protocol.startsWith('udp') && port >= RELAY_PORTS.first && port <= RELAY_PORTS.last;
    const expected =
      CLIENT_PORTS.includes(port) ||
      (port === METRICS_PORT && LOOPBACK.includes(address)) ||
      (relays && isRelay);
    return expected ? [] : [`turnserver listens on ${protocol.replace('6', '').toUpperCase()} port ${port}`];
  });
}
