import type { Artifact, Manifest } from './schema.ts';
import { digestOf, type Sha256 } from './sealed.ts';

/** A file that users get instead of one in the release's folder: a signed .rpm, or a bill of materials with the digest of its package. */
export interface PublishedFile {
  /** Path in the release's folder. */
  path: string;
  /** Digest of the release's own file, lower-case hex. */
  before: string;
  /** Size in bytes and digest of the one that users get. The same digest: they get the release's own. */
  size: number;
  sha256: string;
}

/**
 * A manifest that has both digests of each published file: that of the verified bytes, and that of the bytes that users get. Earlier ones of
 * the same file are replaced.
 */
export function withPublished(manifest: Manifest, files: readonly PublishedFile[]): Manifest {
  const found = new Map(files.map((file) => [`${file.path} ${file.before}`, file]));
  return withOutputs(manifest, (output) => {
    const { size, sha256 } = found.get(`${output.path} ${output.sha256}`) ?? {};
    if (size === undefined || sha256 === undefined) return output;
    const { published: _, ...own } = output;
    return sha256 === output.sha256 ? own : { ...own, published: { size, sha256 } };
  });
}

/** Files of which users get the release's own. */
export function unchanged(files: readonly Artifact[]): PublishedFile[] {
  return files.map(({ path, size, sha256 }) => ({ path, before: sha256, size, sha256 }));
}

/** All files of a destination: those that replace the release's own, and the others. */
export function allPublished(
  files: readonly Artifact[],
  replaced: readonly PublishedFile[],
): PublishedFile[] {
  const paths = new Set(replaced.map(({ path }) => path));
  return [...replaced, ...unchanged(files.filter(({ path }) => !paths.has(path)))];
}

/** The schema of the manifests for which `releaseDigest` was introduced. */
const DIGEST_SCHEMA = 2;

/**
 * The digest that identifies a release in plans and drafts. It stays the same when the release is published, and when a newer turnbuild writes
 * its manifest with another schema number.
 */
export function releaseDigest(manifest: Manifest, digest: Sha256): string {
  const unpublished = withOutputs(manifest, ({ published: _, ...output }) => output);
  return digestOf({ ...unpublished, schema: DIGEST_SCHEMA }, digest);
}

function withOutputs(manifest: Manifest, change: (output: Artifact) => Artifact): Manifest {
  return {
    ...manifest,
    steps: manifest.steps.map((step) => ({ ...step, outputs: step.outputs.map(change) })),
  };
}
