import { TurnbuildError } from '../errors.ts';
import type { Archive, Sysroot, Target } from '../recipe/schema.ts';
import { ARCHITECTURES, type Arch, platformOf } from './platforms.ts';

/** Where packages come from: mirrors of package archives, by address. */
export interface Mirrors {
  debian?: string | undefined;
  security?: string | undefined;
  /** Of other archives, by the name that recipes have for them, or `NAME/ARCH` where an architecture has an address of its own. */
  named?: Readonly<Record<string, string>>;
}

/** A suite of an archive, e.g. `trixie-updates`, and the mirror that it is read from. */
export interface ArchiveSuite {
  mirror: string;
  suite: string;
  /** Those that packages are taken from, e.g. `main` and `universe`. */
  components: readonly string[];
}

/** Debian's own: what is free, and needs nothing that is not. */
const MAIN = ['main'];

/** What packages are taken from: a release of Debian, or of another archive that a recipe describes. */
export interface PackageOrigin {
  suite: string;
  archive?: Archive | undefined;
}

/** The suites that packages of a Debian release come from: as it was released, its updates, and its security updates. */
export function archiveSuites(suite: string, { debian, security }: Mirrors): ArchiveSuite[] {
  if (debian === undefined) return [];
  return [
    { mirror: debian, suite, components: MAIN },
    { mirror: debian, suite: `${suite}-updates`, components: MAIN },
    ...(security === undefined ? [] : [{ mirror: security, suite: `${suite}-security`, components: MAIN }]),
  ];
}

/** The suites that packages come from, for all architectures. None if nobody has said where they are. */
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

/** The lines of sources.list(5) for a base image; they serve all architectures, because what is compiled in it is for another one. */
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

/** Whether it is known where packages for an architecture are. */
export function isReachable({ archive }: PackageOrigin, arch: Arch, mirrors: Mirrors): boolean {
  return (archive === undefined ? mirrors.debian : addressOf(archive.name, arch, mirrors)) !== undefined;
}

/** Names of the archives and repositories of a target that nobody has given an address of. */
export function unknownMirrors(target: Target, arch: Arch, mirrors: Mirrors): string[] {
  const names = unknownNames(target.sysroot?.repositories ?? [], arch, mirrors);
  const own = isReachable(target, arch, mirrors) ? [] : [target.archive?.name ?? 'debian'];
  return [...new Set([...own, ...names])];
}

/**
 * Addresses of the repositories that a sysroot is filled from: their mirrors', else those of the recipe.
 * @throws MIRROR_UNKNOWN if one of them has none
 */
export function repositoryAddresses({ repositories }: Sysroot, arch: Arch, mirrors: Mirrors): string[] {
  const unknown = unknownNames(repositories, arch, mirrors);
  if (unknown.length > 0) {
    throw new TurnbuildError(
      'MIRROR_UNKNOWN',
      `Nothing says where the repositories ${unknown.map((name) => `"${name}"`).join(' and ')} are`,
      {
        hint: `Name them: ${unknown.map((name) => `--mirror ${name}=URL`).join(' ')}, the addresses that ${repositories
          .filter(({ mirror }) => unknown.includes(mirror))
          .map(({ mirror, path }) => `${path} (${mirror})`)
          .join(', ')} are beneath.`,
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
