import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { readText, sha256Text, writeText } from '../io/files.ts';
import { type PublishedFile, unchanged } from '../manifest/published.ts';
import type { Artifact, Manifest } from '../manifest/schema.ts';
import { sbomFile } from '../plan/package-version.ts';

/** The folder of published bills of materials, in the release's folder. */
export const SBOMS = 'sbom';
/** End of the name of a bill of materials. */
export const SBOM_SUFFIX = '.cdx.json';

/**
 * Writes bills of materials that name the digest of their package. The one in a package can't, and that of the release's folder is a copy of
 * it: a package exists only afterwards, and an .rpm is signed even later.
 * @param files of one release
 * @param published path of a package -> digest of the one that users get instead
 * @param into the folder for them
 * @throws SBOM_INVALID
 */
export async function publishedSboms(
  files: readonly Artifact[],
  published: ReadonlyMap<string, string>,
  { dir, into }: { dir: string; into: string },
): Promise<PublishedFile[]> {
  const all = new Map(files.map((file) => [file.path, file]));
  const written: PublishedFile[] = [];
  for (const { path, sha256 } of all.values()) {
    const sbom = all.get(sbomFile(path));
    if (sbom?.kind !== 'sbom') continue;
    const text = sbomOfPackage(join(dir, sbom.path), await readText(join(dir, sbom.path)), {
      sha256: published.get(path) ?? sha256,
    });
    await writeText(join(into, sbom.path), text);
    const [before, size] = [sbom.sha256, Buffer.byteLength(text)];
    written.push({ path: sbom.path, before, size, sha256: sha256Text(text) });
  }
  return written;
}

/**
 * Adds the bills of materials that a manifest must no longer name: they are about a package for which users get another one now.
 * @param files what users get now
 */
export function withOutdatedSboms(manifest: Manifest, files: readonly PublishedFile[]): PublishedFile[] {
  const outputs = manifest.steps.flatMap((step) => step.outputs);
  const given = new Set(files.map(({ path }) => path));
  const changed = files.filter(({ path, before, sha256 }) =>
    outputs.some(
      (own) => own.path === path && own.sha256 === before && (own.published?.sha256 ?? before) !== sha256,
    ),
  );
  const sboms = new Set(changed.map(({ path }) => sbomFile(path)));
  const isOutdated = ({ kind, path }: Artifact) => kind === 'sbom' && sboms.has(path) && !given.has(path);
  return [...files, ...unchanged(outputs.filter(isOutdated))];
}

/**
 * Adds a package's digest to its bill of materials, a CycloneDX document in JSON. The serial number stays and the version increases, as
 * CycloneDX requires of a changed document (https://cyclonedx.org/docs/1.6/json/, "serialNumber" and "version").
 * @param file its path, for the message
 * @param of.sha256 lower-case hex
 */
export function sbomOfPackage(file: string, text: string, { sha256 }: { sha256: string }): string {
  const document = documentIn(text);
  const component = document?.metadata?.component;
  if (document === undefined || typeof component !== 'object' || component === null)
    throw new TurnbuildError('SBOM_INVALID', `${file} is not a CycloneDX document about a package`, {
      hint: 'Build the package again with `turnbuild release`.',
    });
  const { version = 1 } = document;
  const hashes = [{ alg: 'SHA-256', content: sha256 }];
  const changed = {
    ...document,
    version: version + 1,
    metadata: { ...document.metadata, component: { ...component, hashes } },
  };
  return `${JSON.stringify(changed, null, 2)}\n`;
}

interface Document {
  version?: number;
  metadata?: { component?: unknown };
}

function documentIn(text: string): Document | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
