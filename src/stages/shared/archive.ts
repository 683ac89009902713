import type { ArchiveState, Io } from '../../io/index.ts';
import { type Mirrors, type PackageOrigin, repositoryAddresses, suitesOf } from '../../plan/archives.ts';
import { targetOfStep } from '../../plan/index.ts';
import type { Arch } from '../../plan/platforms.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { Sysroot, Target } from '../../recipe/schema.ts';
import type { StageContext } from './context.ts';

/** Output of the build stage with the state of the archive that its toolchain came from. */
export const ARCHIVE_FILE = 'archive.txt';

/**
 * Reads the state of each suite once, so that all packages of a run use the same toolchain.
 * @returns undefined if no archive is known: base images then come from a registry, with their own archives
 */
export function archiveReader(
  io: Io,
  cache: string,
  mirrors: Mirrors,
): (origin: PackageOrigin) => Promise<ArchiveState | undefined> {
  const asked = new Map<string, Promise<ArchiveState | undefined>>();
  return (origin) => {
    // Archives may have suites of the same name, and targets may use different components of one.
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

/** The repositories that a sysroot is filled from: their addresses and their current state. */
export interface Repositories {
  addresses: string[];
  state: () => Promise<ArchiveState>;
}

/** Finds the repositories of a sysroot. Reads their state only when needed, and once in a run. */
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
 * Build arguments with the addresses and metadata of a step's repositories, so that dnf gets the same state. None for a
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

/** The current state of the archive that a step's target comes from. Tells if the archive is unreachable. */
export async function currentArchive(
  step: PlannedStep,
  { plan, archive, onLine }: Pick<StageContext, 'plan' | 'archive' | 'onLine'>,
): Promise<ArchiveState | undefined> {
  const state = await archive(targetOfStep(plan, step));
  if (state?.unreachable !== undefined) onLine(lastKnown(state, state.unreachable));
  return state;
}

/** The message that the archive's last known state is used. @param why the archive is unreachable */
export function lastKnown({ suites }: ArchiveState, why: string): string {
  return `turnbuild: using the last known packages of ${suites.join(', ')}: ${why}`;
}

/**
 * Combines the states of all suites that a toolchain comes from. A single state stays as it is.
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
