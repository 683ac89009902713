import { statfsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RemoteAgent } from '../remote.ts';
import { consoleProblems } from './console.ts';
import type { BootFacts, TrialFacts, TrialName } from './facts.ts';
import { lookInside } from './inside.ts';
import { type Laboratory, relay, type Way } from './laboratory.ts';
import { labCredentials } from './probe.ts';
import { type Machine, switchOn } from './vm.ts';

/** Seconds in which a machine must switch itself off. turnserver may drain as long as the settings say. */
const OFF_SECONDS = 90;
/** Milliseconds between two attempts of a client to reach the machine. */
const ATTEMPT_MS = 100;

/** A boot in progress. */
export interface Boot {
  machine: Machine;
  facts: BootFacts;
  /** Records what a trial saw, or why it could not be made. */
  trial<Name extends TrialName>(
    name: Name,
    make: () => Promise<NonNullable<TrialFacts[Name]>>,
  ): Promise<void>;
  /** Waits until the machine serves clients. @throws Error with the state of the machine */
  answered(by: RemoteAgent, address: string): Promise<void>;
  /** Sessions that must succeed, and one with other credentials that must not. */
  relays(by: RemoteAgent, ways: readonly Way[], secret: string): Promise<void>;
  /** Looks around in the machine. @param secrets that must not be in its journal */
  inspect(secrets: readonly string[]): Promise<void>;
}

/** A machine, and where its results go. */
export interface BootSettings {
  /** Name of the boot, which is that of the console's log. */
  name: string;
  /** Path of the volume. */
  disk: string;
  /** Folder for results. */
  out: string;
  processors: number;
}

/**
 * Boots a machine, does with it what the script says, and switches it off.
 * @returns the facts; a script that throws leaves its reason there
 * @throws Error if there is no space for what the machine writes: it then sees a broken disk, which is not its fault
 */
export async function boot(
  lab: Laboratory,
  { name, disk, out, processors }: BootSettings,
  script: (boot: Boot) => Promise<void>,
): Promise<BootFacts> {
  const { arch, bootSeconds, cloud } = lab.settings;
  const machine = await switchOn({
    arch,
    disk: { path: disk, controller: cloud === 'aws' ? 'nvme' : 'virtio-scsi' },
    memoryMiB: 1024,
    processors,
    kvm: lab.kvm,
    credentials: labCredentials(lab.certificate),
  });
  const facts: BootFacts = {
    ...{ off: false, offSeconds: 0, console: [], kernel: false },
    ...{ relays: [], trials: {}, problems: {} },
  };
  const say = (what: string) => process.stdout.write(`${name} boot: ${what}\n`);
  const begun: Boot = {
    machine,
    facts,
    async trial(trial, make) {
      const begin = machine.seconds();
      try {
        facts.trials[trial] = await make();
        say(`${trial}, ${Math.round(machine.seconds() - begin)} s`);
      } catch (error) {
        facts.problems[trial] = error instanceof Error ? error.message : String(error);
        say(`${trial} failed: ${facts.problems[trial]}`);
      }
    },
    async answered(by, address) {
      const seconds = await firstAnswer(machine, by, address, bootSeconds, disk);
      if (seconds === undefined) throw new Error(await whyNot(machine));
      facts.answered ??= seconds;
      say(`serves clients at ${address} after ${seconds} s`);
    },
    async relays(by, ways, secret) {
      for (const way of ways) facts.relays.push(await relay(by, way, secret));
      const [first] = ways;
      if (first !== undefined) facts.stranger = await relay(by, first, 'another secret');
    },
    async inspect(secrets) {
      facts.inside = await lookInside(machine.probe, secrets);
    },
  };
  try {
    await script(begun);
  } catch (error) {
    facts.problem = error instanceof Error ? error.message : String(error);
    say(facts.problem);
  } finally {
    if (isFull(disk)) await machine.kill();
    else await switchOff(machine, facts);
    say(facts.off ? `off after ${facts.offSeconds} s` : 'did not switch itself off');
    facts.console = consoleProblems(machine.console());
    facts.kernel = machine.console().includes('Linux version ');
    writeFileSync(`${out}/console-${name}.log`, machine.console());
  }
  if (isFull(disk)) throw new Error(`${disk}: No space left on device`);
  return facts;
}

/** Free space below which a file system counts as full. */
const LEAST_FREE_BYTES = 8 * 1024 ** 2;

/** Whether the file system of a disk is full. */
function isFull(disk: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(disk));
  return bavail * bsize < LEAST_FREE_BYTES;
}

/** Presses the power button, unless a trial has done so, and cuts the power if nothing happens. */
async function switchOff(machine: Machine, facts: BootFacts): Promise<void> {
  if (facts.trials.drained === undefined) {
    const begin = machine.seconds();
    facts.off = await machine.powerOff(OFF_SECONDS * 1000);
    facts.offSeconds = Math.round((machine.seconds() - begin) * 10) / 10;
  }
  await machine.kill();
}

/** Seconds until a client got an answer; undefined if it got none in time, the machine is off, or its disk has no space. */
async function firstAnswer(
  machine: Machine,
  client: RemoteAgent,
  address: string,
  most: number,
  disk: string,
): Promise<number | undefined> {
  let isOff = false;
  void machine.off.then(() => {
    isOff = true;
  });
  while (machine.seconds() < most && !isOff && !isFull(disk)) {
    if (await client.binds('udp', address, 3478)) return Math.round(machine.seconds() * 10) / 10;
    await pause(ATTEMPT_MS);
  }
  return undefined;
}

/** The state of the units of a machine that serves nobody, or the end of its console, or what the emulator printed when it ended. */
async function whyNot(machine: Machine): Promise<string> {
  const units = await machine.probe
    .run(
      'systemctl list-jobs --no-legend; systemctl --failed --no-legend; journalctl -b -n 20 --no-pager',
      10_000,
    )
    .catch(() => '');
  if (units !== '') return units;
  if (machine.console() !== '') return machine.console().split('\n').slice(-20).join('\n');
  return Promise.race([machine.off, pause(0, 'the machine shows nothing')]);
}
