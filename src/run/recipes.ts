import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TurnbuildError } from '../errors.ts';
import { exists, readText } from '../io/files.ts';
import {
  advisoriesSchema,
  type KnownAdvisory,
  type Quarantine,
  quarantineSchema,
} from '../recipe/advisories.ts';
import { deviationsSchema, type KnownDeviation } from '../recipe/deviations.ts';
import { type MetricFamily, metricsSchema } from '../recipe/metrics.ts';
import { parseRecipeFile } from '../recipe/parse.ts';
import {
  type Compatibility,
  compatibilitySchema,
  type ReleaseRecipe,
  releaseSchema,
  type Target,
} from '../recipe/schema.ts';
import { parseTargets } from '../recipe/targets.ts';

/** Everything under recipes/ and patches/, parsed. */
export interface Recipes {
  dir: string;
  patches: string;
  release: ReleaseRecipe;
  targets: Target[];
  compatibility: Compatibility;
  metrics: MetricFamily[];
  deviations: KnownDeviation[];
  advisories: KnownAdvisory[];
  quarantine: Quarantine[];
}

/** The folder of the installed turnbuild: the first one above this file that has a package.json. */
export async function packageRoot(): Promise<string> {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!(await exists(join(dir, 'package.json')))) {
    if (dir === dirname(dir))
      throw new Error('turnbuild is not installed properly: no package.json above its code');
    dir = dirname(dir);
  }
  return dir;
}

/** turnbuild's own version. */
export async function packageVersion(): Promise<string> {
  const text = await readText(join(await packageRoot(), 'package.json'));
  return (JSON.parse(text) as { version: string }).version;
}

/** Reads the recipes of `dir` (the installed ones without it). Throws RECIPE_INVALID with every issue of a file. */
export async function loadRecipes(dir?: string): Promise<Recipes> {
  const recipes = dir ?? join(await packageRoot(), 'recipes');
  if (!(await exists(join(recipes, 'release.yaml')))) {
    throw new TurnbuildError('RECIPES_MISSING', `No recipes found in ${recipes}: release.yaml is missing`);
  }
  const patches = join(dirname(recipes), 'patches');
  const read = async <T>(file: string, schema: Parameters<typeof parseRecipeFile<T>>[2]) =>
    parseRecipeFile<T>(file, await readText(file), schema);
  const names = (await readdir(join(recipes, 'targets'))).filter((name) => name.endsWith('.yaml')).sort();
  return {
    dir: recipes,
    patches,
    release: await read(join(recipes, 'release.yaml'), releaseSchema),
    targets: parseTargets(
      await Promise.all(
        names.map(async (name) => {
          const path = join(recipes, 'targets', name);
          return { path, text: await readText(path) };
        }),
      ),
    ),
    compatibility: await read(join(patches, 'compatibility.yaml'), compatibilitySchema),
    metrics: await read(join(recipes, 'metrics.yaml'), metricsSchema),
    deviations: await read(join(recipes, 'deviations.yaml'), deviationsSchema),
    advisories: await read(join(recipes, 'advisories.yaml'), advisoriesSchema),
    quarantine: await read(join(recipes, 'quarantine.yaml'), quarantineSchema),
  };
}
