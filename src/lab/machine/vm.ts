import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createProbe, PROBE_CREDENTIALS, type Probe } from './probe.ts';
import { qemuCommand, VARIABLES, type VirtualMachine } from './qemu.ts';

/** A machine that is on. */
export interface Machine {
  /** Everything that its serial console has shown. */
  console(): string;
  /** Seconds since it was switched on. */
  seconds(): number;
  probe: Probe;
  /** Presses the power button. Resolves when the machine is off, or after the time. @returns whether it is off */
  powerOff(ms: number): Promise<boolean>;
  /** Cuts the power. */
  kill(): void;
  /** Resolves with what QEMU printed when the machine is off. */
  off: Promise<string>;
}

/** Switches a machine on. */
export async function switchOn(
  given: Omit<VirtualMachine, 'variables' | 'credentials' | 'sockets'>,
): Promise<Machine> {
  const sockets = { console: '/tmp/console', probe: '/tmp/probe', control: '/tmp/control' };
  for (const path of Object.values(sockets)) rmSync(path, { force: true });
  const variables = '/tmp/variables.fd';
  copyFileSync(VARIABLES[given.arch], variables);
  const [file = '', ...args] = qemuCommand({ ...given, variables, credentials: PROBE_CREDENTIALS, sockets });
  const begin = Date.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (printed += String(bytes)));
  const off = new Promise<string>((resolve) => child.on('close', () => resolve(printed)));
  let text = '';
  const console = await opened(sockets.console, child);
  console.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  return {
    console: () => text,
    seconds: () => (Date.now() - begin) / 1000,
    probe: createProbe(await opened(sockets.probe, child)),
    off,
    kill: () => child.kill('SIGKILL'),
    async powerOff(ms) {
      const control = connect(sockets.control);
      control.on('error', () => {});
      control.write('{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown"}\n');
      const isOff = await Promise.race([off.then(() => true), pause(ms, false)]);
      control.destroy();
      return isOff;
    },
  };
}

/** Connects to a socket that QEMU is about to create. @throws Error if QEMU ends instead */
async function opened(path: string, child: ChildProcess): Promise<Socket> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`QEMU ended with ${child.exitCode}`);
    const socket = connect(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    if (connected) return socket;
    await pause(50);
  }
}
