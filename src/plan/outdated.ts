import { gt, rsort } from 'semver';
import { type ApplicableAdvisory, advisoriesFor, type KnownAdvisory } from '../recipe/advisories.ts';
import { comparableVersion, versionIn } from '../recipe/coturn-version.ts';
import type { Cloud } from '../recipe/machine.ts';
import { compareDebianVersions } from './debian-version.ts';
import type { Arch } from './platforms.ts';

/** A source package of a distribution that is statically linked into the programs, or installed in a machine image. */
export interface UsedSource {
  /** Source package. */
  package: string;
  version: string;
  /** The release that it came from, e.g. `bookworm`. */
  suite: string;
}

/** A version of a source package that is currently in an archive. */
export interface OfferedVersion {
  package: string;
  version: string;
  /** `bookworm-security` */
  suite: string;
}

/** A source package compared with the archive. */
export interface SourceState extends UsedSource {
  /** The newest version in its release; undefined if the archive no longer has any. */
  newest: string | undefined;
  /** The suite with the newest version. */
  offeredIn: string | undefined;
  /** A newer version is available. */
  outdated: boolean;
  /** One of the newer versions is a security update. */
  security: boolean;
}

/** A machine image compared with the archive. */
export interface MachineImageState {
  /** Name of its file. */
  image: string;
  cloud: Cloud;
  arch: Arch;
  /** Number of its source packages that the archive also has. */
  compared: number;
  /** Those with newer versions. */
  packages: SourceState[];
  outdated: boolean;
  /** One of the newer versions is a security update. */
  security: boolean;
}

/** A machine image in a manifest. */
export interface MachineImage extends Pick<MachineImageState, 'image' | 'cloud' | 'arch'> {
  /** Its source packages, except coturn, which is no package of the distribution. */
  sources: UsedSource[];
}

/** The source packages in lines `NAME VERSION SOURCE-PACKAGE ITS-VERSION`, without duplicates, sorted by name. @param suite e.g. `trixie` */
export function installedSources(lines: readonly string[], suite: string): UsedSource[] {
  const sources = lines.map((line) => line.split(' ').slice(2));
  const others = sources.filter(([name]) => name !== 'coturn');
  return linkedLibraries(others.map((source) => [...source, suite].join(' ')));
}

/** Compares a machine image with the archive. @param states of its source packages, and of others */
export function machineImageState(
  { sources, ...image }: MachineImage,
  states: readonly SourceState[],
): MachineImageState {
  const own = states.filter((state) =>
    sources.some(
      (each) =>
        each.package === state.package && each.version === state.version && each.suite === state.suite,
    ),
  );
  const packages = own.filter(({ outdated }) => outdated);
  return {
    ...image,
    compared: own.filter(({ newest }) => newest !== undefined).length,
    packages,
    outdated: packages.length > 0,
    security: packages.some(({ security }) => security),
  };
}

/** An official image that base images were made from, compared with the current digest of its tag. */
export interface ImageState {
  /** Name and tag: `debian:trixie-slim`. */
  image: string;
  digest: string;
  /** The current digest of the tag; undefined if it could not be resolved. */
  newest: string | undefined;
  outdated: boolean;
}

/** The official images of a manifest's base images, without duplicates. Omits images without a tag, which never change. */
export function taggedImages(
  bases: readonly { image?: string | undefined }[],
): { image: string; digest: string }[] {
  const references = [...new Set(bases.map(({ image = '' }) => image))].sort();
  return references.flatMap((reference) => {
    const [, image, digest] = /^(.+:[^:/@]+)@(sha256:.+)$/.exec(reference) ?? [];
    return image === undefined || digest === undefined ? [] : [{ image, digest }];
  });
}

/** The packaged coturn compared with the newest release. */
export interface CoturnState {
  version: string;
  newest: string;
  outdated: boolean;
  /** Known vulnerabilities of the packaged version, most severe first. */
  advisories: ApplicableAdvisory[];
  /** Ids of those that the newest version fixes. */
  fixed: string[];
  /** A release with all fixes, if there is one and the newest version lacks some. */
  remedy: string | undefined;
}

/** Lines `SOURCE-PACKAGE VERSION SUITE ...` of builds -> libraries without duplicates, sorted by name. */
export function linkedLibraries(lines: readonly string[]): UsedSource[] {
  const all = [...new Set(lines)].map((line) => {
    const [name = '', version = '', suite = ''] = line.split(' ');
    return { package: name, version, suite };
  });
  const unique = new Map(all.map((each) => [`${each.package} ${each.version} ${each.suite}`, each]));
  return [...unique.values()].sort((a, b) => (a.package < b.package ? -1 : 1));
}

/** Whether a suite has newer versions for a release: the release itself, its updates or its security updates. */
export function isSuiteOf(release: string, suite: string): boolean {
  return [release, `${release}-updates`, `${release}-security`].includes(suite);
}

/** Compares a source package with the archive. */
export function sourceState(used: UsedSource, offered: readonly OfferedVersion[]): SourceState {
  const candidates = offered
    .filter((each) => each.package === used.package && isSuiteOf(used.suite, each.suite))
    // If several suites have the same version, prefer the security updates.
    .sort((a, b) => compareDebianVersions(b.version, a.version) || (a.suite > b.suite ? -1 : 1));
  const newer = candidates.filter(({ version }) => compareDebianVersions(version, used.version) > 0);
  const [newest] = candidates;
  const security = newer.filter(({ suite }) => suite.endsWith('-security'));
  const named =
    newest === undefined ? undefined : (security.find(({ version }) => version === newest.version) ?? newest);
  return {
    ...used,
    newest: named?.version,
    offeredIn: named?.suite,
    outdated: newer.length > 0,
    security: security.length > 0,
  };
}

/** Compares coturn itself. @param newest the newest release that is not quarantined */
export function coturnState(version: string, newest: string, known: readonly KnownAdvisory[]): CoturnState {
  const outdated = gt(comparableVersion(newest), comparableVersion(version));
  const advisories = advisoriesFor(version, known);
  const remains = (id: string) => known.some((each) => each.id === id && versionIn(newest, each.affected));
  const fixed = outdated ? advisories.map(({ id }) => id).filter((id) => !remains(id)) : [];
  // The newest fixing release also has the earlier fixes, unless a later release line is affected again.
  const [last] = rsort(advisories.map((each) => each.fixed));
  const complete =
    last !== undefined &&
    !advisories.some(({ id }) => known.some((each) => each.id === id && versionIn(last, each.affected)));
  const remedy = complete && fixed.length < advisories.length ? last : undefined;
  return { version, newest, outdated, advisories, fixed, remedy };
}

/** A target and the kind of its packages. */
export interface PackagedTarget {
  target: string;
  rpm: boolean;
  /** Its programs are statically linked. */
  linksIn: boolean;
}

/** Targets with the libraries of an rpm distribution, whose updates are not looked up. */
export function unknownTargets(targets: readonly PackagedTarget[]): string[] {
  return [
    ...new Set(targets.filter(({ rpm, linksIn }) => rpm && !linksIn).map(({ target }) => target)),
  ].sort();
}
