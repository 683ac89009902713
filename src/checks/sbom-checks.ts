import { type Check, complaints, fail, notApplicable, type Verdict } from './check.ts';
import { neededBy, type PackageFacts } from './facts.ts';

/** The parts of a CycloneDX document that are read here. */
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

/** A package of a distribution. */
const isDistributions = ({ purl = '' }: Component) => /^pkg:(deb|rpm)\//.test(purl);

function judgeSbom(facts: PackageFacts): Verdict {
  const { sbom, sbomBeside } = facts.inspected;
  if (sbom === undefined && !facts.built)
    return notApplicable('whoever made this package has put none into it');
  if (sbom === undefined) return fail('there is no coturn.cdx.json in the package');
  const document = JSON.parse(sbom) as Document;
  const linked = facts.target.staticLibraries !== undefined;
  const found = [
    ...judgeNames(document, facts),
    ...(linked ? judgeLinked(document, facts) : judgeShared(document, facts)),
    ...judgePurls(document),
    ...(facts.built && sbomBeside !== sbom ? ['the file beside the package is another one'] : []),
    ...(linked ? judgeTarball(document, facts) : []),
  ];
  const libraries = document.components.filter(isDistributions).length;
  return complaints(found, `coturn and ${libraries} libraries, each with its version`, { libraries });
}

function judgeNames({ bomFormat, metadata, components }: Document, facts: PackageFacts): string[] {
  const coturn = components.find(({ purl }) => purl?.startsWith('pkg:github/coturn/coturn@'));
  return [
    ...(bomFormat === 'CycloneDX' ? [] : ['it is no CycloneDX document']),
    ...(metadata.component.version === facts.packageVersion
      ? []
      : [`it is of ${metadata.component.version}, not of ${facts.packageVersion}`]),
    ...(coturn?.version === facts.version
      ? []
      : [`it has coturn ${coturn?.version ?? 'nowhere'}, not ${facts.version}`]),
  ];
}

/** What a program names is in the list. */
function judgeShared({ components }: Document, { elf }: PackageFacts): string[] {
  const listed = new Set(components.flatMap((each) => valuesOf(each, 'turnbuild:soname')));
  const needed = new Set(elf.flatMap(neededBy));
  if (needed.size === 0) return ['the libraries that the programs need are not known'];
  return [...needed].filter((name) => !listed.has(name)).map((name) => `${name} is needed and not in it`);
}

/** What the recipe links in is in the list, and OpenSSL, which tells its version itself, is the one of the list. */
function judgeLinked({ components }: Document, { target, inspected }: PackageFacts): string[] {
  const missing = Object.keys(target.staticLibraries?.licenses ?? {}).filter(
    (name) => !components.some((each) => each.name === name && each.description === 'Linked in'),
  );
  const found = missing.map((name) => `${name} is linked in and not in it`);
  const openssl = components.find(({ name }) => name === 'openssl')?.version?.replace(/[-+~].*$/, '');
  const own = (inspected.openssl ?? '').split('\n').filter((line) => line !== '');
  if (!own.includes(`OpenSSL ${openssl}`))
    found.push(
      `it has OpenSSL ${openssl ?? 'without a version'}, and the program says ${own.join(', ') || 'nothing'}`,
    );
  return found;
}

/** A scanner needs to know whose version a version is. */
function judgePurls({ components }: Document): string[] {
  const nameless = components
    // A distribution has no package URL.
    .filter(
      ({ version = '', purl = '', type }) => version === '' || (purl === '' && type !== 'operating-system'),
    )
    .map(({ name, version = '' }) => `${name} has no ${version === '' ? 'version' : 'package URL'}`);
  const homeless = components
    .filter((each) => isDistributions(each) && !/[?&]distro=[a-z]+-[\w.]+/.test(each.purl ?? ''))
    .map(({ name }) => `${name} says not of which distribution it is`);
  return [...nameless, ...homeless];
}

/** The tarball for machines without a package manager is another package with the same contents. */
function judgeTarball({ components }: Document, { inspected }: PackageFacts): string[] {
  const { tarballSbom } = inspected;
  if (tarballSbom === undefined) return ['there is none in the tarball'];
  const packed = JSON.parse(tarballSbom) as Document;
  return [
    ...(JSON.stringify(packed.components) === JSON.stringify(components)
      ? []
      : ["the tarball's lists other components"]),
    ...(inspected.tarballSbomBeside === tarballSbom ? [] : ['the file beside the tarball is another one']),
  ];
}

export const sbomChecks: Check[] = [
  {
    id: 'package.sbom',
    title: 'A bill of materials names everything in the package, and lies beside it too',
    reason:
      'Scanners find a vulnerable library by it; one that is linked in, and not named, is found by nobody.',
    reference: 'https://cyclonedx.org/docs/1.6/json/',
    judge: judgeSbom,
  },
];
