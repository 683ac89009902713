import { join, resolve } from 'node:path';
import { exists } from '../io/files.ts';
import type { LockFiles } from '../sources/lock-file.ts';
import type { CommonOptions } from './options.ts';
import { LOCK_NAME, type Project } from './project.ts';
import { LOCK, packageRoot } from './recipes.ts';

/**
 * The lock files in effect. With `--lock`, only the given file. Otherwise the recipes' lock file, extended by the project's or, without a
 * project, by turnbuild.lock.json in the working directory. Without a project, in a clone of turnbuild or with `--recipes`, pins are added
 * to the recipes' lock file itself. An installed turnbuild never changes.
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
