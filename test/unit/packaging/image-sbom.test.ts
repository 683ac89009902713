import { createHash } from 'node:crypto';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { type ImageSbomInput, renderImageSbom } from '../../../src/packaging/image-sbom.ts';

const amd64 = { architecture: 'amd64' };
const input: ImageSbomInput = {
  file: 'coturn-4.6.1-1-aws-x86_64.raw.zst',
  cloud: 'aws',
  ...amd64,
  packageVersion: '4.6.1+turnbuild-1~deb13',
  coturn: { version: '4.6.1', sha256: 'a'.repeat(64), epoch: 1_670_102_496 },
  patches: [],
  advisories: [
    { id: 'CVE-1', severity: 'high', summary: 's', fixed: '4.9.0', reference: 'https://example.org/CVE-1' },
  ],
  distribution: 'debian-13',
  packages: [
    {
      ...amd64,
      name: 'coturn',
      version: '4.6.1+turnbuild-1~deb13',
      source: 'coturn',
      sourceVersion: '4.6.1',
    },
    { ...amd64, name: 'libc6', version: '2.41-12', source: 'glibc', sourceVersion: '2.41-12' },
    {
      name: 'ca-certificates',
      architecture: 'all',
      version: '1',
      source: 'ca-certificates',
      sourceVersion: '1',
    },
    { ...amd64, name: 'amazon-ssm-agent', version: '3.3', source: 'amazon-ssm-agent', sourceVersion: '3.3' },
  ],
  foreign: ['amazon-ssm-agent'],
  go: 'go1.24.4',
  goPackage: { source: 'golang-1.24', sourceVersion: '1.24.4-1' },
  digest: (text) => createHash('sha256').update(text).digest('hex'),
};
interface Document {
  components: { name: string; type: string; version?: string; purl?: string; cpe?: string }[];
  dependencies: { ref: string; dependsOn?: string[] }[];
  vulnerabilities: { id: string; analysis: { state: string } }[];
}
const document = JSON.parse(renderImageSbom(input)) as Document;
const named = (name: string) => document.components.filter((each) => each.name === name);
const urlOf = (name: string) => PackageURL.fromString(named(name)[0]?.purl ?? '');

describe('renderImageSbom', () => {
  it('is valid CycloneDX 1.6', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(renderImageSbom(input))).toBeNull();
  });

  it("identifies packages by the distribution's names, with their own architecture", () => {
    expect(urlOf('libc6')).toMatchObject({
      namespace: 'debian',
      version: '2.41-12',
      qualifiers: { arch: 'amd64', distro: 'debian-13', upstream: 'glibc' },
    });
    expect(urlOf('ca-certificates').qualifiers).toMatchObject({ arch: 'all' });
    expect(named('debian')).toMatchObject([{ type: 'operating-system', version: '13' }]);
  });

  it('has coturn as a package of turnbuild and as its upstream release', () => {
    const purls = named('coturn').map(({ purl }) => purl);
    expect(purls).toEqual([
      'pkg:github/coturn/coturn@4.6.1',
      'pkg:deb/turnbuild/coturn@4.6.1%2Bturnbuild-1~deb13?arch=amd64',
    ]);
    const { dependencies } = document;
    expect(dependencies.find(({ ref }) => ref === 'package:coturn')?.dependsOn).toEqual(['coturn']);
    expect(document.vulnerabilities).toMatchObject([{ id: 'CVE-1', analysis: { state: 'in_triage' } }]);
  });

  it('does not assign a package from elsewhere to the distribution', () => {
    expect(named('amazon-ssm-agent')[0]?.purl).toBe('pkg:deb/amazon-ssm-agent@3.3?arch=amd64');
  });

  it("has Go's standard library by both of its names, as a part of turn-agent", () => {
    expect(named('stdlib')).toMatchObject([{ version: '1.24.4', purl: 'pkg:golang/stdlib@1.24.4' }]);
    expect(urlOf('golang-1.24').qualifiers).toMatchObject({ arch: 'source', distro: 'debian-13' });
    const { dependencies } = document;
    expect(dependencies.find(({ ref }) => ref === 'turn-agent')?.dependsOn).toEqual([
      'go:stdlib',
      'library:golang-1.24',
    ]);
    expect(dependencies.find(({ ref }) => ref === `image:${input.file}`)?.dependsOn).toContain('turn-agent');
  });

  it('does not depend on the order of packages', () => {
    expect(renderImageSbom({ ...input, packages: input.packages.toReversed() })).toBe(renderImageSbom(input));
  });
});
