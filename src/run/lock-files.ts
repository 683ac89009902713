import { join, resolve } from 'node:path';
import { exists } from '../io/files.ts';
import type { LockFiles } from '../sources/lock-file.ts';
import type { CommonOptions } from './options.ts';
import { LOCK_NAME, type Project } from './project.ts';
import { LOCK, packageRoot } from './recipes.ts';

/**
 * The lock files that pin the sources. With `--lock`, only that one. Otherwise the project's, or else turnbuild.lock.json in the working
 * directory, on top of that of the recipes. The recipes' own lock file is written only in a clone of turnbuild and in a folder given by
 * `--recipes`: an installed turnbuild never changes.
 */
export async function lockFilesOf(
  { lock, recipes }: Pick<CommonOptions, 'lock' | 'recipes'>,
  project: Project | undefined,
): Promise<LockFiles> {
  if (lock !== undefined) return { own: resolve(lock), beneath: undefined };
  const root = await packageRoot();
  const builtIn = join(root, 'recipes');
  const dir = recipes === undefined ? builtIn : resolve(recipes);
  const beneath = join(dir, LOCK);
  if (project !== undefined) return { own: project.lock, beneath };
  if (dir !== builtIn || (await isClone(root))) return { own: beneath, beneath: undefined };
  return { own: resolve(LOCK_NAME), beneath };
}

/** Whether turnbuild's sources are present: the npm package does not contain them. */
async function isClone(root: string): Promise<boolean> {
  return exists(join(root, 'src/cli.ts'));
}
