import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createSplitter } from './framing.ts';
import type { Address } from './values.ts';

/** Transports between client and server, RFC 8656, 3.1. */
export const TRANSPORTS = ['udp', 'tcp', 'tls', 'dtls'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** A message-oriented connection to a server. */
export interface Transport {
  name: TransportName;
  /** Whether messages can be lost, so that requests must be retransmitted. */
  lossy: boolean;
  /** Whether ChannelData is padded to four bytes. */
  padding: boolean;
  local: Address | undefined;
  send(bytes: Buffer): void;
  /** Sets the only listener for incoming messages. */
  onMessage(listener: (bytes: Buffer) => void): void;
  /** Resolves to the reason when the connection has ended. */
  closed: Promise<string>;
  close(): void;
}

/** Timeout in milliseconds for connecting, including the handshake, which takes seconds under emulation. */
const CONNECT_MS = 20_000;

export interface TransportOptions {
  /** The client's address and port. */
  local?: Partial<Address>;
  /** Timeout in milliseconds for connecting, including the handshake. Default: 20 s. */
  connectMs?: number;
  /** Command prefix for OpenSSL's DTLS client, e.g. to run it as another user. */
  opensslPrefix?: readonly string[];
}

/** @throws Error if connecting fails or times out */
export async function openTransport(
  name: TransportName,
  server: Address,
  { local, connectMs = CONNECT_MS, opensslPrefix = [] }: TransportOptions = {},
): Promise<Transport> {
  if (name === 'udp') return openUdp(server, local);
  if (name === 'dtls') return openDtls(server, connectMs, opensslPrefix);
  const options = {
    host: server.address,
    port: server.port,
    ...(local?.address === undefined ? {} : { localAddress: local.address }),
    ...(local?.port === undefined ? {} : { localPort: local.port }),
  };
  // The certificate is not verified: packages don't ship one.
  const socket = name === 'tls' ? connectTls({ ...options, rejectUnauthorized: false }) : connectTcp(options);
  socket.setNoDelay(true);
  await ready(socket, name === 'tls' ? 'secureConnect' : 'connect', connectMs);
  const address = socket.localAddress;
  const at = address === undefined ? undefined : { address, port: socket.localPort ?? 0 };
  return streamed(name, socket, { padding: true, local: at });
}

async function openUdp(server: Address, local?: Partial<Address>): Promise<Transport> {
  const socket = createSocket({ type: isIPv6(server.address) ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(local?.port ?? 0, local?.address, () =>
      socket.connect(server.port, server.address, () => resolve()),
    );
  });
  let end: (why: string) => void = () => {};
  const closed = new Promise<string>((resolve) => {
    end = resolve;
  });
  let open = true;
  let listener: (bytes: Buffer) => void = () => {};
  socket.on('message', (bytes) => listener(bytes));
  // A closed port causes an ICMP error; the request will time out anyway.
  socket.on('error', () => {});
  const { address, port } = socket.address();
  return {
    name: 'udp',
    lossy: true,
    padding: false,
    local: { address, port },
    send: (bytes) => {
      // A send error is treated as packet loss.
      if (open) socket.send(bytes, () => {});
    },
    onMessage: (to) => {
      listener = to;
    },
    closed,
    close: () => {
      if (!open) return;
      open = false;
      socket.close();
      end('closed by this side');
    },
  };
}

/** Runs OpenSSL's client because Node has no DTLS. The client forwards one DTLS record per read and write. */
async function openDtls(server: Address, connectMs: number, prefix: readonly string[]): Promise<Transport> {
  const host = isIPv6(server.address) ? `[${server.address}]` : server.address;
  const to = `${host}:${server.port}`;
  const openssl = ['openssl', 's_client', '-dtls1_2', '-connect', to, '-nocommands', '-quiet', '-no_ign_eof'];
  const [file = '', ...args] = [...prefix, ...openssl];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = new Promise<never>((_, reject) => {
    child.once('error', reject);
    // Not on `exit`: the last output may still be in the pipe.
    child.once('close', (code) => reject(new Error(`openssl exited with ${code}: ${errors.trim()}`)));
  });
  exited.catch(() => {});
  let shaking = true;
  const shaken = async () => {
    // The client prints the certificate verification last, before it forwards data.
    while (shaking && !/verify return|Verification|verify error/.test(errors)) await pause(20);
    await pause(200);
  };
  try {
    await Promise.race([shaken(), exited, late('DTLS handshake', connectMs)]);
  } catch (error) {
    shaking = false;
    child.kill('SIGKILL');
    throw error;
  }
  const { stdin, stdout } = child;
  const transport = streamed('dtls', { input: stdin, output: stdout }, { padding: false, local: undefined });
  return { ...transport, close: () => child.kill('SIGKILL') };
}

type Pipes = { input: NodeJS.WritableStream; output: NodeJS.ReadableStream };

function streamed(
  name: TransportName,
  socket: Duplex | Pipes,
  { padding, local }: Pick<Transport, 'padding' | 'local'>,
): Transport {
  const { input, output } = 'output' in socket ? socket : { input: socket, output: socket };
  const split = createSplitter(padding);
  let listener: (bytes: Buffer) => void = () => {};
  output.on('data', (chunk: Buffer) => {
    for (const message of split(chunk)) listener(message);
  });
  input.on('error', () => {});
  const closed = new Promise<string>((resolve) => {
    output.on('close', () => resolve('closed'));
    output.on('end', () => resolve('ended by the server'));
    output.on('error', (error) => resolve(String(error)));
  });
  return {
    name,
    lossy: name === 'dtls',
    padding,
    local,
    send: (bytes) => {
      input.write(bytes);
    },
    onMessage: (to) => {
      listener = to;
    },
    closed,
    close: () => {
      if ('destroy' in socket) socket.destroy();
    },
  };
}

async function ready(socket: Duplex, event: string, connectMs: number): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed the connection')));
  });
  try {
    await Promise.race([done, late('connection', connectMs)]);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function late(what: string, ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no ${what} within ${ms / 1000} s`)), ms).unref();
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
