import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClient, type PeerData } from '../../../src/turn/client.ts';
import { METHOD } from '../../../src/turn/message.ts';
import { openTransport, type Transport } from '../../../src/turn/transport.ts';
import { answerTo, tcpServer, udpServer } from '../../support/turn-server.ts';

const ACCOUNT = { username: 'u', password: 'p' };
/** Two messages on a channel whose data is not a multiple of four bytes: as datagrams, and padded in a stream. */
const DATAGRAMS = ['4001000161', '400100026263'];
const STREAM = '40010001610000004001000262630000';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnbuild-transport-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function sendBoth(transport: Transport): void {
  const client = createClient(transport, ACCOUNT);
  for (const text of ['a', 'bc']) client.sendOnChannel({ channel: 0x4001, data: Buffer.from(text) });
}

/** Collects arriving bytes, and resolves with them in hex once there are this many. */
function arrivals(count: number): { add(bytes: Buffer): void; all: Promise<string> } {
  let found = Buffer.alloc(0);
  let done: (hex: string) => void = () => {};
  const all = new Promise<string>((resolve) => {
    done = resolve;
  });
  const add = (bytes: Buffer) => {
    found = Buffer.concat([found, bytes]);
    if (found.length >= count) done(found.toString('hex'));
  };
  return { add, all };
}

/** An unused loopback port. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('UDP', () => {
  it('uses the given local port', async () => {
    const port = await freePort();
    await using server = await udpServer((request, reply) => reply(answerTo(request)));
    const transport = await openTransport('udp', server.at, { local: { address: '127.0.0.1', port } });
    expect(transport).toMatchObject({ lossy: true, local: { address: '127.0.0.1', port } });
    transport.close();
  });

  it('sends ChannelData without padding', async () => {
    const received: string[] = [];
    let done = () => {};
    const both = new Promise<void>((resolve) => {
      done = resolve;
    });
    await using server = await udpServer((bytes) => {
      received.push(bytes.toString('hex'));
      if (received.length === 2) done();
    });
    const transport = await openTransport('udp', server.at);
    sendBoth(transport);
    await both;
    transport.close();
    expect(received.sort()).toEqual(DATAGRAMS);
  });
});

describe('TCP', () => {
  it('uses the given local port', async () => {
    const port = await freePort();
    let remote: unknown;
    await using server = await tcpServer({
      connected: (socket) => {
        remote = socket.remotePort;
        socket.write(Buffer.from(STREAM, 'hex'));
      },
    });
    const transport = await openTransport('tcp', server.at, { local: { address: '127.0.0.1', port } });
    expect(transport).toMatchObject({ lossy: false, local: { address: '127.0.0.1', port } });
    await new Promise<void>((resolve) => transport.onMessage(() => resolve()));
    expect(remote).toBe(port);
    transport.close();
  });

  it('pads ChannelData, and expects padding from the server', async () => {
    const { add, all } = arrivals(STREAM.length / 2);
    await using server = await tcpServer({
      answer: (chunk, socket) => {
        add(chunk);
        socket.write(chunk);
      },
    });
    const transport = await openTransport('tcp', server.at);
    const client = createClient(transport, ACCOUNT);
    const echoed = new Promise<string[]>((resolve) => {
      const heard: string[] = [];
      client.onData(({ data }: PeerData) => {
        if (heard.push(data.toString()) === 2) resolve(heard);
      });
    });
    for (const text of ['a', 'bc']) client.sendOnChannel({ channel: 0x4001, data: Buffer.from(text) });
    expect(await all).toBe(STREAM);
    expect(await echoed).toEqual(['a', 'bc']);
    client.close();
  });

  it('closes the connection for the server, too', { timeout: 10_000 }, async () => {
    let gone: Promise<unknown> = Promise.resolve();
    await using server = await tcpServer({
      connected: (socket: Socket) => {
        gone = once(socket, 'close');
        socket.write(Buffer.from(STREAM, 'hex'));
      },
    });
    const transport = await openTransport('tcp', server.at);
    await new Promise<void>((resolve) => transport.onMessage(() => resolve()));
    transport.close();
    expect(await transport.closed).toBe('closed');
    await gone;
  });
});

describe('TLS', () => {
  it('carries messages with a self-signed certificate', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'].concat([
        '-subj',
        '/CN=turn.example.org',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        cert,
      ]),
      { stdio: 'ignore' },
    );
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (request: Buffer) => socket.write(answerTo(request)));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const transport = await openTransport('tls', { address: '127.0.0.1', port });
    expect(transport).toMatchObject({ name: 'tls', lossy: false, padding: true });
    const client = createClient(transport, ACCOUNT);
    const { message } = await client.request(METHOD.binding, []);
    client.close();
    server.close();
    expect(message).toMatchObject({ method: METHOD.binding, class: 'success' });
  });
});

describe('DTLS', () => {
  const AT = { address: '127.0.0.1', port: 5349 };
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
  });
  /** Replaces `openssl` by a script. */
  function opensslIs(script: string): void {
    const program = join(folder, 'openssl');
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
  }

  it('carries messages through OpenSSL after the handshake', { timeout: 10_000 }, async () => {
    opensslIs('echo "depth=0 CN = turn" >&2; echo "verify return:1" >&2; exec cat');
    const transport = await openTransport('dtls', AT, { connectMs: 5_000 });
    expect(transport).toMatchObject({ name: 'dtls', lossy: true, padding: false });
    const { add, all } = arrivals(DATAGRAMS.join('').length / 2);
    sendBoth(transport);
    transport.onMessage(add);
    expect(await all).toBe(DATAGRAMS.join(''));
    transport.close();
    expect(await transport.closed).toMatch(/^(closed|ended by the server)$/);
  });

  it('reports the output of OpenSSL when it exits', async () => {
    opensslIs('printf "connect:errno=111\\nno peer\\n\\n" >&2; exit 7');
    await expect(openTransport('dtls', AT, { connectMs: 5_000 })).rejects.toThrow(
      /^openssl exited with 7: connect:errno=111\nno peer$/,
    );
  });

  it('leaves no timer after giving up on a handshake', async () => {
    opensslIs('exec sleep 60');
    vi.useFakeTimers();
    const failed = openTransport('dtls', AT, { connectMs: 1_000 }).catch(String);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await failed).toBe('Error: no DTLS handshake within 1 s');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
