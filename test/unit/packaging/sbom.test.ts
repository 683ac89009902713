import { createHash } from 'node:crypto';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { parseLinked, parseShared, renderSbom, type SbomInput } from '../../../src/packaging/sbom.ts';
import { platformOf } from '../../../src/plan/platforms.ts';

const LINKED = `hiredis 1.2.0-6+b3 trixie debian-13
openssl 3.0.17-1~deb12u3 bookworm debian-12
`;
const SHARED = `libcrypto.so.3 libssl3 3.0.17-1~deb12u3 openssl 3.0.17-1~deb12u3 debian-12
libevent_core-2.1.so.7 libevent-core-2.1-7 2.1.12-stable-8 libevent 2.1.12-stable-8 debian-12
libmariadb.so.3 libmariadb3 1:10.11.11-0+deb12u1 mariadb 1:10.11.11-0+deb12u1 debian-12
libpq.so.5 libpq5 15.14-0+b1 postgresql-15 15.14-0 debian-12
libssl.so.3 libssl3 3.0.17-1~deb12u3 openssl 3.0.17-1~deb12u3 debian-12
`;

const input: SbomInput = {
  file: 'coturn-4.6.1+turnbuild-2.aarch64.rpm',
  packageVersion: '4.6.1+turnbuild-2',
  format: 'rpm',
  platform: platformOf('arm64'),
  coturn: { version: '4.6.1', sha256: 'a'.repeat(64), epoch: 1_670_102_496 },
  licenses: { openssl: 'Apache-2.0', hiredis: 'BSD-3-Clause' },
  libraries: parseLinked(LINKED),
  patches: ['coturn before 4.14 has no Prometheus client of its own'],
  advisories: [],
  exposures: {},
  digest: (text) => createHash('sha256').update(text).digest('hex'),
};
const shared = { ...input, format: 'deb' as const, licenses: {}, libraries: parseShared(SHARED, 'deb') };

interface Component {
  name: string;
  version: string;
  purl?: string;
  cpe?: string;
  type: string;
  licenses?: unknown;
  properties?: unknown;
}
interface Document {
  specVersion: string;
  serialNumber: string;
  metadata: { component: Component; timestamp: string };
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}
const render = (of: SbomInput) => JSON.parse(renderSbom(of)) as Document;
const named = ({ components }: Document, name: string) => components.filter((each) => each.name === name);

describe('renderSbom', () => {
  it.each([
    ['statically linked', input],
    ['shared', shared],
  ])('is valid CycloneDX 1.6 with %s libraries', async (_, of) => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(renderSbom(of))).toBeNull();
    // Proves that the validator detects errors.
    const broken = renderSbom(of).replace('"type": "library"', '"type": "libary"');
    expect(await validator.validate(broken)).not.toBeNull();
  });

  it('identifies static libraries by the source packages of their distribution', () => {
    const [openssl] = named(render(input), 'openssl');
    expect(PackageURL.fromString(openssl?.purl ?? '')).toMatchObject({
      type: 'deb',
      namespace: 'debian',
      name: 'openssl',
      version: '3.0.17-1~deb12u3',
      qualifiers: { arch: 'source', distro: 'debian-12' },
    });
    expect(openssl).toMatchObject({ type: 'library', licenses: [{ license: { id: 'Apache-2.0' } }] });
    expect(named(render(input), 'hiredis')[0]?.purl).toContain('distro=debian-13');
  });

  it('lists each package of shared libraries once, with the source package that trackers use', () => {
    const document = render(shared);
    const [ssl, ...more] = named(document, 'libssl3');
    expect(more).toEqual([]);
    expect(PackageURL.fromString(ssl?.purl ?? '').qualifiers).toEqual({
      arch: 'arm64',
      distro: 'debian-12',
      upstream: 'openssl',
    });
    expect(ssl?.properties).toEqual([
      { name: 'turnbuild:soname', value: 'libcrypto.so.3' },
      { name: 'turnbuild:soname', value: 'libssl.so.3' },
    ]);
    const [mariadb] = named(document, 'libmariadb3');
    // The epoch is part of the version.
    expect(PackageURL.fromString(mariadb?.purl ?? '').version).toBe('1:10.11.11-0+deb12u1');
    const [pq] = named(document, 'libpq5');
    expect(PackageURL.fromString(pq?.purl ?? '').qualifiers).toMatchObject({
      upstream: 'postgresql-15@15.14-0',
    });
  });

  it('identifies shared libraries of an rpm distribution as scanners expect', () => {
    const line = 'libssl.so.3 openssl-libs 1:3.0.7-28.el9_4 openssl 3.0.7-28.el9_4 almalinux-9.4\n';
    const document = render({ ...input, licenses: {}, libraries: parseShared(line, 'rpm') });
    const [ssl] = named(document, 'openssl-libs');
    expect(ssl?.version).toBe('1:3.0.7-28.el9_4');
    expect(PackageURL.fromString(ssl?.purl ?? '')).toMatchObject({
      type: 'rpm',
      namespace: 'almalinux',
      version: '3.0.7-28.el9_4',
      qualifiers: {
        arch: 'aarch64',
        distro: 'almalinux-9.4',
        epoch: '1',
        upstream: 'openssl-3.0.7-28.el9_4.src.rpm',
      },
    });
  });

  it("identifies coturn by its upstream release, so that scanners do not assume a distribution's fixes", () => {
    const document = render(input);
    expect(named(document, 'coturn')[0]).toMatchObject({
      version: '4.6.1',
      purl: 'pkg:github/coturn/coturn@4.6.1',
      cpe: 'cpe:2.3:a:coturn_project:coturn:4.6.1:*:*:*:*:*:*:*',
    });
    // Some readers would decode a bare plus sign as a space.
    expect(document.metadata.component.purl).toContain('@4.6.1%2Bturnbuild-2?');
    expect(document.metadata.component.purl).toMatch(/^pkg:rpm\/turnbuild\/coturn@.*\?arch=aarch64$/);
    expect(document.metadata.timestamp).toBe('2022-12-03T21:21:36.000Z');
  });

  it('lists the operating systems for which scanners look up packages', () => {
    const systems = render(input).components.filter(({ type }) => type === 'operating-system');
    expect(systems.map(({ name, version }) => `${name} ${version}`)).toEqual(['debian 12', 'debian 13']);
  });

  it('lists the dependencies of the package and of coturn', () => {
    const { dependencies } = render(input);
    const of = (ref: string) => dependencies.find((each) => each.ref === ref)?.dependsOn;
    expect(of(`package:${input.file}`)).toEqual(['coturn']);
    expect(of('coturn')).toEqual(['library:hiredis', 'library:openssl']);
  });

  it('does not depend on the order of libraries, and gets a new serial number if the contents change', () => {
    const turned = { ...input, libraries: [...input.libraries].reverse() };
    expect(renderSbom(turned)).toBe(renderSbom(input));
    const other = render({ ...input, packageVersion: '4.6.1+turnbuild-3' });
    expect(other.serialNumber).not.toBe(render(input).serialNumber);
    expect(other.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

describe('libraries', () => {
  interface Detailed extends Component {
    description: string;
    licenses?: { license: { id: string } }[];
  }
  const detailed = (of: SbomInput, name: string) => named(render(of), name) as Detailed[];

  it('that are statically linked say so, with their license and without an upstream package', () => {
    const [openssl] = detailed(input, 'openssl');
    expect(openssl).toMatchObject({
      description: 'Statically linked library',
      licenses: [{ license: { id: 'Apache-2.0' } }],
    });
    expect(openssl?.purl).not.toContain('upstream');
  });

  it('that are statically linked have no license if none is known', () => {
    const [openssl] = detailed({ ...input, licenses: {} }, 'openssl');
    expect(openssl?.licenses).toBeUndefined();
  });

  it('that are shared name their upstream package, and leave the license to the distribution', () => {
    const [libssl] = detailed({ ...shared, licenses: { openssl: 'Apache-2.0' } }, 'libssl3');
    expect(libssl?.description).toBe('Shared library of the distribution');
    expect(libssl?.licenses).toBeUndefined();
    expect(libssl?.purl).toContain('upstream=openssl');
  });

  it('are parsed regardless of blanks and empty lines', () => {
    expect(parseLinked(`\n  ${LINKED.replace('\n', '  \n \t\n')}\n`)).toEqual(parseLinked(LINKED));
  });
});

describe('known advisories', () => {
  interface Vulnerability {
    id: string;
    ratings: { severity: string }[];
    analysis: { state: string; justification?: string; response?: string[]; detail: string };
    affects: { ref: string }[];
    recommendation: string;
    source: { name: string; url: string };
  }
  const advisory = (id: string, severity: 'critical' | 'low') => ({
    ...{ id, severity, summary: 's', fixed: '4.10.0', reference: `https://example.org/${id}` },
  });
  const known: SbomInput = {
    ...input,
    advisories: [advisory('CVE-2', 'critical'), advisory('coturn-1', 'low'), advisory('CVE-3', 'low')],
    exposures: {
      'CVE-2': { state: 'not-exposed', reason: 'oauth is off.', justification: 'requires_configuration' },
      'coturn-1': { state: 'exposed', reason: 'Always.' },
    },
  };
  const { vulnerabilities } = render(known) as Document & { vulnerabilities: Vulnerability[] };
  const of = (id: string) => vulnerabilities.find((each) => each.id === id);

  it('are included as VEX in valid CycloneDX', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(renderSbom(known))).toBeNull();
    const broken = renderSbom(known).replace('"requires_configuration"', '"off"');
    expect(await validator.validate(broken)).not.toBeNull();
    expect(of('CVE-2')).toMatchObject({
      ratings: [{ severity: 'critical' }],
      analysis: { state: 'not_affected', justification: 'requires_configuration', detail: 'oauth is off.' },
      affects: [{ ref: 'coturn' }],
      recommendation: 'Update to coturn 4.10.0 or later.',
      source: { name: 'NVD', url: 'https://example.org/CVE-2' },
    });
    expect(of('coturn-1')).toMatchObject({
      analysis: { state: 'exploitable', response: ['update'], detail: 'Always.' },
      source: { name: 'coturn' },
    });
    expect(of('CVE-2')?.analysis.response).toBeUndefined();
    expect(of('coturn-1')?.analysis.justification).toBeUndefined();
  });

  it('are "in triage" without an analysis', () => {
    expect(of('CVE-3')?.analysis).toEqual({ state: 'in_triage', detail: 'Not analysed.' });
  });

  it('give the same bytes in any order, and a new serial number with another analysis', () => {
    expect(renderSbom({ ...known, advisories: known.advisories.toReversed() })).toBe(renderSbom(known));
    const other = render({ ...known, exposures: {} });
    expect(other.serialNumber).not.toBe(render(known).serialNumber);
  });
});
