import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { enter } from './network.ts';

/** A tcpdump that is listening in the namespace of a process. */
export interface Tcpdump {
  stdout: Readable;
  /** Stops tcpdump and waits for the rest of its output. */
  stop(): Promise<void>;
}

/** Opening the capture needs root. tcpdump switches to the user nobody before it reads the first packet. */
export function tcpdumpCommand(pid: number, options: readonly string[]): string[] {
  return [...enter(pid), 'tcpdump', '-n', '--immediate-mode', '-Z', 'nobody', ...options];
}

/** Starts tcpdump and waits until it listens. @throws Error with its output if it exits */
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
    child.once('close', () => reject(new Error(`tcpdump exited: ${text.trim()}`)));
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

/** Packets that leave a machine, as lines of tcpdump. */
export interface PacketLines {
  lines(): string[];
  stop(): Promise<void>;
}

/** Captures everything that leaves a machine on any interface, including loopback. @param filter pcap-filter(7) */
export function watchLeaving(pid: number, filter: string): Promise<PacketLines> {
  return watch(pid, ['-i', 'any', '-Q', 'out', filter]);
}

/** Captures everything that arrives over a link of this process's namespace. @param filter pcap-filter(7) */
export function watchArriving(link: string, filter: string): Promise<PacketLines> {
  return watch(process.pid, ['-i', link, '-Q', 'in', filter]);
}

async function watch(pid: number, options: readonly string[]): Promise<PacketLines> {
  const tcpdump = await startTcpdump(pid, ['-l', ...options]);
  let text = '';
  tcpdump.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { lines: () => text.split('\n').filter((line) => line !== ''), stop: tcpdump.stop };
}
