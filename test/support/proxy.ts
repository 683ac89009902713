import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LocalProxy {
  /** `HOST:PORT` */
  address: string;
  /** First line of each request: `CONNECT HOST:PORT`, `GET http://…`. */
  requests: string[];
  /** Everything that it received. */
  received(): string;
}

export interface ProxyOptions {
  /** `HOST:PORT` of a request -> port on the loopback. Other hosts are unknown. */
  hosts: Readonly<Record<string, number>>;
  /** The `USER:PASSWORD` that it requires. */
  login?: string;
  /** The status of every answer. */
  status?: number;
}

/** A real HTTP proxy of the running test: tunnels (CONNECT), and plain requests with an absolute URL. */
export async function proxy({ hosts, login, status }: ProxyOptions): Promise<LocalProxy> {
  const requests: string[] = [];
  const chunks: Buffer[] = [];
  const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
  const refusal = (given: string | undefined, host: string): number | undefined =>
    status ?? (given !== expected ? 407 : hosts[host] === undefined ? 502 : undefined);

  const server = createServer((incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const { hostname, port, pathname, search } = new URL(incoming.url ?? '');
    const { 'proxy-authorization': given, ...headers } = incoming.headers;
    const host = `${hostname}:${port || 80}`;
    const refused = refusal(given, host);
    if (refused !== undefined) return response.writeHead(refused).end();
    const onward = request(
      { port: hosts[host], host: '127.0.0.1', path: pathname + search, method: incoming.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    incoming.pipe(onward);
  });
  server.on('connection', (socket: Socket) => socket.on('data', (chunk) => chunks.push(chunk)));
  server.on('connect', (incoming, socket: Socket, head: Buffer) => {
    requests.push(`CONNECT ${incoming.url}`);
    socket.on('error', () => {});
    const refused = refusal(incoming.headers['proxy-authorization'], incoming.url ?? '');
    if (refused !== undefined) return socket.end(`HTTP/1.1 ${refused} No\r\n\r\n`);
    const onward = connect(hosts[incoming.url ?? ''] ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    received: () => Buffer.concat(chunks).toString('latin1'),
  };
}
