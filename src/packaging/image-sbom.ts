import { Enums, Models } from '@cyclonedx/cyclonedx-library';
import {
  coturnComponent,
  packageUrl,
  type SbomInput,
  serialized,
  systemComponent,
  turnbuildTool,
  upstreamOf,
} from './sbom.ts';
import { vulnerabilityOf } from './vex.ts';

/** A package in an image. */
export interface ImagePackage {
  name: string;
  version: string;
  /** Debian's name. */
  architecture: string;
  source: string;
  sourceVersion: string;
}

/** The contents of an image. */
export interface ImageSbomInput
  extends Pick<SbomInput, 'packageVersion' | 'coturn' | 'patches' | 'advisories' | 'digest'> {
  /** Name of the image's file. */
  file: string;
  cloud: string;
  /** Debian's name. */
  architecture: string;
  /** Its name for scanners: `debian-13`. */
  distribution: string;
  packages: readonly ImagePackage[];
  /** Names of packages that are not the distribution's. */
  foreign: readonly string[];
  /** Go's version as the compiler prints it: `go1.24.4`; the compiler's package. */
  go: string;
  goPackage: Pick<ImagePackage, 'source' | 'sourceVersion'>;
}

/**
 * The bill of materials of a machine image as CycloneDX 1.6 in JSON, reproducible like that of a package. It lists every package, coturn's
 * upstream release, turn-agent, and Go's standard library, which is linked into turn-agent. coturn's advisories are in triage, because
 * turn-agent writes the configuration for each machine.
 */
export function renderImageSbom(input: ImageSbomInput): string {
  const { file, cloud, architecture, packageVersion, distribution } = input;
  const coturn = coturnComponent(input);
  const packages = input.packages.map((each) => packageComponent(each, input));
  for (const each of packages) if (each.name === 'coturn') each.dependencies.add(coturn.bomRef);
  const go = goComponents(input);
  const agent = new Models.Component(Enums.ComponentType.Application, 'turn-agent', {
    bomRef: 'turn-agent',
    version: packageVersion,
    purl: packageUrl('generic', 'turnbuild', 'turn-agent', packageVersion, { arch: architecture }, undefined),
    description: 'Writes the configuration of coturn on each machine',
  });
  for (const each of go) agent.dependencies.add(each.bomRef);
  const main = new Models.Component(Enums.ComponentType.Application, 'coturn-machine', {
    bomRef: `image:${file}`,
    version: packageVersion,
    purl: packageUrl(
      'generic',
      'turnbuild',
      'coturn-machine',
      packageVersion,
      { arch: architecture, cloud },
      undefined,
    ),
  });
  for (const each of [...packages, agent]) main.dependencies.add(each.bomRef);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: main, timestamp: new Date(input.coturn.epoch * 1000) }),
    components: new Models.ComponentRepository([
      ...packages,
      coturn,
      agent,
      ...go,
      systemComponent(distribution),
    ]),
    vulnerabilities: new Models.Vulnerability.VulnerabilityRepository(
      input.advisories.map((each) => vulnerabilityOf(each, undefined, coturn.bomRef)),
    ),
  });
  bom.metadata.tools.components.add(turnbuildTool());
  return serialized(bom, input.digest);
}

function packageComponent(
  { name, version, architecture, source, sourceVersion }: ImagePackage,
  { distribution, foreign }: ImageSbomInput,
): Models.Component {
  const own = name === 'coturn';
  const upstream = upstreamOf({ source, sourceVersion, kind: 'deb', package: { name, version } });
  // A distribution's tracker knows only its own packages.
  const [vendor, qualifiers] = own
    ? ['turnbuild', { arch: architecture }]
    : foreign.includes(name)
      ? [undefined, { arch: architecture }]
      : [distribution.replace(/-.*$/, ''), { arch: architecture, distro: distribution, upstream }];
  return new Models.Component(own ? Enums.ComponentType.Application : Enums.ComponentType.Library, name, {
    bomRef: `package:${name}`,
    version,
    purl: packageUrl('deb', vendor, name, version, qualifiers, undefined),
    description: 'Installed package',
  });
}

/** Go's standard library, by the names of Go's and of the distribution's vulnerability database. */
function goComponents({ go, goPackage, distribution }: ImageSbomInput): Models.Component[] {
  const version = /^go(\d[\w.]*)/.exec(go)?.[1] ?? go;
  const { source, sourceVersion } = goPackage;
  const description = "Go's standard library, linked into turn-agent";
  const vendor = distribution.replace(/-.*$/, '');
  return [
    new Models.Component(Enums.ComponentType.Library, 'stdlib', {
      bomRef: 'go:stdlib',
      version,
      purl: packageUrl('golang', undefined, 'stdlib', version, undefined, undefined),
      description,
    }),
    new Models.Component(Enums.ComponentType.Library, source, {
      bomRef: `library:${source}`,
      version: sourceVersion,
      purl: packageUrl(
        'deb',
        vendor,
        source,
        sourceVersion,
        { arch: 'source', distro: distribution },
        undefined,
      ),
      description,
    }),
  ];
}
