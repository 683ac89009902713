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

/**
 * The state of all suites that a toolchain is made of, as one. One suite's is its own.
 * @param digest SHA-256 of a text
 */
export function combinedState(
  states: readonly (ArchiveState | undefined)[],
  digest: (text: string) => string,
): ArchiveState | undefined {
  const known = states.filter((state) => state !== undefined);
  const [first] = known;
  if (first === undefined || known.length === 1) return first;
  const unreachable = known.find((state) => state.unreachable !== undefined)?.unreachable;
  return {
    id: digest(known.map(({ id }) => id).join('\n')),
    suites: known.flatMap(({ suites }) => suites),
    ...(unreachable === undefined ? {} : { unreachable }),
  };
}
