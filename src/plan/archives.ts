import type { Archive } from '../recipe/schema.ts';
import { ARCHITECTURES, type Arch, platformOf } from './platforms.ts';

/** Where packages come from: addresses of archives. */
export interface Mirrors {
  debian?: string | undefined;
  security?: string | undefined;
  /** Of other archives, by the name that recipes have for them, or `NAME/ARCH` where an architecture has an address of its own. */
  named?: Readonly<Record<string, string>>;
}

/** A suite of an archive, and the archive's address. */
export interface ArchiveSuite {
  mirror: string;
  suite: string;
}

/** What packages are taken from: a release of Debian, or of another archive that a recipe describes. */
export interface PackageOrigin {
  suite: string;
  archive?: Archive | undefined;
}

/** The suites that packages of a Debian release come from: as it was released, its updates, and its security updates. */
export function archiveSuites(suite: string, { debian, security }: Mirrors): ArchiveSuite[] {
  if (debian === undefined) return [];
  return [
    { mirror: debian, suite },
    { mirror: debian, suite: `${suite}-updates` },
    ...(security === undefined ? [] : [{ mirror: security, suite: `${suite}-security` }]),
  ];
}

/** The suites that packages come from, for all architectures. None if nobody has said where they are. */
export function suitesOf(origin: PackageOrigin, mirrors: Mirrors): ArchiveSuite[] {
  const { suite, archive } = origin;
  if (archive === undefined) return archiveSuites(suite, mirrors);
  const addresses = new Set(ARCHITECTURES.map((arch) => mirrorOf(archive, arch, mirrors)));
  return [...addresses].flatMap((mirror) =>
    mirror === undefined ? [] : archive.suites.map((name) => ({ mirror, suite: name })),
  );
}

/** The lines of sources.list(5) for a root; they serve all architectures, because what is compiled in it is for another one. */
export function sourcesList(origin: PackageOrigin, mirrors: Mirrors): string[] {
  const { suite, archive } = origin;
  if (archive === undefined)
    return archiveSuites(suite, mirrors).map((each) => `deb ${each.mirror} ${each.suite} main`);
  const addresses = new Map<string, Arch[]>();
  for (const arch of ARCHITECTURES) {
    const mirror = mirrorOf(archive, arch, mirrors);
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
  return (archive === undefined ? mirrors.debian : mirrorOf(archive, arch, mirrors)) !== undefined;
}

function mirrorOf({ name }: Archive, arch: Arch, { named = {} }: Mirrors): string | undefined {
  return named[`${name}/${arch}`] ?? named[name];
}
