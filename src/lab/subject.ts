import type { Capture } from './capture.ts';
import type { ServerName, ServiceFacts, TriedServer } from './facts.ts';
import type { Addresses } from './network.ts';
import type { Clients } from './reach.ts';
import type { RemoteAgent } from './remote.ts';
import type { PacketLines } from './tcpdump.ts';
import type { Usage } from './usage.ts';

/** The server to start: the shipped configuration with additional lines. */
export interface WantedServer {
  name: TriedServer;
  lines: readonly string[];
  /** Run the turnserver built with AddressSanitizer. */
  sanitized?: boolean;
}

/** A turnserver on its own machine. */
export interface RunningServer {
  name: ServerName;
  addresses: Addresses;
  agent: RemoteAgent;
  /** Whether it answered over UDP on its own machine. */
  answersDatagrams: boolean;
  /** Current resource usage; undefined if it cannot be read. */
  usage(): Promise<Usage | undefined>;
  /** Sends SIGTERM, and SIGKILL after 30 s. Returns the exit code, the signal, or `killed`. */
  stop(): Promise<string>;
  /** Its exit code or signal; undefined while it runs. */
  ended(): string | undefined;
  /** Resolves to the exit code or signal when it has exited. */
  end: Promise<string>;
  /** The end of its log. */
  log(): string;
}

/** Tests of the package's unit, in addition to start, crash and stop. */
export interface ServiceWanted {
  /** Undefined if the server does not answer over UDP. Sessions and peers are then not tested. */
  clients: Clients | undefined;
  metadata: boolean;
  drain: boolean;
  reload: boolean;
}

/**
 * The object under test: turnservers of a package, each on its own machine. A machine may be a network namespace with an installed root, or
 * another host; client, peer and router do not depend on that.
 */
export interface Subject {
  /** @throws NotReady */
  start(server: WantedServer): Promise<RunningServer>;
  /** The agent on a server's machine. */
  agentOn(machine: TriedServer): RemoteAgent;
  /** Captures UDP datagrams to some addresses as they leave a server's machine. */
  capture(machine: TriedServer, to: readonly string[]): Promise<Capture>;
  /** Captures everything that leaves a server's machine. @param filter pcap-filter(7) */
  watchLeaving(machine: TriedServer, filter: string): Promise<PacketLines>;
  runService(wanted: ServiceWanted): Promise<{ service: ServiceFacts; problems: Record<string, string> }>;
  /** Stops all agents. */
  end(): void;
}
