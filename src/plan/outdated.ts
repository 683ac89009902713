import { gt, rsort } from 'semver';
import { type ApplicableAdvisory, advisoriesFor, type KnownAdvisory } from '../recipe/advisories.ts';
import { comparableVersion, versionIn } from '../recipe/coturn-version.ts';
import { compareDebianVersions } from './debian-version.ts';

/** A library that is a part of programs, as the build has recorded it. */
export interface LinkedLibrary {
  /** Source package. */
  package: string;
  version: string;
  /** The release that it was taken from, e.g. `bookworm`. */
  suite: string;
}

/** A version of a source package that an archive has now. */
export interface OfferedVersion {
  package: string;
  version: string;
  /** `bookworm-security` */
  suite: string;
}

/** What has become of a library since it was linked in. */
export interface LibraryState extends LinkedLibrary {
  /** The newest version of its release; undefined if the archive has none any more. */
  newest: string | undefined;
  /** Where that is. */
  offeredIn: string | undefined;
  /** Newer than what is linked in. */
  outdated: boolean;
  /** One of the newer versions is a security update. */
  security: boolean;
}

/** What has become of an official image since base images were made of it. */
export interface ImageState {
  /** Name and tag: `debian:trixie-slim`. */
  image: string;
  digest: string;
  /** The digest that the tag names now; undefined if no registry has said it. */
  newest: string | undefined;
  outdated: boolean;
}

/** Official images of a manifest's base images, each once: `debian:trixie-slim` and its digest. One without a tag never changes. */
export function taggedImages(
  bases: readonly { image?: string | undefined }[],
): { image: string; digest: string }[] {
  const references = [...new Set(bases.map(({ image = '' }) => image))].sort();
  return references.flatMap((reference) => {
    const [, image, digest] = /^(.+:[^:/@]+)@(sha256:.+)$/.exec(reference) ?? [];
    return image === undefined || digest === undefined ? [] : [{ image, digest }];
  });
}

/** What has become of coturn. */
export interface CoturnState {
  version: string;
  newest: string;
  outdated: boolean;
  /** Known vulnerabilities of the version here, most severe first. */
  advisories: ApplicableAdvisory[];
  /** Ids of those that the newest one has no more. */
  fixed: string[];
  /** A release with all fixes, if there is one: where the newest one has not. */
  remedy: string | undefined;
}

/** Lines `SOURCE-PACKAGE VERSION SUITE ...` of builds -> each library once, by name. */
export function linkedLibraries(lines: readonly string[]): LinkedLibrary[] {
  const all = [...new Set(lines)].map((line) => {
    const [name = '', version = '', suite = ''] = line.split(' ');
    return { package: name, version, suite };
  });
  const unique = new Map(all.map((each) => [`${each.package} ${each.version} ${each.suite}`, each]));
  return [...unique.values()].sort((a, b) => (a.package < b.package ? -1 : 1));
}

/** The suites of an archive in which a release gets newer versions. */
export function isSuiteOf(release: string, suite: string): boolean {
  return [release, `${release}-updates`, `${release}-security`].includes(suite);
}

/** Compares what is linked in with what the archive has now. */
export function libraryState(library: LinkedLibrary, offered: readonly OfferedVersion[]): LibraryState {
  const candidates = offered
    .filter((each) => each.package === library.package && isSuiteOf(library.suite, each.suite))
    // Of the same version in several suites, the security updates are to be named.
    .sort((a, b) => compareDebianVersions(b.version, a.version) || (a.suite > b.suite ? -1 : 1));
  const newer = candidates.filter(({ version }) => compareDebianVersions(version, library.version) > 0);
  const [newest] = candidates;
  const security = newer.filter(({ suite }) => suite.endsWith('-security'));
  const named =
    newest === undefined ? undefined : (security.find(({ version }) => version === newest.version) ?? newest);
  return {
    ...library,
    newest: named?.version,
    offeredIn: named?.suite,
    outdated: newer.length > 0,
    security: security.length > 0,
  };
}

/** Compares coturn itself. @param newest of the releases that may be shipped */
export function coturnState(version: string, newest: string, known: readonly KnownAdvisory[]): CoturnState {
  const outdated = gt(comparableVersion(newest), comparableVersion(version));
  const advisories = advisoriesFor(version, known);
  const remains = (id: string) => known.some((each) => each.id === id && versionIn(newest, each.affected));
  const fixed = outdated ? advisories.map(({ id }) => id).filter((id) => !remains(id)) : [];
  // The last of the fixing releases has the earlier fixes too, unless a later line of releases is affected again.
  const [last] = rsort(advisories.map((each) => each.fixed));
  const complete =
    last !== undefined &&
    !advisories.some(({ id }) => known.some((each) => each.id === id && versionIn(last, each.affected)));
  const remedy = complete && fixed.length < advisories.length ? last : undefined;
  return { version, newest, outdated, advisories, fixed, remedy };
}

/** A target, and what its packages are. */
export interface PackagedTarget {
  target: string;
  rpm: boolean;
  /** Libraries are a part of its programs. */
  linksIn: boolean;
}

/** Targets whose libraries are those of an rpm distribution: what is newer there can't be told here. */
export function unknownTargets(targets: readonly PackagedTarget[]): string[] {
  return [
    ...new Set(targets.filter(({ rpm, linksIn }) => rpm && !linksIn).map(({ target }) => target)),
  ].sort();
}
