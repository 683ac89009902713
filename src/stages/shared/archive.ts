import type { ArchiveState, Io } from '../../io/index.ts';
import { type Mirrors, type PackageOrigin, repositoryAddresses, suitesOf } from '../../plan/archives.ts';
import type { Arch } from '../../plan/platforms.ts';
import type { Sysroot, Target } from '../../recipe/schema.ts';

/** File of the build stage's outputs that says which state of the archive its toolchain is of. */
export const ARCHIVE_FILE = 'archive.txt';

/**
 * Asks each archive for its state once for each suite, so that all packages of a run are made of the same toolchain.
 * @returns nothing where no archive is known: base images are then those of a registry, with archives of their own
 */
export function archiveReader(
  io: Io,
  cache: string,
  mirrors: Mirrors,
): (origin: PackageOrigin) => Promise<ArchiveState | undefined> {
  const asked = new Map<string, Promise<ArchiveState | undefined>>();
  return (origin) => {
    // Two archives may have suites of one name, and two targets take other components of one.
    const key = JSON.stringify([origin.archive ?? 'debian', origin.suite]);
    const known = asked.get(key);
    const suites = suitesOf(origin, mirrors);
    if (known !== undefined || suites.length === 0) return known ?? Promise.resolve(undefined);
    const query = { cacheDir: `${cache}/archive`, signal: io.signal };
    const answer = io.readArchiveState(suites, query);
    asked.set(key, answer);
    return answer;
  };
}

/** The repositories that a sysroot is filled from: where they are, and which packages they have now. */
export interface Repositories {
  addresses: string[];
  state: () => Promise<ArchiveState>;
}

/** Finds the repositories of a sysroot. What they have is asked only when it is needed, and once in a run. */
export function repositoriesFinder(
  io: Io,
  cache: string,
  mirrors: Mirrors,
): (sysroot: Sysroot, arch: Arch) => Repositories {
  const asked = new Map<string, Promise<ArchiveState>>();
  return (sysroot, arch) => {
    const addresses = repositoryAddresses(sysroot, arch, mirrors);
    const state = () => {
      const query = { cacheDir: `${cache}/archive`, signal: io.signal };
      const answer = asked.get(addresses.join(' ')) ?? io.readRepositoryState(addresses, query);
      asked.set(addresses.join(' '), answer);
      return answer;
    };
    return { addresses, state };
  };
}

/**
 * Build arguments that say where a step's repositories are and what they have, so that dnf is shown the same; none for a
 * target without a sysroot.
 */
export async function repositoryArgs(
  { sysroot }: Target,
  arch: Arch,
  find: (sysroot: Sysroot, arch: Arch) => Repositories,
): Promise<Record<string, string>> {
  if (sysroot === undefined) return {};
  const { addresses, state } = find(sysroot, arch);
  const { metadata = [] } = await state();
  return { SYSROOT_REPOSITORIES: addresses.join(' '), SYSROOT_METADATA: metadata.join(' ') };
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
