import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { packagedRelease } from '../packaged-release.ts';
import { incompleteReleases } from './complete.ts';
import { githubPlace } from './place.ts';

/** Commands that change releases, with those that come before, and how many points of the run there are at least. Two releases are built. */
const COMMANDS = {
  publish: { before: [], command: ['publish', '4.18.0', '--channel', 'stable'], points: 12 },
  promote: { before: [['publish', '4.18.0']], command: ['promote', '4.18.0'], points: 3 },
  'roll back': {
    before: [
      ['publish', '4.18.0', '--channel', 'stable'],
      ['publish', '4.19.0', '--channel', 'stable'],
    ],
    command: ['promote', '4.18.0'],
    points: 4,
  },
  withdraw: {
    before: [
      ['publish', '4.18.0', '--channel', 'stable'],
      ['publish', '4.19.0', '--channel', 'stable'],
    ],
    command: ['withdraw', '4.19.0', '--reason', 'crashes on start'],
    points: 6,
  },
} as const;

/**
 * Changes releases on GitHub, kills the process at points of the run, and runs it again. Expects the result of an undisturbed run, and that a
 * release is never public before it is complete. A point is each time that the journal or a file has reached the disk.
 * @param choose the points to test, of all from 1 on
 */
export async function killAndFinish(
  choose: (points: readonly number[]) => readonly number[],
  what: keyof typeof COMMANDS = 'publish',
): Promise<void> {
  const preload = fileURLToPath(new URL('../kill-at.mjs', import.meta.url));
  const env = (at: number) => ({ NODE_OPTIONS: `--import ${preload}`, KILL_AT: String(at) });
  const { before, command, points } = COMMANDS[what];
  const { github, out, run } = await githubPlace();
  const { repository } = github;
  for (const version of ['4.18.0', '4.19.0']) packagedRelease(out, { version });
  for (const [verb, ...args] of before) expect(await run(verb, args)).toMatchObject({ code: 0 });
  const start = repository.save();
  const [verb, ...args] = command;
  const { stderr } = await run(verb, args, env(0));
  const count = Number(/synchronised (\d+) times/.exec(stderr)?.[1]);
  expect(count, 'points of the run').toBeGreaterThanOrEqual(points);
  const wanted = repository.summary();
  const chosen = choose(Array.from({ length: count }, (_, index) => index + 1));
  expect(chosen.length).toBeGreaterThan(0);
  github.watch.isOn = true;
  for (const at of chosen) {
    repository.restore(start);
    expect((await run(verb, args, env(at))).code, `killed at ${at}`).not.toBe(0);
    expect(incompleteReleases(repository), `public after ${at}`).toEqual([]);
    expect(await run(verb, args), `finished after ${at}`).toMatchObject({ code: 0 });
    expect(repository.summary(), `the result after ${at}`).toEqual(wanted);
  }
  console.log(`${what}: killed at ${chosen.length} of ${count} points; all runs were finished`);
}
