import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { exists, readText, sha256Text, writeText } from '../io/files.ts';
import { MANIFEST_SCHEMA, type Manifest, manifestSchema } from '../manifest/schema.ts';
import { formatManifest, inOrder, parseManifest, withBase, withStep } from '../manifest/store.ts';
import { planDigest } from '../plan/document.ts';
import { makesImages } from '../plan/machine.ts';
import { releaseVersion } from '../plan/package-version.ts';
import type { RecipeCommit } from './recipe-commit.ts';
import { packageVersion } from './recipes.ts';
import type { PlannedRelease } from './session.ts';
import type { ManifestStore } from './step.ts';

/** Reads manifest.json in a release's folder, if it exists. */
export async function readManifest(dir: string): Promise<Manifest | undefined> {
  const file = join(dir, 'manifest.json');
  return (await exists(file)) ? parseManifest(file, await readText(file), sha256Text) : undefined;
}

/**
 * Opens or creates manifest.json in a release's folder. Keeps the old steps if the source is the same; their keys decide
 * whether they are current. Each change is written before the next step starts. A run that makes images changes nothing else.
 * @param recipes the commit of the recipes, which is recorded with each step that they made
 */
export async function openManifest(release: PlannedRelease, recipes?: RecipeCommit): Promise<ManifestStore> {
  const file = join(release.dir, 'manifest.json');
  const { plan, document } = release;
  const old = await readManifest(release.dir);
  const turnbuild = await packageVersion();
  let manifest =
    makesImages(plan) && old !== undefined
      ? { ...ofSameSource(old, release), turnbuild }
      : headed(release, turnbuild, old);
  // Writes are serialised, so that the newest one is the last.
  let writing: Promise<void> = Promise.resolve();
  const change = async (next: Manifest) => {
    // Never write a manifest that could not be read back.
    manifest = manifestSchema.parse(inOrder(next, document?.steps ?? plan.steps));
    writing = writing.then(() => writeText(file, formatManifest(manifest, sha256Text)));
    await writing;
  };
  await change(manifest);
  return {
    earlier: old?.steps ?? [],
    read: () => manifest,
    // A package that was given as a file is not planned.
    record: (step) =>
      change(
        withStep(manifest, recipes === undefined || step.planned === undefined ? step : { ...step, recipes }),
      ),
    recordBase: (base) => change(withBase(manifest, base)),
  };
}

/** The manifest of the release that images are made of. @throws STEP_STALE if it has other sources */
function ofSameSource(old: Manifest, { plan, dir }: PlannedRelease): Manifest {
  if (old.source?.tree === plan.source?.tree) return old;
  throw new TurnbuildError('STEP_STALE', `The packages in ${dir} were built from other sources`, {
    hint: 'Pass the same --source, or run `turnbuild release` with these sources first.',
  });
}

/** A manifest of the planned release, with the old steps if the source is the same. */
function headed({ plan, document }: PlannedRelease, turnbuild: string, old: Manifest | undefined): Manifest {
  return {
    schema: MANIFEST_SCHEMA,
    turnbuild,
    ...(document === undefined || makesImages(plan) ? {} : { plan: planDigest(document, sha256Text) }),
    coturn: plan.coturn,
    packageVersion:
      document === undefined ? (plan.steps[0]?.packageVersion ?? '') : releaseVersion(plan.coturn),
    ...(plan.source === undefined ? {} : { source: plan.source }),
    advisories: plan.advisories,
    bases: old?.bases ?? [],
    // With other sources of the same version, all old steps are invalid.
    steps: old?.source?.tree === plan.source?.tree ? (old?.steps ?? []) : [],
  };
}
