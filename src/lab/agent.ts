import { createSocket } from 'node:dgram';
import { get, Agent as HttpAgent } from 'node:http';
import { createServer } from 'node:net';

/** What an agent in another namespace can be asked to do. */
export type AgentRequest =
  | { do: 'echo'; address: string; port: number }
  | { do: 'listen'; address: string; port: number }
  | { do: 'scrape'; url: string }
  | { do: 'scrapeOften'; url: string; times: number }
  | { do: 'arrivals' };

/** A datagram or connection that has come to a listener. */
export interface Arrival {
  listener: string;
  from: string;
}

/** An agent: waits for requests over the IPC channel of its parent, and answers each. Ends with the channel. */
export function runAgent(): void {
  const arrivals: Arrival[] = [];
  process.on('message', (message: { id: number; request: AgentRequest }) => {
    void perform(message.request, arrivals).then(
      (value) => process.send?.({ id: message.id, value }),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

async function perform(request: AgentRequest, arrivals: Arrival[]): Promise<unknown> {
  switch (request.do) {
    case 'echo':
      return echo(request.address, request.port);
    case 'listen':
      return listen(request.address, request.port, arrivals);
    case 'scrape': {
      const response = await fetch(request.url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      return response.text();
    }
    case 'scrapeOften':
      return scrapeOften(request.url, request.times);
    case 'arrivals':
      return arrivals.splice(0);
  }
}

/** One scrape in so many has a connection of its own, as health checks have. */
const OWN_CONNECTION_EVERY = 10;

/** Scrapes one after the other; returns how many were answered with 200. */
async function scrapeOften(url: string, times: number): Promise<number> {
  const kept = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  let succeeded = 0;
  for (let i = 0; i < times; i++)
    if (await answers(url, i % OWN_CONNECTION_EVERY === 0 ? undefined : kept)) succeeded += 1;
  kept.destroy();
  return succeeded;
}

function answers(url: string, agent: HttpAgent | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: agent ?? false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    request.once('error', () => resolve(false));
  });
}

/** A peer that sends everything back to where it came from. */
async function echo(address: string, port: number): Promise<void> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => resolve());
  });
}

/** A canary: notes whoever comes, by UDP or TCP. */
async function listen(address: string, port: number, arrivals: Arrival[]): Promise<void> {
  const note = (protocol: string, from: string) =>
    arrivals.push({ listener: `${protocol} ${address} ${port}`, from });
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (_, from) => note('udp', `${from.address} ${from.port}`));
  const server = createServer((connection) => {
    note('tcp', `${connection.remoteAddress} ${connection.remotePort}`);
    connection.destroy();
  });
  await Promise.all([
    new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, address, () => resolve());
    }),
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => resolve());
    }),
  ]);
}
