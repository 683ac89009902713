import type { ArchiveState, Io } from '../../io/index.ts';
import { archiveSuites, type Mirrors } from '../../plan/roots.ts';

/** File of the build stage's outputs that says which state of the archive its toolchain is of. */
export const ARCHIVE_FILE = 'archive.txt';

/**
 * Asks the archive for its state once for each suite, so that all packages of a run are made of the same toolchain.
 * @returns nothing where no archive is known: roots are then images of a registry, with archives of their own
 */
export function archiveReader(
  io: Io,
  cache: string,
  mirrors: Mirrors | undefined,
): (suite: string) => Promise<ArchiveState | undefined> {
  const asked = new Map<string, Promise<ArchiveState | undefined>>();
  return (suite) => {
    const known = asked.get(suite);
    if (known !== undefined || mirrors === undefined) return known ?? Promise.resolve(undefined);
    const query = { cacheDir: `${cache}/archive`, signal: io.signal };
    const answer = io.readArchiveState(archiveSuites(suite, mirrors), query);
    asked.set(suite, answer);
    return answer;
  };
}
