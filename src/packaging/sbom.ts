import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import type { Platform } from '../plan/platforms.ts';
import type { ApplicableAdvisory } from '../recipe/advisories.ts';
import type { Target } from '../recipe/schema.ts';
import { type Analysed, vulnerabilityOf } from './vex.ts';

/** A library that programs contain or need, and the distribution that it is of. */
export interface SbomLibrary {
  /** Source package and its version: what security trackers speak of. */
  source: string;
  sourceVersion: string;
  /** As scanners call it: `debian-12`. */
  distribution: string;
  /** The binary package, for a shared library. */
  package?: { name: string; version: string };
  /** Kind of the distribution's packages. */
  kind: 'deb' | 'rpm';
  /** Names by which programs ask for a shared library. */
  sonames: readonly string[];
}

/** What a package is made of. */
export interface SbomInput {
  /** Name of the package file. */
  file: string;
  packageVersion: string;
  format: 'deb' | 'rpm' | 'generic';
  platform: Platform;
  coturn: { version: string; sha256: string; epoch: number };
  /** SPDX names of what is linked in, by source package. */
  licenses: NonNullable<Target['staticLibraries']>['licenses'];
  libraries: readonly SbomLibrary[];
  /** What was changed in coturn's sources, and why. */
  patches: readonly string[];
  /** What is known to be wrong with this coturn, and by the advisory's id whether the shipped configuration exposes it. */
  advisories: readonly ApplicableAdvisory[];
  exposures: Readonly<Record<string, Analysed>>;
  /** SHA-256 of a text, lower-case hex. */
  digest: (text: string) => string;
}

/** Property of a component: a name that a program asks for it by. */
export const SONAME_PROPERTY = 'turnbuild:soname';

/** Lines `SOURCE-PACKAGE VERSION SUITE DISTRIBUTION` of libraries that are linked in -> libraries. */
export function parseLinked(text: string): SbomLibrary[] {
  return linesOf(text).map(([source = '', sourceVersion = '', , distribution = '']) => ({
    source,
    sourceVersion,
    distribution,
    kind: 'deb',
    sonames: [],
  }));
}

/**
 * Lines `SONAME PACKAGE VERSION SOURCE-PACKAGE SOURCE-VERSION DISTRIBUTION` -> libraries, one for each package.
 * @param kind of the packages; the version of an .rpm is `EPOCH:VERSION-RELEASE`, with the epoch if it has one
 */
export function parseShared(text: string, kind: 'deb' | 'rpm'): SbomLibrary[] {
  const packages = new Map<string, SbomLibrary>();
  for (const [
    soname = '',
    name = '',
    version = '',
    source = '',
    sourceVersion = '',
    distribution = '',
  ] of linesOf(text)) {
    const sonames = [...(packages.get(name)?.sonames ?? []), soname];
    packages.set(name, { source, sourceVersion, distribution, kind, package: { name, version }, sonames });
  }
  return [...packages.values()];
}

function linesOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => line.trim().split(/\s+/));
}

/**
 * The bill of materials of a package as CycloneDX 1.6 in JSON, the same bytes for the same input: its serial number is made of the
 * contents, its time is that of the sources.
 *
 * Names are chosen so that scanners neither miss nor invent anything. The package has turnbuild as its vendor, because trackers of a
 * distribution know of fixes in their own builds only; coturn in it is named by its release and by its CPE of the NVD. A library that
 * is linked in is named by the source package that it was built of, a shared one by its package with the source package as `upstream`.
 * Advisories of coturn are listed with a VEX analysis of the shipped configuration.
 */
export function renderSbom(input: SbomInput): string {
  const libraries = input.libraries.map((library) => libraryComponent(library, input));
  const coturn = coturnComponent(input);
  for (const library of libraries) coturn.dependencies.add(library.bomRef);
  const main = mainComponent(input);
  main.dependencies.add(coturn.bomRef);
  const systems = [...new Set(input.libraries.map(({ distribution }) => distribution))].map(systemComponent);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: main, timestamp: new Date(input.coturn.epoch * 1000) }),
    components: new Models.ComponentRepository([coturn, ...libraries, ...systems]),
    vulnerabilities: new Models.Vulnerability.VulnerabilityRepository(
      input.advisories.map((each) => vulnerabilityOf(each, input.exposures[each.id], coturn.bomRef)),
    ),
  });
  bom.metadata.tools.components.add(
    new Models.Component(Enums.ComponentType.Application, 'turnbuild', { bomRef: 'tool:turnbuild' }),
  );
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const serialize = () => `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
  bom.serialNumber = `urn:uuid:${uuidOf(input.digest(serialize()))}`;
  return serialize();
}

function mainComponent({ file, packageVersion, format, platform }: SbomInput): Models.Component {
  const arch = { deb: platform.debian, rpm: platform.rpm, generic: platform.arch }[format];
  const purl = packageUrl(format, 'turnbuild', 'coturn', packageVersion, { arch }, undefined);
  return new Models.Component(Enums.ComponentType.Application, 'coturn', {
    bomRef: `package:${file}`,
    version: packageVersion,
    purl,
  });
}

function coturnComponent({ coturn, patches }: SbomInput): Models.Component {
  const { version, sha256 } = coturn;
  const component = new Models.Component(Enums.ComponentType.Application, 'coturn', {
    bomRef: 'coturn',
    version,
    purl: packageUrl('github', 'coturn', 'coturn', version, undefined, undefined),
    // The vendor's name in the NVD.
    cpe: `cpe:2.3:a:coturn_project:coturn:${version}:*:*:*:*:*:*:*`,
    description: 'Upstream sources of the programs',
  });
  component.licenses.add(new Models.SpdxLicense('BSD-3-Clause'));
  component.properties.add(new Models.Property('turnbuild:source:sha256', sha256));
  for (const patch of patches) component.properties.add(new Models.Property('turnbuild:patch', patch));
  return component;
}

function libraryComponent(library: SbomLibrary, { licenses, platform }: SbomInput): Models.Component {
  const { source, sourceVersion, distribution, package: binary, sonames } = library;
  const vendor = distribution.replace(/-.*$/, '');
  const name = binary?.name ?? source;
  const version = binary?.version ?? sourceVersion;
  const arch = binary === undefined ? 'source' : library.kind === 'deb' ? platform.debian : platform.rpm;
  const upstream = binary === undefined ? {} : { upstream: upstreamOf(library) };
  // In the URL of an .rpm the epoch is no part of the version.
  const [, epoch, bare = version] = (library.kind === 'rpm' && /^(\d+):(.*)$/.exec(version)) || [];
  const qualifiers = { arch, distro: distribution, ...upstream, ...(epoch === undefined ? {} : { epoch }) };
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: `library:${name}`,
    version,
    purl: packageUrl(library.kind, vendor, name, bare, qualifiers, undefined),
    description: binary === undefined ? 'Linked in' : 'Shared library of the distribution',
  });
  const license = licenses[source];
  if (binary === undefined && license !== undefined) component.licenses.add(new Models.SpdxLicense(license));
  for (const soname of sonames) component.properties.add(new Models.Property(SONAME_PROPERTY, soname));
  return component;
}

/** A package URL, in which the specification has a plus sign encoded: some readers take it for a space. */
function packageUrl(...parts: ConstructorParameters<typeof PackageURL>): string {
  return new PackageURL(...parts).toString().replaceAll('+', '%2B');
}

/** The source package, as each kind of distribution is searched for it: of a .deb with its version where that is another one. */
function upstreamOf({ source, sourceVersion, package: binary, kind }: SbomLibrary): string {
  if (kind === 'rpm') return `${source}-${sourceVersion}.src.rpm`;
  return binary?.version === sourceVersion ? source : `${source}@${sourceVersion}`;
}

/** Some scanners look up packages of a distribution only where it is named as a component. */
function systemComponent(distribution: string): Models.Component {
  const [name = '', ...version] = distribution.split('-');
  return new Models.Component(Enums.ComponentType.OperatingSystem, name, {
    bomRef: `system:${distribution}`,
    version: version.join('-'),
  });
}

/** A UUID of version 8, whose bits are ours (RFC 9562), of a digest. */
function uuidOf(digest: string): string {
  const hex = `${digest.slice(0, 12)}8${digest.slice(13, 16)}8${digest.slice(17, 32)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
