import type { ConsoleProblem } from './console.ts';

/** What to boot. The stage writes it to /inputs/machine.json. */
export interface MachineSettings {
  arch: 'arm64' | 'x86_64';
  cloud: 'aws' | 'gce';
  /** Path of the image. */
  image: string;
  /** Size of the volume in GiB, larger than the image, as in a cloud. */
  volumeGiB: number;
  /** Seconds until the machine must answer clients. */
  bootSeconds: number;
}

/** A listening socket in the machine: `tcp`, address and port in the kernel's notation (proc_pid_net(5)), and the user's name. */
export interface ListeningSocket {
  protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  address: string;
  port: number;
  user: string;
}

/** What was seen inside the machine; undefined if the probe did not answer. */
export interface InsideFacts {
  /** Names of failed units. */
  failed: string[];
  /** `systemctl is-system-running`. */
  state: string;
  listening: ListeningSocket[];
  /** Bytes of the root file system. */
  rootBytes: number;
  /** Used bytes of the root file system. */
  usedBytes: number;
  machineId: string;
}

/** One session through the machine's public address. */
export interface MachineRelay {
  transport: 'udp' | 'tcp';
  sent: number;
  received: number;
  /** The relayed address that the client was given. */
  relayed?: string;
  error?: string;
}

/** One boot, from switching on to switching off. */
export interface BootFacts {
  /** Seconds until the first STUN answer arrived at a client outside; undefined if none came in time. */
  answered?: number;
  /** Why there is no answer, or why the machine could not be inspected. */
  problem?: string;
  inside?: InsideFacts;
  /** Empty if the machine answered nobody. */
  relays: MachineRelay[];
  /** The same with credentials made from another secret; must be refused. */
  stranger?: MachineRelay;
  /** Whether the kernel's first line was seen on the serial console. */
  kernel: boolean;
  /** Whether the system switched the machine off in time after its power button was pressed, and in how many seconds. */
  off: boolean;
  offSeconds: number;
  console: ConsoleProblem[];
}

/** machine.json, everything that was seen. */
export interface MachineFacts {
  boots: BootFacts[];
  /** Bytes of the volume. */
  volumeBytes: number;
  /** The public address that the cloud has given to the machine. */
  public4: string;
  /** The relay range that the cloud's settings ask for. */
  relayPorts: { first: number; last: number };
}
