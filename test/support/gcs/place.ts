import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { packagedRelease } from '../packaged-release.ts';
import { contentOf, publicationPlace } from '../published.ts';
import { temporaryFolder } from '../sandbox.ts';
import { type GcsOptions, type GcsSimulator, startGcs } from './simulator.ts';

/**
 * A release of 4.18.0, an empty bucket, and commands for both.
 * @param url the public URL in the files that clients copy; by default, the simulator's
 */
export async function gcsPlace(
  to: string,
  signing: { home: string; key: string },
  { url, ...options }: GcsOptions & { url?: string } = {},
) {
  const gcs = await startGcs({ isAnonymous: true, ...options });
  onTestFinished(async () => {
    await gcs.stop();
    expect(gcs.violations).toEqual([]);
  });
  const { dir, out, run: inFolder } = publicationPlace(to, signing);
  const repo = ['--repo', 'gs://packages/coturn', '--url', url ?? `${gcs.url}/packages/coturn`];
  const run = (verb: string, more: readonly string[] = []) =>
    inFolder(verb, [...repo, ...more], { STORAGE_EMULATOR_HOST: gcs.url });
  // rpmbuild writes the time into packages, so only releases without them are always the same.
  const rpms = to.includes('dnf') ? { portable: 'rpm' } : {};
  const release = packagedRelease(out, { targets: { 'debian-13': 'deb13', ...rpms } });
  return { dir, out, gcs, run, release };
}

/** What a bucket contains, as `contentOf` describes it. */
export function contentIn({ objects }: GcsSimulator): Record<string, string> {
  const dir = temporaryFolder();
  for (const [path, { bytes }] of objects) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
  }
  return contentOf(dir);
}
