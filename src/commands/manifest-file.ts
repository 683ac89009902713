import { join } from 'node:path';
import { exists, readText, sha256Text, writeText } from '../io/files.ts';
import { MANIFEST_SCHEMA, type Manifest, manifestSchema } from '../manifest/schema.ts';
import { formatManifest, parseManifest, withBase, withStep } from '../manifest/store.ts';
import type { ResolvedSource } from '../stages/source.ts';
import type { ManifestStore } from './run-plan.ts';
import type { PlannedRelease } from './session.ts';

/**
 * Opens manifest.json of a release's folder, or begins one. Steps of the old one are kept where their source is the
 * same; their keys decide whether they are current. Each change is on the disk before the next step begins.
 */
export async function openManifest(release: PlannedRelease): Promise<ManifestStore> {
  const file = join(release.dir, 'manifest.json');
  const { source, plan } = release;
  const old = (await exists(file)) ? parseManifest(file, await readText(file), sha256Text) : undefined;
  let manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    coturn: plan.coturn,
    ...(source === undefined ? {} : { source: recorded(source) }),
    advisories: plan.advisories,
    bases: old?.bases ?? [],
    // Other sources under the same version make everything else another thing.
    steps: old?.source?.tree === source?.tree ? (old?.steps ?? []) : [],
  };
  // Writes wait for each other: the last one on the disk is the newest.
  let writing: Promise<void> = Promise.resolve();
  const change = async (next: Manifest) => {
    // What would not be read back must never be written.
    manifest = manifestSchema.parse(next);
    writing = writing.then(() => writeText(file, formatManifest(manifest, sha256Text)));
    await writing;
  };
  await change(manifest);
  return {
    read: () => manifest,
    record: (step) => change(withStep(manifest, step)),
    recordBase: (base) => change(withBase(manifest, base)),
  };
}

function recorded(source: ResolvedSource): NonNullable<Manifest['source']> {
  const { provider, location, sha256, tree, commit, gitTree } = source;
  return {
    provider,
    location,
    sha256,
    tree,
    ...(commit === undefined ? {} : { commit }),
    ...(gitTree === undefined ? {} : { gitTree }),
  };
}
