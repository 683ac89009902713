import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { MachineSettings } from './facts.ts';
import { switchOn } from './vm.ts';

const DEVICE = '/dev/kvm';
/** Milliseconds in which firmware that runs on a processor prints its first line. */
const FIRST_LINE_MS = 10_000;
const ATTEMPT_MS = 100;

/**
 * Whether machines can use the processor's virtualisation. It may be present, answer, and then hang each machine, for example in nested
 * virtual machines, so firmware is started without a disk.
 */
export async function kvmWorks({ arch }: Pick<MachineSettings, 'arch'>): Promise<boolean> {
  if ({ arm64: 'arm64', x86_64: 'x64' }[arch] !== process.arch || !provideDevice()) return false;
  const machine = await switchOn({ arch, memoryMiB: 512, processors: 1, kvm: true, credentials: {} }).catch(
    () => undefined,
  );
  if (machine === undefined) return false;
  let isOff = false;
  void machine.off.then(() => {
    isOff = true;
  });
  const end = Date.now() + FIRST_LINE_MS;
  while (machine.console() === '' && Date.now() < end && !isOff) await pause(ATTEMPT_MS);
  await machine.kill();
  return machine.console() !== '';
}

/** Creates the device in this container. Opening it fails where the kernel has none. */
function provideDevice(): boolean {
  try {
    if (!existsSync(DEVICE)) execFileSync('mknod', [DEVICE, 'c', '10', '232'], { stdio: 'ignore' });
    chmodSync(DEVICE, 0o666);
    return true;
  } catch {
    return false;
  }
}
