import { packagedRelease } from '../packaged-release.ts';
import { type PUBLIC_URL, publicationPlace } from '../published.ts';
import type { RunOptions } from '../turnbuild.ts';
import { type SimulatorOptions, s3Simulator } from './simulator.ts';

/**
 * A release of 4.18.0, an empty bucket, and commands for both.
 * @param url the public URL in the files that clients copy; by default, the simulator's
 */
export async function s3Place(
  to: string,
  signing: { home: string; key: string },
  { url, ...options }: SimulatorOptions & { url?: typeof PUBLIC_URL } = {},
) {
  const simulator = await s3Simulator({ pageSize: 1000, ...options });
  const { dir, out, run: inFolder } = publicationPlace(to, signing);
  const repo = ['--repo', 's3://packages/coturn', '--url', url ?? `${simulator.url}/packages/coturn`];
  const run = (
    verb: string,
    more: readonly string[] = [],
    env: Record<string, string> = {},
    onStart?: RunOptions['onStart'],
  ) => inFolder(verb, [...repo, ...more], { ...simulator.env, ...env }, onStart);
  const release = packagedRelease(out, { targets: { 'debian-13': 'deb13', portable: 'rpm' } });
  return { dir, out, simulator, run, release };
}
