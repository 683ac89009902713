import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { sha256Text } from '../../../src/io/files.ts';
import { type GithubReleases, githubReleases } from '../../../src/io/github/releases.ts';
import { releaseDigest } from '../../../src/manifest/published.ts';
import { parseManifest } from '../../../src/manifest/store.ts';
import type { Change } from '../../../src/publish/change.ts';
import { verifiedPackages } from '../../../src/publish/packages.ts';
import type { Channel, PublishPlan } from '../../../src/publish/plan.ts';
import { type Publication, performPlan, withPlanner } from '../../../src/publish/publish.ts';
import { packagedRelease } from '../packaged-release.ts';
import { temporaryFolder } from '../sandbox.ts';
import { NAME, OWNER, simulateGithub, TOKEN } from './simulator.ts';

/**
 * Publishes to a simulated GitHub in this process, which is faster than a process for each publication.
 * @param wrap the client of each run
 */
export async function publishingHere({
  token = TOKEN,
  name = NAME,
  commit = undefined as string | undefined,
  wrap = (client: GithubReleases) => client,
} = {}) {
  const github = await simulateGithub();
  onTestFinished(() => expect(github.violations).toEqual([]));
  const dir = temporaryFolder();
  const lines: string[] = [];
  const run = { isKilled: false };
  const change = async (
    channel: Channel,
    what: Change,
    head: Pick<PublishPlan, 'verb' | 'releases' | 'reason'>,
    folder: string,
  ) => {
    // A process that was killed sends nothing more.
    const connections = new AbortController();
    run.isKilled = false;
    github.watch.kill = () => {
      run.isKilled = true;
      connections.abort();
    };
    const opened = await githubReleases({
      ...{ owner: OWNER, name, api: github.url, token, commit },
      signal: connections.signal,
      tell: (line) => lines.push(line),
    });
    const publication: Publication = {
      ...{ store: undefined, github: wrap(opened), origin: undefined, url: undefined, exec: runProcess },
      ...{ signal: new AbortController().signal, cache: join(dir, 'cache'), destinations: ['github'] },
      ...{ changes: [{ channel, change: what }], head: { ...head, accepted: [] }, dir: folder },
      ...{ fingerprint: undefined, turnbuild: '0.1.0', renderPage: () => '' },
    };
    return withPlanner(publication, async (makePlan) => {
      const { plan } = await makePlan();
      await performPlan(publication, makePlan, { plan, digest: '', file: undefined }, () => {});
      return plan;
    });
  };
  /** Builds and publishes a release. @param out runs on different machines have folders of their own */
  const publish = async (
    version = '4.18.0',
    channel: Channel = 'testing',
    options: object = {},
    out = 'dist',
  ) => {
    const folder = packagedRelease(join(dir, out), { version, ...options });
    const manifest = parseManifest(
      'manifest.json',
      readFileSync(join(folder, 'manifest.json'), 'utf8'),
      sha256Text,
    );
    const groups = verifiedPackages(manifest, { targets: undefined, architectures: undefined });
    return change(
      channel,
      { verb: 'publish', dir: folder, manifest, groups, suiteOf: () => '' },
      { verb: 'publish', releases: [manifest.packageVersion] },
      folder,
    );
  };
  const extent = { suites: [], targets: [] };
  const promote = (release: string) =>
    change(
      'stable',
      { verb: 'promote', release, from: 'testing', ...extent },
      { verb: 'promote', releases: [release] },
      dir,
    );
  const withdraw = (release: string, reason: string) =>
    change(
      'testing',
      { verb: 'withdraw', releases: [release], reason, ...extent },
      { verb: 'withdraw', releases: [release], reason },
      dir,
    );
  return { github, dir, lines, run, publish, promote, withdraw };
}

/** Makes the pauses of a test still shorter than fast-clock.mjs, for many publications. */
export function quicken(): void {
  const own = globalThis as { clockFactor?: number };
  own.clockFactor = 1000;
  onTestFinished(() => {
    delete own.clockFactor;
  });
}

/** The digest of a release's manifest, which marks its drafts. */
export function manifestDigest(folder: string): string {
  return releaseDigest(
    parseManifest('manifest.json', readFileSync(join(folder, 'manifest.json'), 'utf8'), sha256Text),
    sha256Text,
  );
}
