import { execFileSync } from 'node:child_process';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A builder with buildx's `remote` driver: the BuildKit of the local Docker engine, reached over TCP by BuildKit's own protocol.
 * All inputs use that connection, so a build that relies on local tags or host mounts fails.
 */
export interface RemoteBuilder {
  name: string;
  /** Bytes sent to BuildKit and received from it. */
  transferred(): number;
  /** Environment in which buildx knows this builder. */
  env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const DOCKER_SOCKET = '/var/run/docker.sock';
/** Asks the engine for BuildKit's own protocol (gRPC over HTTP/2), as the Docker client does for its `docker` driver. */
const UPGRADE =
  'POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n';

/**
 * Starts a listener on loopback and registers it as a buildx builder.
 * @param config folder for buildx's own state (`BUILDX_CONFIG`), so that leftovers of a killed test do not affect other runs
 */
export async function startRemoteBuilder(name: string, config: string): Promise<RemoteBuilder> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((client) => {
    const engine = connect(DOCKER_SOCKET);
    for (const socket of [client, engine]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        engine.destroy();
      });
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
    }
    join(client, engine);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const env = { BUILDX_CONFIG: config };
  execFileSync(
    'docker',
    ['buildx', 'create', '--name', name, '--driver', 'remote', `tcp://127.0.0.1:${port}`],
    { env: { ...process.env, ...env } },
  );
  return { name, env, transferred: () => bytes, stop: () => stop(server, sockets) };
}

/** Pipes both ways once the engine has switched protocols; the client's first bytes wait for that. */
function join(client: Socket, engine: Socket): void {
  client.pause();
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    engine.off('data', onData);
    if (!head.toString('latin1').startsWith('HTTP/1.1 101 ')) {
      client.destroy(new Error(`the engine refused the connection: ${head.toString('latin1', 0, end)}`));
      return;
    }
    client.write(head.subarray(end + 4));
    engine.pipe(client);
    client.pipe(engine);
  };
  engine.on('data', onData);
  engine.write(UPGRADE);
}

async function stop(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
