import type { TransportName } from '../turn/transport.ts';
import type { SeenProcess } from './seen.ts';

/**
 * Servers of the laboratory. Each has its own machine, so that scenarios, which mostly wait, can run in parallel: all servers use the same
 * ports, and captured packets belong to one server.
 */
export const SERVERS = [
  'relay',
  'requests',
  'limits',
  'capacity',
  'even-port',
  'hostile',
  'sanitized',
  'rest',
  'metrics',
  'service',
  'drain',
  'vanished',
  'filtered',
] as const;
export type ServerName = (typeof SERVERS)[number];

/** The scenarios of each server, in order. A server with an empty list has one scenario, named like the server. */
export const SCENARIOS = {
  relay: ['relays'],
  requests: [
    'binding',
    'credentials',
    'without an allocation',
    'with an allocation',
    'ending an allocation',
    'denied peers',
    'independent',
    'forbidden',
  ],
  limits: ['quota', 'ports', 'nonce', 'expiry'],
  capacity: [],
  'even-port': [],
  hostile: [],
  sanitized: [],
  metrics: ['metrics.private', 'metrics.scrapes'],
  rest: ['rest answers', 'rest sessions'],
  service: ['metadata', 'drain', 'reload'],
} as const satisfies Partial<Record<ServerName, readonly string[]>>;
export type TriedServer = keyof typeof SCENARIOS;
export type Scenario = TriedServer | (typeof SCENARIOS)[TriedServer][number];

/** The server of a scenario. */
export function serverOf(scenario: Scenario): TriedServer {
  const servers = Object.keys(SCENARIOS) as TriedServer[];
  const listed = servers.find((server) => (SCENARIOS[server] as readonly string[]).includes(scenario));
  return listed ?? (scenario as TriedServer);
}

/**
 * The lowest acceptable TTL or hop limit of outgoing datagrams. Hosts usually start with 64, and a path across the internet has at most
 * 32 hops.
 */
export const MIN_TTL = 32;

/** The laboratory's input. */
export interface LabSettings {
  /** Long options of the tested turnserver. */
  options: string[];
  /** turnserver runs under QEMU. */
  emulated: boolean;
  /** turnserver drains on SIGUSR1. */
  drains: boolean;
  /** turnserver reloads its certificate on SIGUSR2. */
  reloads: boolean;
  /** A turnserver with AddressSanitizer is next to the settings. */
  sanitized: boolean;
  scale: LabScale;
  /** The scenarios to run; each includes its server. */
  scenarios: Scenario[];
  site: Site;
}

/** Paths and names of the installed package that the laboratory needs. */
export interface Site {
  /** User and group of the service. */
  user: string;
  /** Path of the shipped configuration. */
  configuration: string;
  /** Folder of the database. */
  stateDir: string;
}

/** Sizes of the long-running tests. */
export interface LabScale {
  hostilePackets: number;
  /** Relay ports of the pool that the capacity test fills. */
  ports: number;
  /** Number of allocations with an even port. */
  evenPortCycles: number;
  scrapes: number;
}

/** The laboratory's results, judged by `src/checks`. Plain data, because a container exports them as JSON. */
export interface LabFacts {
  /** If the package could not be installed: the last lines of the package manager. No scenario was run. */
  notInstalled?: string;
  /** Whether each transport over each address family is answered at all. */
  reach: ReachFacts[];
  relays: RelayFacts[];
  /** UDP datagrams to clients as they left the server's machine, during probing and relaying. */
  ttl: { packets: number; minTtl: number };
  answers: AnswerFacts[];
  /** Messages that are neither STUN nor ChannelData, received by clients that sent nothing malformed. */
  unparsed: UnparsedFacts[];
  independent: IndependentFacts[];
  forbidden: ForbiddenFacts;
  capacity: CapacityFacts;
  evenPort: EvenPortFacts;
  scrapes: ScrapeFacts;
  metricsReach: MetricsReach[];
  hostile: HostileFacts;
  /** The same for a turnserver built with AddressSanitizer, if available. Its report is in `logs`. */
  sanitized?: HostileFacts;
  sessions: SessionFacts;
  /** The same with REST credentials, over every transport. */
  restSessions: SessionFacts & { relays: RelayFacts[] };
  service: ServiceFacts;
  /** State of each server before it was stopped, by name: `running`, exit code, signal, or `silence over WAY`. */
  servers: Record<string, string>;
  /** Errors by scenario. */
  problems: Record<string, string>;
  /** Scenarios that were not run because a prerequisite had failed. */
  blocked: Record<string, Blocker>;
  /** Last lines of each server's log, by name. */
  logs: Record<string, string>;
  /** Duration of each scenario in seconds. Scenarios run in parallel. */
  seconds: Record<string, number>;
}

/** Why a scenario was not run: a way that it needs is silent, or its server did not start or had exited. */
export type Blocker = { way: string } | { server: string };

/** Result of probing one transport over one address family before all scenarios. */
export interface ReachFacts {
  transport: TransportName;
  family: 'ipv4' | 'ipv6';
  /** The server answered the client's machine. */
  remote: boolean;
  tries: number;
  /** If not `remote`: the server answered on its own machine. */
  local?: boolean;
  /** If not `remote`: the last error. */
  why?: string;
}

/** A message that a client could not parse. */
export interface UnparsedFacts {
  /** Name of the server's configuration. */
  server: string;
  transport: TransportName;
  why: string;
  /** Its first bytes in hexadecimal. */
  bytes: string;
}

/** A client that sent messages to the echo peer. */
export interface RelayFacts {
  transport: TransportName;
  family: 'ipv4' | 'ipv6';
  way: 'send' | 'channel';
  sent: number;
  received: number;
  /** Why it could not start. */
  error?: string;
  /** It could not start because the server does not answer on this transport. */
  unreachable?: boolean;
}

/** Relay results of an independent client (neither turnbuild's nor coturn's), or its error. */
export interface IndependentFacts {
  transport: string;
  /** 2 if the first attempt failed. */
  tries?: number;
  sent?: number;
  received?: number;
  error?: string;
}

/** A request to which the RFC specifies the answer. */
export interface AnswerFacts {
  id: string;
  title: string;
  reference: string;
  /** Correct answers: `success`, an error code, or `silence`. */
  expected: string[];
  /** Equivalent refusals that the RFC does not specify: coturn uses its own error codes for some. */
  tolerated: string[];
  found: string;
  /** Whether the integrity is valid, for answers that must have one. */
  authentic?: boolean;
}

/** Attempts to reach forbidden peers through the server. */
export interface ForbiddenFacts {
  attempts: ForbiddenAttempt[];
  /** Packets to those peers that left the server, as tcpdump prints them. */
  leaked: string[];
  /** Positive control with a public peer over IPv4. */
  control: { received: number; captured: number };
  /** The same over IPv6. */
  control6: { received: number; captured: number };
}

export interface ForbiddenAttempt {
  peer: string;
  /** The kind of peer, e.g. `metadata service, IPv4-mapped`. */
  kind: string;
  by: 'CreatePermission' | 'ChannelBind' | 'Send' | 'Connect';
  /** `success`, an error code, or `sent` for indications. */
  found: string;
}

/** Results of filling a pool of relay ports. */
export interface CapacityFacts {
  ports: number;
  /** For each round: the number of successful allocations, and how the next one was refused. */
  cycles: { served: number; refused: string; refusedMs: number }[];
  /** Successful allocations of two ports each. */
  pairs: number;
  /** Second ports that other clients claimed with the reservation tokens. */
  claimed: number;
  /** Successful allocations after all pairs had ended. */
  afterPairs: number;
  /** The server's resources per allocation; undefined if they cannot be read. */
  perAllocation: { files: number; residentBytes: number } | undefined;
}

/** Allocations with an even port, without reserving the next one. */
export interface EvenPortFacts {
  cycles: number;
  granted: number;
  /** The distinct answers to the requests that were not granted. */
  refused: string[];
  ports: number;
  /** Successful allocations after all of them had ended. */
  servedAfterwards: number;
}

/** Scrapes of the metrics, and the server's resident memory before and after. */
export interface ScrapeFacts {
  scrapes: number;
  succeeded: number;
  /** Bytes; undefined if they cannot be read. */
  before: number | undefined;
  after: number | undefined;
}

/** A forbidden attempt to reach the metrics. */
export interface MetricsReach {
  way: string;
  address: string;
  found: string;
}

/** The package's own unit under systemd. */
export interface ServiceFacts {
  /** Run under QEMU, without the two sandbox settings that QEMU does not support. */
  emulated: boolean;
  /** Paths of the files that define it in the installed root, listed before any code of the package runs. */
  fragments: readonly string[];
  /** ActiveState after the start with the shipped configuration. */
  state: string;
  /** Whether it then answered clients. */
  serving?: boolean;
  /** Whether its metrics could be read; undefined if the configuration has none. */
  metrics?: boolean;
  /** The unit's processes and its machine's listening sockets at that point, read from outside; undefined if it did not start. */
  seen?: { processes: SeenProcess[]; listening: string[] };
  /** Last lines of its journal after the start. */
  log: string;
  /** The unit's result after a stop; `success` if it stopped cleanly. */
  stopped: string;
  /** ActiveState after turnserver was killed; `active` if systemd restarted it. */
  restarted: string;
  /** Seconds from the kill until the new turnserver answered; undefined if none did. */
  downSeconds?: number;
  /** Stops with open sessions; undefined if turnserver cannot drain. */
  drain?: DrainFacts;
  /** A reload with another certificate; undefined if turnserver cannot reload it. */
  reload?: ReloadFacts;
  /** Attempts to reach peers without denied peers in the configuration: by a client through the relay, and by a process of the unit. */
  reached: {
    kind: 'metadata' | 'control';
    peer: string;
    by: 'relay' | 'process';
    /** Answer to CreatePermission; undefined for a process. */
    permission?: string;
    /** Datagrams that left the machine. */
    packets: number;
  }[];
}

/** A reload of the unit during a session, after its certificate was replaced. */
export interface ReloadFacts {
  /** `success`, or systemctl's output. */
  asked: string;
  /** SHA-256 fingerprints of the certificate on new TLS connections before and after the reload, or the connection error. */
  before: string;
  after: string;
  /** Fingerprints of the files. */
  files: { before: string; after: string };
  /** Messages that the session sent after the reload, and how many came back from the peer. */
  sent: number;
  received: number;
  /** Whether the same process served before and after. */
  sameProcess: boolean;
}

/** Two stops of the unit: one with a session that ends in time, one with a client that has vanished. */
export interface DrainFacts {
  /** The drain timeout in seconds. */
  deadline: number;
  session: {
    /** Answer to a new client's allocation during the stop: an error code, `success` or `silence`. */
    newcomer: string;
    /** Messages that the session sent during the stop, and how many came back from the peer. */
    sent: number;
    received: number;
    /** Seconds from the session's end until the unit was down. */
    seconds: number;
    /** The unit's result. */
    result: string;
  };
  /** Seconds from the stop until the unit was down, and its result. */
  vanished: { seconds: number; result: string };
}

/** Results of sending hostile packets. */
export interface HostileFacts {
  /** Reproduces the packets. */
  seed: number;
  packets: number;
  /** Packets sent over TCP, each on its own connection. */
  overTcp: number;
  /** The server's exit code or signal, or `silence` if it runs but does not answer; undefined if it survived. */
  ended: string | undefined;
  /** The last packets before that, in hexadecimal. */
  suspects: string[];
  /** Answer to a well-behaved client's allocation afterwards. */
  afterwards: string;
}

/** Ended sessions, and the metrics before and after. */
export interface SessionFacts {
  sessions: number;
  /** Messages sent to the peer in all sessions. */
  messages: number;
  /** Messages sent on a channel, in ChannelData. */
  channelMessages: number;
  bytesPerMessage: number;
  /** Scrapes in Prometheus' text format. */
  before: string;
  after: string;
}
