import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { encodeMessage, METHOD, newTransactionId } from '../turn/message.ts';

/** Milliseconds until a port counts as closed by a firewall: long enough for a repeated SYN. */
const FILTERED_MS = 3000;

/**
 * Tries ports from outside. A port is reachable if its machine accepts or refuses a connection, or answers a datagram with a message or an
 * ICMP error. A firewall that drops packets answers nothing.
 */
export async function reachablePorts(
  protocol: 'tcp' | 'udp',
  address: string,
  ports: readonly number[],
): Promise<number[]> {
  const isReachable = protocol === 'tcp' ? reachesTcp : reachesUdp;
  const answers = await Promise.all(ports.map((port) => isReachable(address, port)));
  return ports.filter((_, index) => answers[index]);
}

/** Tries a TCP connection. @returns undefined if it is neither accepted nor refused within the timeout in milliseconds */
export function tryTcp(
  host: string,
  port: number,
  timeoutMs: number,
): Promise<'accepted' | 'refused' | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answer?: 'accepted' | 'refused') => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done('accepted'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      done(code === 'ECONNREFUSED' ? 'refused' : undefined),
    );
    socket.setTimeout(timeoutMs, () => done());
  });
}

const reachesTcp = async (host: string, port: number) =>
  (await tryTcp(host, port, FILTERED_MS)) !== undefined;

/** Sends a Binding request three times, because the kernel limits how many ICMP errors it sends. */
function reachesUdp(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const timers: NodeJS.Timeout[] = [];
    const done = (reached: boolean) => {
      for (const timer of timers) clearTimeout(timer);
      socket.close();
      resolve(reached);
    };
    socket.once('message', () => done(true));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED'));
    socket.connect(port, address, () => {
      for (const at of [0, FILTERED_MS / 3, (2 * FILTERED_MS) / 3])
        timers.push(setTimeout(() => socket.send(bindingRequest()), at));
      timers.push(setTimeout(() => done(false), FILTERED_MS));
    });
  });
}

function bindingRequest(): Buffer {
  return encodeMessage({
    method: METHOD.binding,
    class: 'request',
    transactionId: newTransactionId(),
    attributes: [],
  });
}
