import type { Exec } from '../io/exec.ts';
import type { Content, Store } from '../io/store.ts';
import type { PackageGroup } from './packages.ts';
import type { Channel, Destination, PublishAction } from './plan.ts';
import type { SigningKey } from './signing-key.ts';

/** What to publish in a repository, and how. */
export interface Job {
  store: Store;
  channel: Channel;
  key: SigningKey;
  /** Who publishes it, in the repository's Release. */
  origin: string;
  /** URL under which clients reach the repository, if known. */
  url: string | undefined;
  /** The release's folder. */
  dir: string;
  groups: readonly PackageGroup[];
  /** The suite of a target, e.g. `trixie`. */
  suiteOf: (target: string) => string;
  exec: Exec;
  signal: AbortSignal;
  /** An existing folder for temporary files. */
  work: string;
  /** File of the public key for gpgv. */
  keyring: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** A destination's plan, and the contents that it stores. */
export interface PlannedJob {
  destination: Destination;
  /** The content of a file. What is signed is signed when it is asked for. */
  contentOf(action: PublishAction): Promise<Content>;
}
