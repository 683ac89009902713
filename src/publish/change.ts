import { join } from 'node:path';
import type { Manifest } from '../manifest/schema.ts';
import type { PackageGroup } from './packages.ts';
import type { Channel } from './plan.ts';

/** Everything that a repository may have. */
export interface Extent {
  /** Suites of all distributions with .deb packages, e.g. `trixie`. */
  suites: readonly string[];
  /** Targets with .rpm packages. */
  targets: readonly string[];
}

/** Packages of a release are added to a channel. */
export interface Addition {
  verb: 'publish';
  /** The release's folder. */
  dir: string;
  manifest: Manifest;
  groups: readonly PackageGroup[];
  /** The suite of a target, e.g. `trixie`. */
  suiteOf: (target: string) => string;
}

/** What happens to a channel of a repository. */
export type Change =
  | Addition
  /**
   * A release becomes the newest one of the channel: its packages are taken from another channel if they are not in this one, and those of
   * newer releases leave the channel.
   */
  | ({ verb: 'promote'; release: string; from: Channel } & Extent)
  /** The packages of releases leave the channel. */
  | ({ verb: 'withdraw'; releases: readonly string[]; reason: string } & Extent)
  /** The packages stay as they are. What expires soon is signed again. */
  | ({ verb: 'refresh' } & Extent)
  /** Only the newest releases stay in the channel. */
  | ({ verb: 'gc'; keep: number } & Extent);

/** Path of a file that a change publishes. @param name in the release's folder */
export function releaseFile(change: Change, name: string): string {
  if (change.verb !== 'publish') throw new Error(`${change.verb} stores no ${name}`);
  return join(change.dir, name);
}
