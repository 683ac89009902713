import { type Check, complaints, fail, notApplicable, type Verdict } from './check.ts';
import { neededBy, type PackageFacts } from './facts.ts';

/** The parts of a CycloneDX document that this check reads. */
interface Component {
  name: string;
  type?: string;
  version?: string;
  purl?: string;
  description?: string;
  properties?: { name: string; value: string }[];
}
interface Document {
  bomFormat: string;
  metadata: { component: Component };
  components: Component[];
}

const valuesOf = (component: Component, name: string) =>
  (component.properties ?? []).filter((each) => each.name === name).map(({ value }) => value);

/** Whether a component is a distribution's package. */
const isDistributions = ({ purl = '' }: Component) => /^pkg:(deb|rpm)\//.test(purl);

function judgeSbom(facts: PackageFacts): Verdict {
  const { sbom, sbomBeside } = facts.inspected;
  if (sbom === undefined && !facts.built)
    return notApplicable('this package has no bill of materials; it was not built by turnbuild');
  if (sbom === undefined) return fail('the package has no coturn.cdx.json');
  const document = JSON.parse(sbom) as Document;
  const linked = facts.target.staticLibraries !== undefined;
  const found = [
    ...judgeNames(document, facts),
    ...(linked ? judgeLinked(document, facts) : judgeShared(document, facts)),
    ...judgePurls(document),
    ...(facts.built && sbomBeside !== sbom
      ? ['the bill of materials beside the package differs from the one inside']
      : []),
    ...(linked ? judgeTarball(document, facts) : []),
  ];
  const libraries = document.components.filter(isDistributions).length;
  return complaints(found, `coturn and ${libraries} libraries, each with its version`, { libraries });
}

function judgeNames({ bomFormat, metadata, components }: Document, facts: PackageFacts): string[] {
  const coturn = components.find(({ purl }) => purl?.startsWith('pkg:github/coturn/coturn@'));
  return [
    ...(bomFormat === 'CycloneDX' ? [] : ['it is not a CycloneDX document']),
    ...(metadata.component.version === facts.packageVersion
      ? []
      : [`it describes ${metadata.component.version} (expected ${facts.packageVersion})`]),
    ...(coturn?.version === facts.version
      ? []
      : [
          `it lists ${coturn?.version === undefined ? 'no coturn' : `coturn ${coturn.version}`} (expected ${facts.version})`,
        ]),
  ];
}

/** Complaints unless every shared library that a program needs is listed. */
function judgeShared({ components }: Document, { elf }: PackageFacts): string[] {
  const listed = new Set(components.flatMap((each) => valuesOf(each, 'turnbuild:soname')));
  const needed = new Set(elf.flatMap(neededBy));
  if (needed.size === 0) return ['the libraries that the programs need are unknown'];
  return [...needed].filter((name) => !listed.has(name)).map((name) => `${name} is needed but not listed`);
}

/** Complaints unless every statically linked library is listed, with the OpenSSL version that the program contains. */
function judgeLinked({ components }: Document, { target, inspected }: PackageFacts): string[] {
  const missing = Object.keys(target.staticLibraries?.licenses ?? {}).filter(
    (name) =>
      !components.some((each) => each.name === name && each.description === 'Statically linked library'),
  );
  const found = missing.map((name) => `${name} is statically linked but not listed`);
  const openssl = components.find(({ name }) => name === 'openssl')?.version?.replace(/[-+~].*$/, '');
  const own = (inspected.openssl ?? '').split('\n').filter((line) => line !== '');
  if (!own.includes(`OpenSSL ${openssl}`))
    found.push(
      `it lists OpenSSL ${openssl ?? 'without a version'}, but the program contains ${own.join(', ') || 'no OpenSSL version'}`,
    );
  return found;
}

/** Complaints about incomplete package URLs: a scanner needs the distribution to interpret a version. */
function judgePurls({ components }: Document): string[] {
  const nameless = components
    // The component for the distribution itself has no package URL.
    .filter(
      ({ version = '', purl = '', type }) => version === '' || (purl === '' && type !== 'operating-system'),
    )
    .map(({ name, version = '' }) => `${name} has no ${version === '' ? 'version' : 'package URL'}`);
  const homeless = components
    .filter((each) => isDistributions(each) && !/[?&]distro=[a-z]+-[\w.]+/.test(each.purl ?? ''))
    .map(({ name }) => `the package URL of ${name} names no distribution`);
  return [...nameless, ...homeless];
}

/** The tarball for machines without a package manager must list the same components. */
function judgeTarball({ components }: Document, { inspected }: PackageFacts): string[] {
  const { tarballSbom } = inspected;
  if (tarballSbom === undefined) return ['the tarball has no bill of materials'];
  const packed = JSON.parse(tarballSbom) as Document;
  return [
    ...(JSON.stringify(packed.components) === JSON.stringify(components)
      ? []
      : ['the bill of materials in the tarball lists other components']),
    ...(inspected.tarballSbomBeside === tarballSbom
      ? []
      : ['the bill of materials beside the tarball differs from the one inside']),
  ];
}

export const sbomChecks: Check[] = [
  {
    id: 'package.sbom',
    title: 'The bill of materials is complete, and a copy is beside the package',
    reason: 'Scanners rely on it to find statically linked libraries.',
    reference: 'https://cyclonedx.org/docs/1.6/json/',
    judge: judgeSbom,
  },
];
