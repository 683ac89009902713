import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import * as files from '../io/files.ts';
import type { Artifact } from '../manifest/schema.ts';

/** A file recorded in a manifest: the path relative to the release's folder, and the SHA-256 in lower-case hex. */
type Recorded = Pick<Artifact, 'path' | 'sha256'>;

/** Whether all files still match their records. */
export async function areIntact(outputs: readonly Recorded[], { dir }: { dir: string }): Promise<boolean> {
  for (const { path, sha256 } of outputs) if (!(await files.isIntact(join(dir, path), sha256))) return false;
  return true;
}

/**
 * Requires that a step's inputs are exactly the outputs of the previous step.
 * @param id of the step that produced them
 * @throws ARTIFACT_CHANGED
 */
export async function requireIntact(
  id: string,
  outputs: readonly Recorded[],
  { dir }: { dir: string },
): Promise<void> {
  for (const { path, sha256 } of outputs) {
    const file = join(dir, path);
    await requireSha256((await files.exists(file)) ? file : undefined, {
      sha256,
      expected: `${file} is not the file that ${id} produced`,
      hint: 'Run `turnbuild release`, which rebuilds missing or changed files.',
    });
  }
}

/**
 * @param file undefined if it is missing
 * @param wanted.sha256 lower-case hex
 * @param wanted.size in bytes, if recorded
 * @param wanted.expected start of the error message
 * @throws ARTIFACT_CHANGED
 */
export async function requireSha256(
  file: string | undefined,
  { sha256, size, expected, hint }: { sha256: string; size?: number; expected: string; hint: string },
): Promise<void> {
  const differs = (what: string) => new TurnbuildError('ARTIFACT_CHANGED', `${expected}: ${what}`, { hint });
  const found = file === undefined ? 'missing' : await files.sha256File(file);
  if (file === undefined || found !== sha256) throw differs(`sha256 ${found}, recorded ${sha256}`);
  const bytes = await files.sizeOf(file);
  if (size !== undefined && bytes !== size) throw differs(`${bytes} bytes, recorded ${size}`);
}

/**
 * Removes files of an earlier run that this run did not produce, so that they are not mistaken for new results. Keeps a file that no longer
 * matches its record, because it was changed after turnbuild wrote it.
 */
export async function removeStale(stale: readonly Recorded[], { dir }: { dir: string }): Promise<void> {
  for (const { path, sha256 } of stale) {
    const file = await files.plainFile(dir, path);
    if (file !== undefined && (await files.sha256File(file)) === sha256) await files.remove(file);
  }
}
