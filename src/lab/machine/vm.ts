import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { NOBODY, UNPRIVILEGED } from '../network.ts';
import { createProbe, type Probe } from './probe.ts';
import { qemuCommand, VARIABLES, type VirtualMachine } from './qemu.ts';

/** A machine that is on. */
export interface Machine {
  /** Everything that its serial console has shown. */
  console(): string;
  /** Seconds since it was switched on. */
  seconds(): number;
  probe: Probe;
  /**
   * Presses the power button. Resolves when the machine is off, or after the time.
   * @returns whether its system switched it off; a machine that resets, or is off already, did not
   */
  powerOff(ms: number): Promise<boolean>;
  /** Cuts the power, and resolves when QEMU has released disk and network. */
  kill(): Promise<void>;
  /** Resolves with what QEMU printed when the machine is off. */
  off: Promise<string>;
}

/** Folder of a machine's disk, variables and sockets. */
export const MACHINE_FOLDER = '/tmp/machine';

/** Lets the emulator use a file or folder. It runs as the user nobody without capabilities, because a machine may break out of it. */
export function hand(path: string): void {
  chownSync(path, NOBODY, NOBODY);
}

/** Switches a machine on. */
export async function switchOn(given: Omit<VirtualMachine, 'variables' | 'sockets'>): Promise<Machine> {
  mkdirSync(MACHINE_FOLDER, { recursive: true });
  hand(MACHINE_FOLDER);
  const at = (name: string) => `${MACHINE_FOLDER}/${name}`;
  const sockets = { console: at('console'), probe: at('probe'), control: at('control') };
  const variables = at('variables.fd');
  for (const path of [...Object.values(sockets), variables]) rmSync(path, { force: true });
  copyFileSync(VARIABLES[given.arch], variables);
  hand(variables);
  const [file = '', ...args] = [...UNPRIVILEGED, ...qemuCommand({ ...given, variables, sockets })];
  const begin = Date.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (printed += String(bytes)));
  let isOff = false;
  const off = new Promise<string>((resolve) =>
    child.on('close', () => {
      isOff = true;
      resolve(printed);
    }),
  );
  const open = (path: string) =>
    opened(path, child).catch(async (error: unknown) => {
      child.kill('SIGKILL');
      throw new Error(`${error instanceof Error ? error.message : error}: ${(await off).trim()}`);
    });
  let text = '';
  const console = await open(sockets.console);
  console.setEncoding('utf8').on('data', (more: string) => {
    if (text.length < CONSOLE_AT_MOST) text += more;
  });
  return {
    console: () => text,
    seconds: () => (Date.now() - begin) / 1000,
    probe: createProbe(await open(sockets.probe)),
    off,
    async kill() {
      child.kill('SIGKILL');
      await off;
    },
    async powerOff(ms) {
      if (isOff) return false;
      const control = connect(sockets.control);
      control.on('error', () => {});
      let events = '';
      control.setEncoding('utf8').on('data', (more: string) => {
        events += more;
      });
      control.write('{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n');
      await Promise.race([off, pause(ms)]);
      control.destroy();
      return isOff && events.includes('"reason": "guest-shutdown"');
    },
  };
}

/** Characters of a console that are kept. A healthy boot has some 70,000. */
const CONSOLE_AT_MOST = 8 * 1024 * 1024;
/** Milliseconds in which QEMU must create its sockets. */
const START_MS = 30_000;

/** Connects to a socket that QEMU is about to create. @throws Error if QEMU ends instead, or does not create it */
async function opened(path: string, child: ChildProcess): Promise<Socket> {
  for (const end = Date.now() + START_MS; ; ) {
    const how = child.exitCode ?? child.signalCode;
    if (how !== null) throw new Error(`QEMU ended with ${how}`);
    if (Date.now() > end) throw new Error(`QEMU did not create ${path}`);
    const socket = connect(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    if (connected) return socket;
    await pause(50);
  }
}
