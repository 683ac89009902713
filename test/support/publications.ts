import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { runProcess } from '../../src/io/exec.ts';
import { sha256Text } from '../../src/io/files.ts';
import type { Store } from '../../src/io/store.ts';
import { digestOf } from '../../src/manifest/sealed.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import type { Change } from '../../src/publish/change.ts';
import { verifiedPackages } from '../../src/publish/packages.ts';
import { rowAttributes } from '../../src/publish/page.ts';
import { CHANNELS, type Channel, type Destination, type KeepRules } from '../../src/publish/plan.ts';
import { type Publication, performPlan, withPlanner } from '../../src/publish/publish.ts';
import { renderRepositoryPage } from '../../src/ui/repository-page.ts';
import { packagedRelease } from './packaged-release.ts';
import { PUBLIC_URL } from './published.ts';
import { temporaryFolder } from './sandbox.ts';
import { createSigningHome, type SigningHome } from './signing-home.ts';

/** What a command does. */
type Operation = Pick<Publication, 'changes' | 'head'>;

const EXTENT = { suites: ['trixie'], targets: ['portable'] };

const releaseOf = (version: string) => `${version}+turnbuild-1`;
const inBoth = (change: Change) => CHANNELS.map((channel) => ({ channel, change }));

/** @param dir the release's folder */
export function publishing(dir: string, channel: Channel = 'testing'): Operation {
  const file = join(dir, 'manifest.json');
  const manifest = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
  const groups = verifiedPackages(manifest, { targets: undefined, architectures: undefined });
  const change: Change = { verb: 'publish', dir, manifest, groups, suiteOf: () => 'trixie' };
  return {
    changes: [{ channel, change }],
    head: { verb: 'publish', releases: [manifest.packageVersion], accepted: [] },
  };
}

export function promoting(version: string): Operation {
  const release = releaseOf(version);
  const change: Change = { verb: 'promote', release, from: 'testing', ...EXTENT };
  return {
    changes: [{ channel: 'stable', change }],
    head: { verb: 'promote', releases: [release], accepted: [] },
  };
}

export function withdrawing(version: string): Operation {
  const [releases, reason] = [[releaseOf(version)], 'It loses sessions.'];
  return {
    changes: inBoth({ verb: 'withdraw', releases, reason, ...EXTENT }),
    head: { verb: 'withdraw', releases, reason, accepted: [] },
  };
}

/** @param rules by default as those of the command */
export function cleaning(rules: Partial<KeepRules> = {}): Operation {
  const keep = { releases: 3, days: 30, withdrawn: false, at: new Date().toISOString(), ...rules };
  return {
    changes: inBoth({ verb: 'gc', keep: keep.releases, ...EXTENT }),
    head: { verb: 'gc', releases: [], keep, accepted: [] },
  };
}

/** A key for the tests of a file, and what is done with it in this process. @param destinations kinds of repository */
export function publications(destinations: readonly Destination['to'][]) {
  let keys: SigningHome;
  let fingerprint: string;
  let out: string;
  const home = process.env.GNUPGHOME;
  const releases = new Map<string, string>();
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'turnbuild-test-'));
    keys = createSigningHome();
    process.env.GNUPGHOME = keys.home;
    fingerprint = keys.createKey('Packages <packages@example.org>');
  });
  afterAll(() => {
    rmSync(out, { recursive: true });
    keys.remove();
    if (home === undefined) delete process.env.GNUPGHOME;
    else process.env.GNUPGHOME = home;
  });
  const targets = {
    ...(destinations.includes('apt') ? { 'debian-13': 'deb13' } : {}),
    ...(destinations.includes('dnf') ? { portable: 'rpm' } : {}),
  };
  return {
    /** The folder of a release, which is made once. Signed packages stay in it, so that all runs store the same bytes. */
    release(version: string): string {
      const dir = releases.get(version) ?? packagedRelease(out, { version, targets });
      releases.set(version, dir);
      return dir;
    },
    /** Plans and performs. */
    async perform(store: Store, operation: Operation): Promise<void> {
      const dir = temporaryFolder();
      const publication: Publication = {
        ...{ ...operation, dir, destinations, store, fingerprint, github: undefined, origin: undefined },
        ...{ url: PUBLIC_URL, exec: runProcess, signal: new AbortController().signal, cache: dir },
        turnbuild: '0.1.0',
        renderPage: (facts) => renderRepositoryPage(facts, rowAttributes),
      };
      await withPlanner(publication, async (plan) => {
        const shown = await plan();
        const given = { plan: shown.plan, digest: digestOf(shown.plan, sha256Text), file: undefined };
        await performPlan(publication, plan, given, () => {});
      });
    },
  };
}
