import { realpath } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Exec } from '../io/exec.ts';
import type { ManifestStep } from '../manifest/schema.ts';
import { findProject, LOCK_NAME, PROJECT_NAME, readProject } from './project.ts';
import { packageRoot } from './recipes.ts';

export type RecipeCommit = NonNullable<ManifestStep['recipes']>;

/** A folder with recipes, and the paths in it that builds depend on. */
interface RecipePlace {
  dir: string;
  paths: readonly string[];
  /** The folder is the top of its repository: in that of another program, the commit says nothing about it. */
  isTop: boolean;
}

/**
 * The commit that the recipes are from: that of `--recipes`, of the project, or of a clone of turnbuild.
 * @param given the folder of --recipes
 * @returns undefined outside a git repository, and for recipes that were installed with turnbuild
 */
export async function recipeCommit(
  exec: Exec,
  given: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<RecipeCommit | undefined> {
  const { dir, paths, isTop } = await placeOf(given);
  const git = async (...args: string[]) => {
    // No hook of the repository runs, and nothing in it is written.
    const own = ['--no-optional-locks', '-c', 'core.fsmonitor=false'];
    const { code, stdout } = await exec({ file: 'git', args: [...own, ...args], cwd: dir, effect: 'read' });
    return code === 0 ? stdout : undefined;
  };
  const [top = '', head] = ((await git('rev-parse', '--show-toplevel', 'HEAD')) ?? '').split('\n');
  if (isTop && top !== (await realpath(dir))) return undefined;
  const workspace = await inWorkspace(dir, env);
  const commit = isCommit(head) ? head : workspace?.commit;
  if (commit === undefined) return undefined;
  const changes = commit === head ? await git('status', '--porcelain', '--', ...paths) : undefined;
  return {
    commit,
    ...(changes === undefined ? {} : { modified: changes !== '' }),
    ...(workspace?.commit === commit ? { repository: workspace.repository } : {}),
  };
}

const isCommit = (text: string | undefined) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text ?? '');

async function placeOf(given: string | undefined): Promise<RecipePlace> {
  // With the patches beside it.
  if (given !== undefined) return { dir: resolve(given), paths: ['.', join('..', 'patches')], isTop: false };
  const file = await findProject();
  if (file === undefined) return { dir: await packageRoot(), paths: ['recipes', 'patches'], isTop: true };
  const { recipes, patches } = (await readProject(file)).settings;
  const own = [recipes, patches].filter((path) => path !== undefined);
  return { dir: dirname(file), paths: [PROJECT_NAME, LOCK_NAME, ...own], isTop: false };
}

/**
 * What GitHub Actions has checked out, if a folder is in it (docs.github.com, "Variables reference"). A checkout does not need git, and git
 * refuses one of another user, as in a container.
 */
async function inWorkspace(
  dir: string,
  { GITHUB_ACTIONS, GITHUB_WORKSPACE, GITHUB_SHA, GITHUB_SERVER_URL, GITHUB_REPOSITORY }: NodeJS.ProcessEnv,
): Promise<Required<Pick<RecipeCommit, 'commit' | 'repository'>> | undefined> {
  if (GITHUB_ACTIONS !== 'true' || GITHUB_WORKSPACE === undefined || !isCommit(GITHUB_SHA)) return undefined;
  const [own, workspace] = [await realpath(dir), await realpath(GITHUB_WORKSPACE).catch(() => undefined)];
  if (workspace === undefined || !`${own}${sep}`.startsWith(`${workspace}${sep}`)) return undefined;
  const repository = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`;
  if (GITHUB_SHA === undefined || !/^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/.test(repository)) return undefined;
  return { commit: GITHUB_SHA, repository };
}
