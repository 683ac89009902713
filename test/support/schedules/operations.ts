import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Text } from '../../../src/io/files.ts';
import { parseManifest } from '../../../src/manifest/store.ts';
import type { Change } from '../../../src/publish/change.ts';
import { verifiedPackages } from '../../../src/publish/packages.ts';
import { CHANNELS } from '../../../src/publish/plan.ts';
import type { Publication } from '../../../src/publish/publish.ts';
import { packagedRelease } from '../packaged-release.ts';
import { PUBLIC_URL } from '../published.ts';

/** What a command does. */
export type Operation = Pick<Publication, 'changes' | 'head'> &
  Partial<Pick<Publication, 'url' | 'validFor'>>;

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };
const EXTENT = { suites: ['trixie'], targets: ['portable'] };
const OLD = '4.18.0+turnbuild-1';
const NEW = '4.19.0+turnbuild-1';

const inBoth = (change: Change) => CHANNELS.map((channel) => ({ channel, change }));

/**
 * The operations, in an order in which each changes something.
 * `follows`: the one that it is performed after, if not the one before. `keepsOld`: whether clients that started before still find everything.
 */
export const OPERATIONS: readonly {
  name: string;
  follows?: string;
  keepsOld?: false;
  operation: (out: string) => Operation;
}[] = [
  { name: 'publish to nothing', operation: (out) => publishing(out, '4.18.0') },
  { name: 'publish to another', operation: (out) => publishing(out, '4.19.0') },
  { name: 'promote', operation: () => promoting(OLD) },
  { name: 'promote a newer one', operation: () => promoting(NEW) },
  // Keeps the older release only because stable has it. It keeps files for 0 days, so it deletes at once what only earlier pointers lead to.
  { name: 'gc', follows: 'promote', keepsOld: false, operation: cleaning },
  { name: 'withdraw', follows: 'promote', operation: withdrawing },
  { name: 'refresh', follows: 'promote', operation: refreshing },
];

function publishing(out: string, version: string): Operation {
  const dir = join(out, version);
  const file = join(dir, 'manifest.json');
  const manifest = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
  const groups = verifiedPackages(manifest, { targets: undefined, architectures: undefined });
  const change: Change = { verb: 'publish', dir, manifest, groups, suiteOf: () => 'trixie' };
  return {
    changes: [{ channel: 'testing', change }],
    head: { verb: 'publish', releases: [manifest.packageVersion], accepted: [] },
  };
}

/** Writes the releases. Signed packages stay in their folders, so that all runs store the same bytes. @param content of each package */
export function writeReleases(out: string, content: string): void {
  for (const version of ['4.18.0', '4.19.0']) packagedRelease(out, { version, targets: TARGETS, content });
}

function promoting(release: string): Operation {
  const change: Change = { verb: 'promote', release, from: 'testing', ...EXTENT };
  return {
    changes: [{ channel: 'stable', change }],
    head: { verb: 'promote', releases: [release], accepted: [] },
  };
}

/** Keeps the newest release of each channel, and no files of earlier states. */
function cleaning(): Operation {
  const keep = { releases: 1, days: 0, withdrawn: false, at: new Date().toISOString() };
  return {
    changes: inBoth({ verb: 'gc', keep: keep.releases, ...EXTENT }),
    head: { verb: 'gc', releases: [], keep, accepted: [] },
  };
}

function withdrawing(): Operation {
  const [releases, reason] = [[OLD], 'It loses sessions.'];
  return {
    changes: inBoth({ verb: 'withdraw', releases, reason, ...EXTENT }),
    head: { verb: 'withdraw', releases, reason, accepted: [] },
  };
}

/** Signs suites again, because they must expire from now on, and rewrites the files that clients copy. */
function refreshing(): Operation {
  return {
    ...{ url: `${PUBLIC_URL}/moved`, validFor: 30 },
    changes: inBoth({ verb: 'refresh', ...EXTENT }),
    head: { verb: 'refresh', releases: [], accepted: [] },
  };
}
