import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../sandbox.ts';
import { type RunOptions, turnbuild } from '../turnbuild.ts';
import { NAME, OWNER, simulateGithub, TOKEN } from './simulator.ts';

const FAST = `--import ${fileURLToPath(new URL('./fast-clock.mjs', import.meta.url))}`;

export type Start = (
  args: readonly string[],
  options: RunOptions & { env: Record<string, string> },
) => ReturnType<typeof turnbuild>;

/**
 * A GitHub, a folder with releases (`out`), and commands that publish them. No test may break a rule of the API.
 * @param start turnbuildHere runs the sources in this process, which is faster
 */
export async function githubPlace(args: readonly string[] = [], start: Start = turnbuild) {
  const github = await simulateGithub();
  onTestFinished(() => expect(github.violations).toEqual([]));
  const dir = temporaryFolder();
  const out = join(dir, 'dist');
  const run = async (
    verb: string,
    more: readonly string[] = [],
    env: Record<string, string> = {},
    onStart?: RunOptions['onStart'],
  ) => {
    const { NODE_OPTIONS = '', ...others } = env;
    const result = await start(
      [verb, '--to', 'github', '--github-repo', `${OWNER}/${NAME}`, '--out', out, ...args, ...more],
      {
        cwd: dir,
        ...(onStart === undefined ? {} : { onStart }),
        env: {
          ...{ GITHUB_API_URL: github.url, GITHUB_TOKEN: TOKEN, GH_TOKEN: '', GITHUB_REPOSITORY: '' },
          NODE_OPTIONS: `${FAST} ${NODE_OPTIONS}`,
          ...others,
        },
      },
    );
    expect(result.stdout + result.stderr).not.toContain(TOKEN);
    return result;
  };
  return {
    github,
    dir,
    out,
    run,
    publish: (more: readonly string[] = [], env = {}, onStart?: RunOptions['onStart']) =>
      run('publish', more, env, onStart),
  };
}
