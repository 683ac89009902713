import type { TransportName } from '../../turn/transport.ts';
import type { ForbiddenFacts, SessionFacts } from '../facts.ts';
import type { Allocated, Burst } from '../sessions.ts';
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
  /** The image has an SSH server. */
  ssh: boolean;
  /** One boot of a machine for EC2 that gets no IPv4 address, instead of the others. */
  ipv6Only?: boolean;
}

/** A listening socket in the machine: `tcp`, address and port in the kernel's notation (proc_pid_net(5)), and the user's name. */
export interface ListeningSocket {
  protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  address: string;
  port: number;
  user: string;
}

/** Ways to log in. */
export interface LoginFacts {
  /** Accounts that need no password, or have one. */
  passwords: string[];
  /** Paths of all files with authorized keys. */
  keyFiles: string[];
  /** sshd's effective configuration by keyword; undefined without an SSH server. */
  sshd?: Record<string, string>;
}

/** Limits that decide how many allocations a machine can serve. */
export interface LimitFacts {
  /** turnserver's limit of open files. */
  openFiles: number;
  /** Settings of the kernel by name. */
  sysctls: Record<string, string>;
}

/** What was seen inside the machine; undefined if the probe did not answer. */
export interface InsideFacts {
  /** Names of failed units. */
  failed: string[];
  /** Units that systemd has started again, each with the number of times. */
  restarted: string[];
  /** `systemctl is-system-running`. */
  state: string;
  listening: ListeningSocket[];
  /** Bytes of the root file system. */
  rootBytes: number;
  /** Used bytes of the root file system. */
  usedBytes: number;
  machineId: string;
  /** Public host keys of the SSH server; empty without one. */
  hostKeys: string[];
  /** Lines of the journal that have one of the machine's secrets, or a line of its private key. */
  secretLines: number;
  /** Digest of the secret that the machine has generated; empty if it uses another one. */
  ownSecret: string;
  logins: LoginFacts;
  limits: LimitFacts;
}

/** One session through the machine. */
export interface MachineRelay {
  transport: TransportName;
  /** The address at which the client reached the machine. */
  server: string;
  /** The port, if it is not the usual one of the transport. */
  port?: number;
  sent: number;
  received: number;
  /** The relayed address that the client was given. */
  relayed?: string;
  error?: string;
}

/** A change of the public address. */
export interface MoveFacts {
  /** Seconds until a new client was given the new address as its relayed address; undefined if none was in time. */
  seconds?: number;
  /** The last session, at the new address. */
  relay: MachineRelay;
}

/** Ports that no firewall closes, of each protocol and family. */
export interface OpeningFacts {
  /** The ports that were tried. */
  tried: number[];
  reached: { protocol: 'tcp' | 'udp'; family: 'ipv4' | 'ipv6'; ports: number[] }[];
}

/** Metrics as an allowed client and another one see them. */
export interface MachineMetricsFacts {
  sessions: SessionFacts;
  /** Whether a client outside the configured networks can connect. */
  stranger: boolean;
}

/** A secret, a certificate and its key have been replaced in their store. */
export interface RotationFacts {
  /** Seconds until clients with the new secret were served; undefined if they were not in time. */
  seconds?: number;
  relay: MachineRelay;
  /** A session with the old secret, afterwards. */
  old: MachineRelay;
  /** SHA-256 fingerprints: of the certificates in the store, and of those that TLS clients saw. */
  certificates: { stored: [before: string, after: string]; shown: [before: string, after: string] };
}

/** The metadata service is silent, refuses, answers nonsense and lies while the machine boots. */
export interface UnreadyFacts {
  phases: {
    fault: string;
    /** Requests of the machine during this phase. */
    requests: number;
    /** Whether turnserver answered a client of the machine's network. */
    answered: boolean;
  }[];
  /** Seconds from the first right answer, which was slow, until turnserver served; undefined if it did not in time. */
  recovered?: number;
  /** A session of a client in the machine's network, because it has no public address. Undefined if turnserver did not serve. */
  relay?: MachineRelay;
  /** turn-agent's lines in the journal. */
  journal: string[];
}

/** The relay, after its rules against peers have been removed. Only the machine's own guards are left. */
export interface UnguardedFacts {
  /** Packets to metadata services that left the machine. */
  leaked: string[];
  /** Messages that came back from a public peer. */
  control: number;
  /** TCP connections through the relay to the machine's own services. */
  own: { peer: string; found: string }[];
  /** The first of them again without the firewall, the positive control. */
  unprotected: string;
}

/** The machine is switched off during a session. */
export interface DrainFacts {
  relay: MachineRelay;
  /** Seconds from the end of the session until the machine was off; negative if it was off before. */
  after: number;
}

/** TCP ports of features that the settings of this boot do not ask for, and of STUN and TURN as control. */
export interface UnaskedFacts {
  tried: number[];
  reached: { family: 'ipv4' | 'ipv6'; ports: number[] }[];
}

/** An attempt to log in over SSH. */
export interface LoginAttempt {
  user: string;
  /** The client's key: the one in the metadata, the one of a user of OS Login, or another one. */
  key: 'metadata' | 'os-login' | 'stranger';
  /** Whether the settings list the client's network. */
  listed: boolean;
  /** Whether OS Login was enabled, which only Compute Engine has. */
  osLogin: boolean;
  /** What the session printed, or the client's reason why there was none. */
  found: string;
}

/** What was tried on a machine that served clients. A trial that could not be made has its reason in `problems`. */
export interface TrialFacts {
  /** Sessions over TLS at port 443. */
  tls443?: MachineRelay[];
  /** Without a limit in the first boot, as control, and with one in the other. */
  burst?: Burst;
  ssh?: LoginAttempt[];
  unasked?: UnaskedFacts;
  /** For each of two users, the answers to simultaneous allocations: `success` or the code of an error. */
  quota?: [first: string[], second: string[]];
  /** On a machine with IPv6 only: the answer to a client that asks for no address family. */
  anyFamily?: Allocated[];
  openings?: OpeningFacts;
  metrics?: MachineMetricsFacts;
  forbidden?: ForbiddenFacts;
  rotation?: RotationFacts;
  moved?: MoveFacts;
  drained?: DrainFacts;
  unready?: UnreadyFacts;
  attached?: MoveFacts;
  unguarded?: UnguardedFacts;
}
export type TrialName = keyof TrialFacts;

/** One boot, from switching on to switching off. */
export interface BootFacts {
  /** Seconds until the first STUN answer arrived at a client; undefined if none came in time. */
  answered?: number;
  /** Why there is no answer, or why the machine could not be inspected. */
  problem?: string;
  inside?: InsideFacts;
  /** Empty if the machine answered nobody. */
  relays: MachineRelay[];
  /** The same with credentials made from another secret; must be refused. */
  stranger?: MachineRelay;
  trials: TrialFacts;
  problems: Partial<Record<TrialName, string>>;
  /** Whether the kernel's first line was seen on the serial console. */
  kernel: boolean;
  /** Whether the system switched the machine off in time after its power button was pressed, and in how many seconds. */
  off: boolean;
  offSeconds: number;
  console: ConsoleProblem[];
}

/** machine.json, everything that was seen. */
export interface MachineFacts {
  /** Whether the processor's virtualisation was used; otherwise the whole machine was emulated. */
  kvm: boolean;
  /** The first boot of a volume, its second one, and the first boot of another volume. */
  boots: BootFacts[];
  /** Bytes of the volume. */
  volumeBytes: number;
  /** The relay range that the cloud's settings ask for. */
  relayPorts: { first: number; last: number };
  /** The limits that the other machine's settings ask for. */
  limits: { userQuota: number; totalQuota: number; maxBps: number };
}
