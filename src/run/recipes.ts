import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestName, TurnbuildError, usageError } from '../errors.ts';
import { exists, readText } from '../io/files.ts';
import {
  advisoriesSchema,
  type KnownAdvisory,
  type Quarantine,
  quarantineSchema,
} from '../recipe/advisories.ts';
import { deviationsSchema, type KnownDeviation } from '../recipe/deviations.ts';
import { type MachineRecipe, machineSchema } from '../recipe/machine.ts';
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
import { type Layers, layered, layeredFiles, mergeLayers } from './layers.ts';

/** The lock file of the built-in recipes. A project's recipes must not replace it. */
export const LOCK = 'sources.lock.json';

/** Everything under recipes/ and patches/, parsed, and the folders with the files themselves. */
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
  machine: MachineRecipe;
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

/** A project's own recipes and patches. */
export interface OwnRecipes {
  recipes: string | undefined;
  patches: string | undefined;
  /** The cache folder, for merged recipes. */
  cache: string;
}

/**
 * Reads the recipes in `dir` (by default the installed ones), with a project's own on top.
 * @throws RECIPE_INVALID with every issue of a file; RECIPES_MISSING
 */
export async function loadRecipes(dir?: string, own?: OwnRecipes): Promise<Recipes> {
  const base = dir ?? join(await packageRoot(), 'recipes');
  if (!(await exists(join(base, 'release.yaml')))) {
    throw new TurnbuildError('RECIPES_MISSING', `No recipes found in ${base}: release.yaml is missing`);
  }
  const recipes: Layers = { base, own: own?.recipes };
  const patches: Layers = { base: join(dirname(base), 'patches'), own: own?.patches };
  await requireKnownEntries(recipes);
  const read = async <T>(
    layers: Layers,
    name: string,
    schema: Parameters<typeof parseRecipeFile<T>>[2],
  ): Promise<T> => {
    const file = await layered(layers, name);
    return parseRecipeFile<T>(file, await readText(file), schema);
  };
  const targets = (await layeredFiles(recipes)).filter((name) => /^targets\/[^/]*\.yaml$/.test(name));
  const parsed = {
    release: await read(recipes, 'release.yaml', releaseSchema),
    targets: parseTargets(
      await Promise.all(
        targets.map(async (name) => {
          const path = await layered(recipes, name);
          return { path, text: await readText(path) };
        }),
      ),
    ),
    compatibility: await read(patches, 'compatibility.yaml', compatibilitySchema),
    metrics: await read(recipes, 'metrics.yaml', metricsSchema),
    deviations: await read(recipes, 'deviations.yaml', deviationsSchema),
    advisories: await read(recipes, 'advisories.yaml', advisoriesSchema),
    quarantine: await read(recipes, 'quarantine.yaml', quarantineSchema),
    machine: await read(recipes, 'machine.yaml', machineSchema),
  };
  const merged = own === undefined ? undefined : await mergeLayers({ recipes, patches }, own.cache);
  return {
    dir: merged === undefined ? base : join(merged, 'recipes'),
    patches: merged === undefined ? patches.base : join(merged, 'patches'),
    ...parsed,
  };
}

/**
 * Refuses unknown names at the top level of a project's recipes, e.g. `target/` for `targets/`, which would silently have no effect, and a lock
 * file, which would replace the built-in pins.
 * @throws PROJECT_INVALID
 */
async function requireKnownEntries({ base, own }: Layers): Promise<void> {
  if (own === undefined) return;
  const known = (await readdir(base)).filter((name) => name !== LOCK);
  for (const name of await readdir(own)) {
    if (known.includes(name) || /^(\.|README)/.test(name)) continue;
    const near = nearestName(name, known);
    throw usageError(
      'PROJECT_INVALID',
      name === LOCK
        ? `${join(own, name)} would replace the built-in pins`
        : `${join(own, name)}: unknown file or folder in recipes${near === undefined ? '' : `; did you mean "${near}"?`}`,
      name === LOCK
        ? "A project's pins are in turnbuild.lock.json, beside turnbuild.yaml."
        : `Known: ${known.join(', ')}.`,
    );
  }
}
