import type { Exec } from '../io/exec.ts';
import type { Store } from '../io/store.ts';
import type { PublishedFile } from '../manifest/published.ts';
import type { Change } from './change.ts';
import type { PublishedRpms } from './dnf/signed.ts';
import type { Channel, Destination, PublishAction } from './plan.ts';
import type { SigningKey } from './signing-key.ts';

/** A change of one channel of a repository, and how to make it. */
export interface Job {
  store: Store;
  channel: Channel;
  change: Change;
  key: SigningKey;
  /** Who publishes the repository, for apt's Release; undefined: as it is, or turnbuild. */
  origin: string | undefined;
  /** Days for which apt accepts an InRelease; undefined: for ever. */
  validFor?: number | undefined;
  /** URL under which clients reach the repository, if known. */
  url: string | undefined;
  exec: Exec;
  signal: AbortSignal;
  /** An existing folder for temporary files, which no other job uses. */
  work: string;
  /** File of the public key for gpgv. */
  keyring: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Signed packages that other destinations have. */
  elsewhere?: readonly PublishedRpms[];
}

/** The files that a channel leads its clients to. Paths are relative to the repository. */
export interface Reach {
  /** Metadata before the change. */
  before: readonly string[];
  /** Metadata after it: files, or folders with a slash at the end. */
  after: readonly string[];
  /** Packages after it. */
  packages: readonly string[];
}

/** The releases of a place. */
export interface Offer {
  /** A suite without its channel, e.g. `trixie`, or a target with .rpm packages. */
  name: string;
  /** Before the change. */
  before: readonly string[];
  /** After it. */
  releases: readonly string[];
}

/** A destination's plan, and how to make its changes. */
export interface PlannedJob {
  destination: Destination;
  /** What the user should know. */
  notes: readonly string[];
  /** The releases that the channel has after the change. */
  releases: readonly string[];
  reach: Reach;
  offers: readonly Offer[];
  /** The files that users get, of those that it may replace. */
  published?: readonly PublishedFile[];
  /** Those of its changes that say that everything is published. They are made after all jobs, if none has failed. */
  afterAll?: readonly PublishAction[];
  /** How many changes may be made at a time; undefined: one. */
  atOnce?: number | undefined;
  /** Makes a change. What is signed is signed now. */
  apply(action: PublishAction): Promise<void>;
}

/** A destination without clients that start from files in the repository. */
export const NO_CLIENTS: Pick<PlannedJob, 'reach' | 'offers'> = {
  reach: { before: [], after: [], packages: [] },
  offers: [],
};
