import { join } from 'node:path';
import { exists, readText, sha256Text, writeText } from '../io/files.ts';
import { MANIFEST_SCHEMA, type Manifest, manifestSchema } from '../manifest/schema.ts';
import { formatManifest, inOrder, parseManifest, withBase, withStep } from '../manifest/store.ts';
import { planDigest } from '../plan/document.ts';
import { releaseVersion } from '../plan/package-version.ts';
import { packageVersion } from './recipes.ts';
import type { PlannedRelease } from './session.ts';
import type { ManifestStore } from './step.ts';

/** manifest.json of a release's folder, if it has one. */
export async function readManifest(dir: string): Promise<Manifest | undefined> {
  const file = join(dir, 'manifest.json');
  return (await exists(file)) ? parseManifest(file, await readText(file), sha256Text) : undefined;
}

/**
 * Opens manifest.json of a release's folder, or begins one. Steps of the old one are kept where their source is the
 * same; their keys decide whether they are current. Each change is on the disk before the next step begins.
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
    // Other sources under the same version make everything else another thing.
    steps: old?.source?.tree === plan.source?.tree ? (old?.steps ?? []) : [],
  };
  // Writes wait for each other: the last one on the disk is the newest.
  let writing: Promise<void> = Promise.resolve();
  const change = async (next: Manifest) => {
    // What would not be read back must never be written.
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
