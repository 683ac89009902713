import type { Capture } from './capture.ts';
import type { ServerName, ServiceFacts, TriedServer } from './facts.ts';
import type { Addresses } from './network.ts';
import type { Clients } from './reach.ts';
import type { RemoteAgent } from './remote.ts';
import type { PacketLines } from './tcpdump.ts';
import type { Usage } from './usage.ts';

/** A turnserver that is wanted: as the package ships it, but for these lines. */
export interface WantedServer {
  name: TriedServer;
  lines: readonly string[];
  /** The one that was compiled with AddressSanitizer. */
  sanitized?: boolean;
}

/** A turnserver on a machine of its own. */
export interface RunningServer {
  name: ServerName;
  addresses: Addresses;
  agent: RemoteAgent;
  /** It answered over UDP on its own machine. */
  answersDatagrams: boolean;
  /** What it takes of its machine now; undefined where nobody can look into that. */
  usage(): Promise<Usage | undefined>;
  /** Ends it by SIGTERM, by SIGKILL if that takes longer than 30 s. Returns how it ended: a number, or `killed`. */
  stop(): Promise<string>;
  /** How it has ended by itself; undefined while it runs. */
  ended(): string | undefined;
  /** Settles when it has ended, by itself or because it was stopped. */
  end: Promise<string>;
  /** Last part of its log. */
  log(): string;
}

/** What is tried of the package's own unit, beside starting, crashing and stopping. */
export interface ServiceWanted {
  /** Undefined where nobody is answered by UDP: then neither sessions nor peers are tried. */
  clients: Clients | undefined;
  metadata: boolean;
  drain: boolean;
  reload: boolean;
}

/**
 * What is tried: turnservers of a package, each on a machine of its own. Client, peer and router are not told what such a machine is: a
 * network namespace with an installed root, or another machine at its address.
 */
export interface Subject {
  /** @throws NotReady */
  start(server: WantedServer): Promise<RunningServer>;
  /** What asks and watches on a server's machine. */
  agentOn(machine: TriedServer): RemoteAgent;
  /** UDP datagrams to some addresses, where they leave a server's machine. */
  capture(machine: TriedServer, to: readonly string[]): Promise<Capture>;
  /** All that leaves a server's machine. @param filter of tcpdump, pcap-filter(7) */
  watchLeaving(machine: TriedServer, filter: string): Promise<PacketLines>;
  runService(wanted: ServiceWanted): Promise<{ service: ServiceFacts; problems: Record<string, string> }>;
  /** Ends what has been started to watch and to ask. */
  end(): void;
}
