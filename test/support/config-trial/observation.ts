// What a turnserver with one configuration is asked, and what it does. Shared by the program in the container and the tests.

/** One configuration to be tried. */
export interface Trial {
  /** Position in the draw. */
  id: number;
  /** Which turnserver: the name of its root in the image. */
  version: string;
  /** The turnserver.conf. */
  text: string;
  /** Accounts to log in with. */
  credentials: readonly Candidate[];
  /** Peers that permission is asked for. */
  peers: readonly string[];
  /** Allocations are made until one is refused, with a port each or a pair of ports (EVEN-PORT with R = 1). */
  fill?: 'ports' | 'pairs';
}

/** An account that a reader of the configuration could expect, or an attacker could guess. */
export interface Candidate {
  label: string;
  username: string;
  password: string;
}

/** What was seen of the server. */
export interface Observation {
  id: number;
  /** Exit code or signal of a server that ended by itself. */
  ended?: string;
  /** The server's log, warnings included. */
  log: string[];
  /** Sockets that it waits on: `udp 0.0.0.0:3478`, `tcp [::]:5766`. */
  sockets: string[];
  /** Address and port that clients were sent to; undefined where there was none. */
  asked?: string;
  /** Label of the credentials, `anonymous` too -> `granted`, the number of the error, or `silence`. */
  allocations: Record<string, string>;
  /** Peers that permission was given for, of those that could be asked for. */
  permitted: string[];
  /** Allocations that were granted before one was refused. */
  filled?: number;
  /** Peers that were asked for: those of an address family that could be allocated. */
  tried: string[];
}

/** Options that say where the log goes, and what its lines look like. */
export const LOG_OPTIONS =
  /^(log-file|no-stdout-log|syslog|syslog-facility|simple-log|new-log-timestamp(-format)?|log-binding|log-min-level)\b/;

export const ANONYMOUS = 'anonymous';
/** The server's address in each namespace. */
export const SERVER = { ipv4: '20.0.3.2', ipv6: '2600:1:0:3::2', own: '10.77.2.2' } as const;
