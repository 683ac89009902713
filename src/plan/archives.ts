import { TurnbuildError } from '../errors.ts';
import type { Archive, Sysroot, Target } from '../recipe/schema.ts';
import { ARCHITECTURES, type Arch, platformOf } from './platforms.ts';

/** Addresses of the mirrors that packages come from. */
export interface Mirrors {
  debian?: string | undefined;
  security?: string | undefined;
  /** Mirrors of other archives, by their name in recipes, or by `NAME/ARCH` if an architecture has its own address. */
  named?: Readonly<Record<string, string>>;
}

/** A suite of an archive, e.g. `trixie-updates`, and the mirror that it is read from. */
export interface ArchiveSuite {
  mirror: string;
  suite: string;
  /** Components to use, e.g. `main` and `universe`. */
  components: readonly string[];
}

/** Debian's component of free software. */
const MAIN = ['main'];

/** Where packages come from: a release of Debian, or of another archive that a recipe describes. */
export interface PackageOrigin {
  suite: string;
  archive?: Archive | undefined;
}

/** The suites of a Debian release: the release itself, its updates, and its security updates. */
export function archiveSuites(suite: string, { debian, security }: Mirrors): ArchiveSuite[] {
  if (debian === undefined) return [];
  return [
    { mirror: debian, suite, components: MAIN },
    { mirror: debian, suite: `${suite}-updates`, components: MAIN },
    ...(security === undefined ? [] : [{ mirror: security, suite: `${suite}-security`, components: MAIN }]),
  ];
}

/** The suites that packages come from, for all architectures; empty if no mirror is known. */
export function suitesOf(origin: PackageOrigin, mirrors: Mirrors): ArchiveSuite[] {
  const { suite, archive } = origin;
  if (archive === undefined) return archiveSuites(suite, mirrors);
  const addresses = new Set(ARCHITECTURES.map((arch) => addressOf(archive.name, arch, mirrors)));
  return [...addresses].flatMap((mirror) =>
    mirror === undefined
      ? []
      : archive.suites.map((name) => ({ mirror, suite: name, components: archive.components })),
  );
}

/** The lines of sources.list(5) for a base image, for all architectures, because it also cross-compiles. */
export function sourcesList(origin: PackageOrigin, mirrors: Mirrors): string[] {
  const { suite, archive } = origin;
  if (archive === undefined)
    return archiveSuites(suite, mirrors).map(
      (each) => `deb ${each.mirror} ${each.suite} ${each.components.join(' ')}`,
    );
  const addresses = new Map<string, Arch[]>();
  for (const arch of ARCHITECTURES) {
    const mirror = addressOf(archive.name, arch, mirrors);
    if (mirror !== undefined) addresses.set(mirror, [...(addresses.get(mirror) ?? []), arch]);
  }
  const components = archive.components.join(' ');
  return [...addresses].flatMap(([mirror, arches]) => {
    const names = arches.map((arch) => platformOf(arch).debian).join(',');
    const only = arches.length === ARCHITECTURES.length ? '' : `[arch=${names}] `;
    return archive.suites.map((name) => `deb ${only}${mirror} ${name} ${components}`);
  });
}

/** Whether a mirror with packages for an architecture is known. */
export function isReachable({ archive }: PackageOrigin, arch: Arch, mirrors: Mirrors): boolean {
  return (archive === undefined ? mirrors.debian : addressOf(archive.name, arch, mirrors)) !== undefined;
}

/** Names of a target's archives and repositories without a known address. */
export function unknownMirrors(target: Target, arch: Arch, mirrors: Mirrors): string[] {
  const names = unknownNames(target.sysroot?.repositories ?? [], arch, mirrors);
  const own = isReachable(target, arch, mirrors) ? [] : [target.archive?.name ?? 'debian'];
  return [...new Set([...own, ...names])];
}

/**
 * Addresses of the repositories that a sysroot is filled from: the mirrors' addresses, otherwise the recipe's.
 * @throws MIRROR_UNKNOWN if a repository has neither
 */
export function repositoryAddresses({ repositories }: Sysroot, arch: Arch, mirrors: Mirrors): string[] {
  const unknown = unknownNames(repositories, arch, mirrors);
  if (unknown.length > 0) {
    throw new TurnbuildError(
      'MIRROR_UNKNOWN',
      `No address is known for the repositories ${unknown.map((name) => `"${name}"`).join(' and ')}`,
      {
        hint: `Pass ${unknown.map((name) => `--mirror ${name}=URL`).join(' ')}, the addresses that contain ${repositories
          .filter(({ mirror }) => unknown.includes(mirror))
          .map(({ mirror, path }) => `${path} (${mirror})`)
          .join(', ')}.`,
      },
    );
  }
  return repositories.map(
    ({ mirror, path, address }) =>
      `${addressOf(mirror, arch, mirrors) ?? address}/${path.replaceAll('{arch}', platformOf(arch).rpm)}`,
  );
}

function unknownNames(repositories: Sysroot['repositories'], arch: Arch, mirrors: Mirrors): string[] {
  const unknown = repositories.filter(
    ({ mirror, address }) => (addressOf(mirror, arch, mirrors) ?? address) === undefined,
  );
  return [...new Set(unknown.map(({ mirror }) => mirror))];
}

function addressOf(name: string, arch: Arch, { named = {} }: Mirrors): string | undefined {
  return named[`${name}/${arch}`] ?? named[name];
}
