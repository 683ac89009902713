// The requests to a turnserver with one configuration, and its behaviour. Shared by the program in the container and the tests.

/** One configuration to test. */
export interface Trial {
  /** Position in the random sequence. */
  id: number;
  /** The name of the turnserver's root in the image. */
  version: string;
  /** The turnserver.conf. */
  text: string;
  /** Accounts to log in with. */
  credentials: readonly Candidate[];
  /** Peers to request permissions for. */
  peers: readonly string[];
  /** Whether to allocate until the server refuses, a port each or a pair of ports (EVEN-PORT with R = 1). */
  fill?: 'ports' | 'pairs';
}

/** An account that a reader of the configuration could expect, or an attacker could guess. */
export interface Candidate {
  label: string;
  username: string;
  password: string;
}

/** The server's observed behaviour. */
export interface Observation {
  id: number;
  /** Exit code or signal of a server that exited on its own. */
  ended?: string;
  /** The server's log, warnings included. */
  log: string[];
  /** Sockets that it listens on: `udp 0.0.0.0:3478`, `tcp [::]:5766`. */
  sockets: string[];
  /** Address and port that clients used; undefined if there were none. */
  asked?: string;
  /** Label of the credentials, including `anonymous` -> `granted`, the error code, or `silence`. */
  allocations: Record<string, string>;
  /** Requested peers that the server granted permissions for. */
  permitted: string[];
  /** Allocations granted before the first refusal. */
  filled?: number;
  /** Requested peers: those of an address family that could be allocated. */
  tried: string[];
}

/** Options for the log's destination and format. */
export const LOG_OPTIONS =
  /^(log-file|no-stdout-log|syslog|syslog-facility|simple-log|new-log-timestamp(-format)?|log-binding|log-min-level)\b/;

export const ANONYMOUS = 'anonymous';
/** The server's address in each namespace. */
export const SERVER = { ipv4: '20.0.3.2', ipv6: '2600:1:0:3::2', own: '10.77.2.2' } as const;
