import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { usageError } from '../errors.ts';
import { exists, makeFolder, readText } from '../io/files.ts';
import { requirePrivate } from '../io/private-folder.ts';
import { type KnownNames, type ProjectSettings, parseProject } from '../recipe/project.ts';
import { type CommonOptions, knownMirrors } from './options.ts';
import { loadRecipes, type Recipes } from './recipes.ts';

export const PROJECT_NAME = 'turnbuild.yaml';
export const LOCK_NAME = 'turnbuild.lock.json';

/** A user's own project: the folder of a turnbuild.yaml. */
export interface Project {
  /** Path of its turnbuild.yaml. */
  file: string;
  /** The folder that its relative paths are relative to. */
  dir: string;
  /** Its lock file, which may not exist yet. */
  lock: string;
  settings: ProjectSettings;
}

/**
 * Finds the project of a folder, by default the working directory: its turnbuild.yaml, or the nearest one in a parent. The search ends at
 * the top of a repository, a folder with `.git`.
 * @throws PROJECT_UNSAFE for another user's file in a parent folder, because its recipes would run
 * @returns its path
 */
export async function findProject(from: string = process.cwd()): Promise<string | undefined> {
  const own = await ownersOf(from);
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    const file = join(dir, PROJECT_NAME);
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined) {
      if (dir === resolve(from) || own.has(found.uid)) return file;
      throw usageError(
        'PROJECT_UNSAFE',
        `${file} applies to ${from}, but belongs to another user (uid ${found.uid})`,
        'If you trust it, run turnbuild in its folder. If not, create a turnbuild.yaml in this folder: turnbuild init',
      );
    }
    if (dir === dirname(dir) || (await exists(join(dir, '.git')))) return undefined;
  }
}

/** Users whose turnbuild.yaml is trusted for a folder: this one, root, and the folder's owner. */
async function ownersOf(dir: string): Promise<ReadonlySet<number>> {
  const { uid } = await stat(dir);
  return new Set([0, uid, process.getuid?.() ?? uid]);
}

/** Reads a project's turnbuild.yaml. @param known if given, names are checked too @throws PROJECT_INVALID */
export async function readProject(file: string, known?: KnownNames): Promise<Project> {
  const dir = dirname(file);
  const settings = parseProject(file, await readText(file), known);
  return { file, dir, lock: join(dir, LOCK_NAME), settings };
}

/**
 * The working directory's project, if it has one, and the recipes in effect: those of `--recipes`, otherwise the installed ones with the
 * project's own on top.
 * @param cache the cache folder, for merged recipes
 */
export async function openProject(
  { recipes: given }: Pick<CommonOptions, 'recipes'>,
  cache: string,
): Promise<{ project: Project | undefined; recipes: Recipes }> {
  const file = await findProject();
  const project = file === undefined ? undefined : await readProject(file);
  const recipes = await recipesOf(given, project, cache);
  if (project === undefined) return { project, recipes };
  const known = {
    targets: recipes.targets.map(({ name }) => name),
    mirrors: knownMirrors(recipes.targets),
    advisories: recipes.advisories.map(({ id }) => id),
  };
  return { project: await readProject(project.file, known), recipes };
}

async function recipesOf(
  given: string | undefined,
  project: Project | undefined,
  cache: string,
): Promise<Recipes> {
  if (given !== undefined) return loadRecipes(resolve(given));
  const own = { recipes: await ownFolder(project, 'recipes'), patches: await ownFolder(project, 'patches') };
  if (own.recipes === undefined && own.patches === undefined) return loadRecipes();
  // Builds use the recipes copied to the cache, so no other user may be able to change it.
  await makeFolder(cache);
  await requirePrivate(cache);
  return loadRecipes(undefined, { ...own, cache });
}

/** @throws PROJECT_INVALID if the folder is missing, which would silently be ignored otherwise */
async function ownFolder(
  project: Project | undefined,
  key: 'recipes' | 'patches',
): Promise<string | undefined> {
  const name = project?.settings[key];
  if (project === undefined || name === undefined) return undefined;
  const dir = resolve(project.dir, name);
  if ((await stat(dir).catch(() => undefined))?.isDirectory() === true) return dir;
  throw usageError(
    'PROJECT_INVALID',
    `${project.file}: ${key}: the folder ${dir} does not exist`,
    'Paths in turnbuild.yaml are relative to the file.',
  );
}
