import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { enter } from './network.ts';

/** tcpdump in the namespace of a process; it has begun to listen. */
export interface Tcpdump {
  stdout: Readable;
  /** Ends it and waits for the rest of its output. */
  stop(): Promise<void>;
}

/** Opening the capture takes root; tcpdump becomes nobody before it reads the first packet. */
export function tcpdumpCommand(pid: number, options: readonly string[]): string[] {
  return [...enter(pid), 'tcpdump', '-n', '--immediate-mode', '-Z', 'nobody', ...options];
}

/** Starts tcpdump, and waits until it listens. @throws Error with what it said if it ends */
export async function startTcpdump(pid: number, options: readonly string[]): Promise<Tcpdump> {
  const [file = '', ...args] = tcpdumpCommand(pid, options);
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('listening on')) resolve();
    });
    child.once('close', () => reject(new Error(`tcpdump ended: ${text.trim()}`)));
    child.once('error', reject);
  });
  return {
    stdout: child.stdout,
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** What leaves a machine, as lines of tcpdump. */
export interface PacketLines {
  lines(): string[];
  stop(): Promise<void>;
}

/** Watches everything that leaves a machine on any of its links, loopback included. @param filter pcap-filter(7) */
export async function watchLeaving(pid: number, filter: string): Promise<PacketLines> {
  const tcpdump = await startTcpdump(pid, ['-i', 'any', '-l', '-Q', 'out', filter]);
  let text = '';
  tcpdump.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { lines: () => text.split('\n').filter((line) => line !== ''), stop: tcpdump.stop };
}
