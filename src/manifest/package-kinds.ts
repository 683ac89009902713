import type { Artifact } from './schema.ts';

type Kind = Artifact['kind'];

/** The kind of a file made by the package stage, by its name. */
export function kindOfPackageFile(path: string): Kind {
  if (path.endsWith('.cdx.json')) return 'sbom';
  if (path.endsWith('.deb')) return path.includes('-dbgsym_') ? 'deb-dbgsym' : 'deb';
  if (path.endsWith('.src.rpm')) return 'rpm-source';
  if (path.endsWith('.rpm')) return path.includes('-debuginfo-') ? 'rpm-debuginfo' : 'rpm';
  return 'tarball';
}

/** Whether users install, unpack or boot the file: packages and machine images. */
export function isPackage({ kind }: Artifact): boolean {
  return kind === 'deb' || kind === 'rpm' || kind === 'tarball' || isImage({ kind });
}

/** Whether the file is a machine image. */
export function isImage({ kind }: Pick<Artifact, 'kind'>): boolean {
  return kind === 'image';
}

/** Whether the file accompanies a package: debug symbols, sources, bill of materials. */
export function isCompanion({ kind }: Artifact): boolean {
  return (
    kind === 'deb-dbgsym' ||
    kind === 'rpm-debuginfo' ||
    kind === 'rpm-source' ||
    kind === 'sbom' ||
    kind === 'package-list'
  );
}
