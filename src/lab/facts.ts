import type { TransportName } from '../turn/transport.ts';
import type { SeenProcess } from './seen.ts';

/**
 * Servers of the laboratory. Each has a machine of its own, so that scenarios that mostly wait do so side by side: the same
 * ports are free on all of them, and what leaves one of them is nobody else's.
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

/** What is tried with each server, in this order. One with an empty list is tried by something that goes by the server's name. */
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

/** The server that a scenario is tried with. */
export function serverOf(scenario: Scenario): TriedServer {
  const servers = Object.keys(SCENARIOS) as TriedServer[];
  const listed = servers.find((server) => (SCENARIOS[server] as readonly string[]).includes(scenario));
  return listed ?? (scenario as TriedServer);
}

/**
 * The lowest TTL or hop limit that a datagram may leave with: one that has crossed half the internet has lost 32 at most of the 64 that
 * hosts begin with.
 */
export const MIN_TTL = 32;

/** What the laboratory is told. */
export interface LabSettings {
  /** Long options of this very turnserver. */
  options: string[];
  /** turnserver runs under QEMU. */
  emulated: boolean;
  /** turnserver drains on SIGUSR1. */
  drains: boolean;
  /** turnserver reads its certificate again on SIGUSR2. */
  reloads: boolean;
  /** There is a turnserver with AddressSanitizer beside the settings. */
  sanitized: boolean;
  /** How much is tried. */
  scale: LabScale;
  /** What is tried; each scenario comes with its server. */
  scenarios: Scenario[];
  site: Site;
}

/** Where the installed package has what the laboratory needs. */
export interface Site {
  /** User and group of the service. */
  user: string;
  /** The configuration that is shipped. */
  configuration: string;
  /** Folder of the database. */
  stateDir: string;
}

/** How much the laboratory tries of what can be tried for hours. */
export interface LabScale {
  hostilePackets: number;
  /** Relay ports of the pool that is filled. */
  ports: number;
  /** Allocations with an even port, one after the other. */
  evenPortCycles: number;
  scrapes: number;
}

/** What the laboratory has seen; `stages/verify` judges it. Everything is plain data: it comes out of a container as JSON. */
export interface LabFacts {
  /** The package could not be installed: the last lines of the package manager. Then nothing was tried. */
  notInstalled?: string;
  /** Each transport over each address family: whether anything is answered at all. */
  reach: ReachFacts[];
  relays: RelayFacts[];
  /** UDP datagrams to clients as they left the server's machine, while ways were tried and during the relays. */
  ttl: { packets: number; minTtl: number };
  answers: AnswerFacts[];
  /** What arrived at clients that sent nothing malformed, and is neither STUN nor ChannelData. */
  unparsed: UnparsedFacts[];
  independent: IndependentFacts[];
  forbidden: ForbiddenFacts;
  capacity: CapacityFacts;
  evenPort: EvenPortFacts;
  scrapes: ScrapeFacts;
  metricsReach: MetricsReach[];
  hostile: HostileFacts;
  /** The same packets at a turnserver with AddressSanitizer, where there is one; its report is in `logs`. */
  sanitized?: HostileFacts;
  sessions: SessionFacts;
  /** The same with REST credentials, over every transport. */
  restSessions: SessionFacts & { relays: RelayFacts[] };
  service: ServiceFacts;
  /** How each server was before it was stopped, by the name of its configuration: `running`, or how it had ended by itself. */
  servers: Record<string, string>;
  /** What went wrong while something was tried, by what was tried. */
  problems: Record<string, string>;
  /** What was not tried because of something that had failed before, by what would have been tried. */
  blocked: Record<string, Blocker>;
  /** Last lines of each server's log, by the name of its configuration. */
  logs: Record<string, string>;
  /** Seconds that each part took; parts go side by side. */
  seconds: Record<string, number>;
}

/** Why something could not be tried: nothing is answered on a way that it needs, or its server did not come up or had ended. */
export type Blocker = { way: string } | { server: string };

/** One transport over one address family, tried by Binding requests before anything else. */
export interface ReachFacts {
  transport: TransportName;
  family: 'ipv4' | 'ipv6';
  /** Answered from the clients' side of the network. */
  remote: boolean;
  tries: number;
  /** Where it is not: answered on the server's own machine. */
  local?: boolean;
  /** Where it is not: what the last try ended with. */
  why?: string;
}

/** A message that a client could not parse. */
export interface UnparsedFacts {
  /** Name of the server's configuration. */
  server: string;
  transport: TransportName;
  why: string;
  /** Its first bytes, in hexadecimal digits. */
  bytes: string;
}

/** One client that sent messages to a peer which sends them back. */
export interface RelayFacts {
  transport: TransportName;
  family: 'ipv4' | 'ipv6';
  way: 'send' | 'channel';
  sent: number;
  received: number;
  /** Why it could not begin, if so. */
  error?: string;
  /** It could not begin because the server answers nobody on this transport. */
  unreachable?: boolean;
}

/** What a client that is none of turnbuild's or coturn's has relayed; or why it could not. */
export interface IndependentFacts {
  transport: string;
  /** The second try counts where the first one has failed. */
  tries?: number;
  sent?: number;
  received?: number;
  error?: string;
}

/** One request in a situation for which the RFC gives the answer. */
export interface AnswerFacts {
  id: string;
  title: string;
  reference: string;
  /** The answers that are right: `success`, an error's number, or `silence`. */
  expected: string[];
  /** Answers that the RFC doesn't give, but that refuse just as well: coturn has its own numbers for some refusals. */
  tolerated: string[];
  found: string;
  /** The answer had to carry an integrity, and did. */
  authentic?: boolean;
}

/** Attempts to reach peers that nobody may reach through the server. */
export interface ForbiddenFacts {
  attempts: ForbiddenAttempt[];
  /** Packets to those peers that were seen leaving the server, as tcpdump prints them. */
  leaked: string[];
  /** The same attempts towards public peers: what they look like when they are let through. */
  control: { received: number; captured: number };
  /** Over IPv6. */
  control6: { received: number; captured: number };
}

export interface ForbiddenAttempt {
  peer: string;
  /** What it is an example of, e.g. `metadata, IPv4-mapped`. */
  kind: string;
  by: 'CreatePermission' | 'ChannelBind' | 'Send' | 'Connect';
  /** `success`, an error's number, or `sent` for what has no answer. */
  found: string;
}

/** What a pool of relay ports has served. */
export interface CapacityFacts {
  ports: number;
  /** Each time the pool was filled: how many allocations it gave, and how it refused the next one. */
  cycles: { served: number; refused: string; refusedMs: number }[];
  /** Allocations that it gave with two ports each. */
  pairs: number;
  /** How many of the second ports another client got for their tokens. */
  claimed: number;
  /** Allocations that the pool gave after all pairs had ended. */
  afterPairs: number;
  /** What one allocation takes of the server; undefined where nobody can look into its machine. */
  perAllocation: { files: number; residentBytes: number } | undefined;
}

/** Allocations that asked for an even port, without the next one. */
export interface EvenPortFacts {
  cycles: number;
  granted: number;
  /** How the others were answered. */
  refused: string[];
  ports: number;
  /** Allocations that the pool gave after all of them had ended. */
  servedAfterwards: number;
}

/** Scrapes of the metrics, with the server's resident memory around them. */
export interface ScrapeFacts {
  scrapes: number;
  succeeded: number;
  /** Bytes; undefined where nobody can look into its machine. */
  before: number | undefined;
  after: number | undefined;
}

/** An attempt to reach the metrics from where nobody may. */
export interface MetricsReach {
  way: string;
  address: string;
  found: string;
}

/** The package's own unit under systemd. */
export interface ServiceFacts {
  /** Under QEMU: without the two settings that QEMU can't live with. */
  emulated: boolean;
  /** Paths of the files that define it in the installed root, read before anything of the package runs. */
  fragments: readonly string[];
  /** ActiveState after the start with the shipped configuration. */
  state: string;
  /** It asked clients for credentials then. */
  serving?: boolean;
  /** Its metrics could be read; undefined if its configuration has none. */
  metrics?: boolean;
  /** Processes of the unit and listening sockets of its machine at that point, read from outside; undefined if it did not start. */
  seen?: { processes: SeenProcess[]; listening: string[] };
  /** Last lines of its journal after the start. */
  log: string;
  /** Result of the unit after it was stopped; `success` if all is well. */
  stopped: string;
  /** ActiveState after turnserver was killed; `active` if another one has taken its place. */
  restarted: string;
  /** From its end until another one answered; undefined if none did. */
  downSeconds?: number;
  /** Stops with sessions that live; undefined of a turnserver that can't drain. */
  drain?: DrainFacts;
  /** A reload with another certificate; undefined of a turnserver that can't read it again. */
  reload?: ReloadFacts;
  /** Peers that were sent to while the configuration denied none: by a client through the relay, and by a process of the unit. */
  reached: {
    kind: 'metadata' | 'control';
    peer: string;
    by: 'relay' | 'process';
    /** Answer to CreatePermission, which a process needs not ask for. */
    permission?: string;
    /** Datagrams that have left the machine. */
    packets: number;
  }[];
}

/** A reload of the unit while a session relays, after its certificate was replaced. */
export interface ReloadFacts {
  /** `success`, or what systemctl said. */
  asked: string;
  /** SHA-256 fingerprints of the certificates that a new TLS connection got before and after, or why it got none. */
  before: string;
  after: string;
  /** Those of the files. */
  files: { before: string; after: string };
  /** Messages of the session after the reload, and how many have come back from the peer. */
  sent: number;
  received: number;
  /** The same process served before and after. */
  sameProcess: boolean;
}

/** Two stops of the unit: one with a session that ends in time, one with a client that is gone and has not said so. */
export interface DrainFacts {
  /** Seconds that a stop was told to wait for sessions. */
  deadline: number;
  session: {
    /** What a new client's allocation was answered during the stop: an error's number, `success` or `silence`. */
    newcomer: string;
    /** Messages of the session during the stop, and how many have come back from the peer. */
    sent: number;
    received: number;
    /** From the session's end until the unit was down. */
    seconds: number;
    /** The unit's. */
    result: string;
  };
  /** From the stop until the unit was down. */
  vanished: { seconds: number; result: string };
}

/** Packets that were made to break a server. */
export interface HostileFacts {
  /** Gives the same packets again. */
  seed: number;
  packets: number;
  /** Those of them that went over TCP, each on a connection of its own. */
  overTcp: number;
  /** How the server has ended, or `silence` if it runs and answers nobody; undefined while all is well. */
  ended: string | undefined;
  /** The last packets before that, in hexadecimal digits. */
  suspects: string[];
  /** The answer to an allocation of an honest client afterwards. */
  afterwards: string;
}

/** Sessions that have ended, and the metrics before and after. */
export interface SessionFacts {
  sessions: number;
  /** Messages that went to the peer and back, in all sessions. */
  messages: number;
  /** Those of them that were sent on a channel, in ChannelData. */
  channelMessages: number;
  bytesPerMessage: number;
  /** Scrapes in Prometheus' text format. */
  before: string;
  after: string;
}
