import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { packagedRelease } from '../packaged-release.ts';
import { githubPlace } from './place.ts';

/**
 * Publishes to GitHub, kills the process at points of the run, and publishes again. Expects the result of an undisturbed run, and that a
 * release is never public before it is complete. A point is each time that the journal or a file has reached the disk.
 * @param choose the points to test, of all from 1 on
 */
export async function killAndFinish(choose: (points: readonly number[]) => readonly number[]): Promise<void> {
  const preload = fileURLToPath(new URL('../kill-at.mjs', import.meta.url));
  const env = (at: number) => ({ NODE_OPTIONS: `--import ${preload}`, KILL_AT: String(at) });
  const prepared = async () => {
    const place = await githubPlace(['--channel', 'stable']);
    packagedRelease(place.out);
    return place;
  };
  const undisturbed = await prepared();
  const { stderr } = await undisturbed.publish([], env(0));
  const count = Number(/synchronised (\d+) times/.exec(stderr)?.[1]);
  expect(count).toBeGreaterThan(10);
  const wanted = undisturbed.github.repository.summary();
  const chosen = choose(Array.from({ length: count }, (_, index) => index + 1));
  expect(chosen.length).toBeGreaterThan(0);
  for (const at of chosen) {
    const { github, publish } = await prepared();
    expect((await publish([], env(at))).code, `killed at ${at}`).not.toBe(0);
    for (const { draft, assets } of github.repository.releases)
      if (!draft) expect(assets, `public after ${at}`).toHaveLength(wanted.releases[0]?.assets.length ?? 0);
    expect(await publish(), `finished after ${at}`).toMatchObject({ code: 0 });
    expect(github.repository.summary(), `the result after ${at}`).toEqual(wanted);
  }
  console.log(`killed at ${chosen.length} of ${count} points; all runs were finished`);
}
