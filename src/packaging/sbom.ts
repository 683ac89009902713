import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import type { Platform } from '../plan/platforms.ts';
import type { ApplicableAdvisory } from '../recipe/advisories.ts';
import type { Target } from '../recipe/schema.ts';
import { type Analysed, vulnerabilityOf } from './vex.ts';

/** A library that programs contain or need, and its distribution. */
export interface SbomLibrary {
  /** Source package and its version, which security trackers refer to. */
  source: string;
  sourceVersion: string;
  /** Its name for scanners: `debian-12`. */
  distribution: string;
  /** The binary package, for a shared library. */
  package?: { name: string; version: string };
  /** Kind of the distribution's packages. */
  kind: 'deb' | 'rpm';
  /** Names by which programs load a shared library. */
  sonames: readonly string[];
}

/** The contents of a package. */
export interface SbomInput {
  /** Name of the package file. */
  file: string;
  packageVersion: string;
  format: 'deb' | 'rpm' | 'generic';
  platform: Platform;
  coturn: { version: string; sha256: string; epoch: number };
  /** SPDX names of the licenses of statically linked libraries, by source package. */
  licenses: NonNullable<Target['staticLibraries']>['licenses'];
  libraries: readonly SbomLibrary[];
  /** The patches to coturn's sources, with reasons. */
  patches: readonly string[];
  /** Known advisories for this coturn, and by their ids whether the shipped configuration exposes them. */
  advisories: readonly ApplicableAdvisory[];
  exposures: Readonly<Record<string, Analysed>>;
  /** SHA-256 of a text, lower-case hex. */
  digest: (text: string) => string;
}

/** Property of a component: a name by which programs load it. */
export const SONAME_PROPERTY = 'turnbuild:soname';

/** Lines `SOURCE-PACKAGE VERSION SUITE DISTRIBUTION` of statically linked libraries -> libraries. */
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
 * The bill of materials of a package as CycloneDX 1.6 in JSON. It is reproducible: the serial number is a digest of the contents, the
 * time is that of the sources.
 *
 * Names are chosen so that scanners neither miss nor invent findings. The package's vendor is turnbuild, because a distribution's tracker
 * knows only the fixes in its own builds. coturn itself is identified by its release and its CPE in the NVD. A statically linked library is
 * identified by its source package, a shared one by its package with the source package as `upstream`. coturn's advisories are listed
 * with a VEX analysis of the shipped configuration.
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
  bom.metadata.tools.components.add(turnbuildTool());
  return serialized(bom, input.digest);
}

/** The document as JSON, with a serial number that is a digest of its contents. */
export function serialized(bom: Models.Bom, digest: SbomInput['digest']): string {
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  const serialize = () => `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
  bom.serialNumber = `urn:uuid:${uuidOf(digest(serialize()))}`;
  return serialize();
}

/** The program that made the document. */
export function turnbuildTool(): Models.Component {
  return new Models.Component(Enums.ComponentType.Application, 'turnbuild', { bomRef: 'tool:turnbuild' });
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

/** coturn's upstream sources. */
export function coturnComponent({
  coturn,
  patches,
}: Pick<SbomInput, 'coturn' | 'patches'>): Models.Component {
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
  // In the URL of an .rpm, the epoch is not part of the version.
  const [, epoch, bare = version] = (library.kind === 'rpm' && /^(\d+):(.*)$/.exec(version)) || [];
  const qualifiers = { arch, distro: distribution, ...upstream, ...(epoch === undefined ? {} : { epoch }) };
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: `library:${name}`,
    version,
    purl: packageUrl(library.kind, vendor, name, bare, qualifiers, undefined),
    description: binary === undefined ? 'Statically linked library' : 'Shared library of the distribution',
  });
  const license = licenses[source];
  if (binary === undefined && license !== undefined) component.licenses.add(new Models.SpdxLicense(license));
  for (const soname of sonames) component.properties.add(new Models.Property(SONAME_PROPERTY, soname));
  return component;
}

/** A package URL with plus signs encoded, as specified: some readers take them for spaces. */
export function packageUrl(...parts: ConstructorParameters<typeof PackageURL>): string {
  return new PackageURL(...parts).toString().replaceAll('+', '%2B');
}

/** The source package as scanners expect it. For a .deb, it includes the source's version only if that differs from the package's. */
export function upstreamOf({
  source,
  sourceVersion,
  package: binary,
  kind,
}: Pick<SbomLibrary, 'source' | 'sourceVersion' | 'package' | 'kind'>): string {
  if (kind === 'rpm') return `${source}-${sourceVersion}.src.rpm`;
  return binary?.version === sourceVersion ? source : `${source}@${sourceVersion}`;
}

/** The distribution as a component. Some scanners look up its packages only if it is listed. */
export function systemComponent(distribution: string): Models.Component {
  const [name = '', ...version] = distribution.split('-');
  return new Models.Component(Enums.ComponentType.OperatingSystem, name, {
    bomRef: `system:${distribution}`,
    version: version.join('-'),
  });
}

/** A UUID of version 8, whose bits are custom (RFC 9562), from a digest. */
function uuidOf(digest: string): string {
  const hex = `${digest.slice(0, 12)}8${digest.slice(13, 16)}8${digest.slice(17, 32)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
