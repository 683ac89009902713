import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import type { StunMessage } from '../../src/turn/message.ts';
import { ATTRIBUTE, encodeMessage } from '../../src/turn/message.ts';
import { type Address, encodeXorAddress } from '../../src/turn/values.ts';

/** A server whose reaction to each datagram or chunk the test chooses. */
export interface FakeServer extends AsyncDisposable {
  at: Address;
  /** The number of datagrams or chunks received. */
  received(): number;
}

/** @param at address to listen on; a free port of loopback without it */
export async function udpServer(
  answer: (request: Buffer, reply: (bytes: Buffer) => void) => void,
  at: Partial<Address> = {},
): Promise<FakeServer> {
  const socket = createSocket('udp4');
  let received = 0;
  socket.on('message', (request, { address, port }) => {
    received += 1;
    answer(request, (bytes) => socket.send(bytes, port, address, () => {}));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(at.port ?? 0, at.address ?? '127.0.0.1', resolve);
  });
  const { address, port } = socket.address();
  return {
    at: { address, port },
    received: () => received,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** @param connected called with each connection @param answer called with each chunk */
export async function tcpServer(
  { connected = () => {}, answer = () => {} }: TcpBehaviour,
  at: Partial<Address> = {},
): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  let received = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    // The client must cope with broken connections.
    socket.on('error', () => {});
    socket.on('data', (request: Buffer) => {
      received += 1;
      answer(request, socket);
    });
    connected(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port ?? 0, at.address ?? '127.0.0.1', resolve);
  });
  const { address, port } = server.address() as Address;
  return {
    at: { address, port },
    received: () => received,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export interface TcpBehaviour {
  connected?: (socket: Socket) => void;
  answer?: (request: Buffer, socket: Socket) => void;
}

/** The transaction id of a request. */
export const idOf = (request: Buffer): Buffer => request.subarray(8, 20);

/** An answer to a request, by default a success with an address. */
export function answerTo(request: Buffer, parts: Partial<StunMessage> = {}): Buffer {
  const transactionId = parts.transactionId ?? idOf(request);
  const mapped = encodeXorAddress({ address: '192.0.2.1', port: 4000 }, transactionId);
  return encodeMessage({
    method: request.readUInt16BE(0) & 0xf,
    class: 'success',
    attributes: [{ type: ATTRIBUTE.xorMappedAddress, value: mapped }],
    ...parts,
    transactionId,
  });
}

/** An error response. */
export function errorTo(request: Buffer, code: number, more: StunMessage['attributes'] = []): Buffer {
  const value = Buffer.from([0, 0, Math.floor(code / 100), code % 100]);
  return answerTo(request, { class: 'error', attributes: [{ type: ATTRIBUTE.errorCode, value }, ...more] });
}

/** A TURN server's answer to unauthenticated clients. */
export function strangersAnswer(request: Buffer): Buffer {
  if ((request.readUInt16BE(0) & 0xf) === 1) return answerTo(request);
  return errorTo(request, 401, [
    { type: ATTRIBUTE.realm, value: Buffer.from('test') },
    { type: ATTRIBUTE.nonce, value: Buffer.from('0123456789abcdef') },
  ]);
}
