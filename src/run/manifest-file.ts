import { join } from 'node:path';
import { exists, readText, sha256Text, writeText } from '../io/files.ts';
import { MANIFEST_SCHEMA, type Manifest, manifestSchema } from '../manifest/schema.ts';
import { formatManifest, inOrder, parseManifest, withBase, withStep } from '../manifest/store.ts';
import { planDigest } from '../plan/document.ts';
import { releaseVersion } from '../plan/package-version.ts';
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
 * whether they are current. Each change is written before the next step starts.
 */
export async function openManifest(release: PlannedRelease): Promise<ManifestStore> {
  const file = join(release.dir, 'manifest.json');
  const { plan, document } = release;
  const old = await readManifest(release.dir);
  let manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    turnbuild: await packageVersion(),
    ...(document === undefined ? {} : { plan: planDigest(document, sha256Text) }),
    coturn: plan.coturn,
    packageVersion:
      document === undefined ? (plan.steps[0]?.packageVersion ?? '') : releaseVersion(plan.coturn),
    ...(plan.source === undefined ? {} : { source: plan.source }),
    advisories: plan.advisories,
    bases: old?.bases ?? [],
    // With other sources of the same version, all old steps are invalid.
    steps: old?.source?.tree === plan.source?.tree ? (old?.steps ?? []) : [],
  };
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
    record: (step) => change(withStep(manifest, step)),
    recordBase: (base) => change(withBase(manifest, base)),
  };
}
