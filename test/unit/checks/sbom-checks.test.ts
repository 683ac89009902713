import { describe, expect, it } from 'vitest';
import { packageFacts } from '../../support/package-facts.ts';
import { dynamic, judge, linked, PLANTED } from '../../support/planted/sbom.ts';

describe('package.sbom', () => {
  it('passes if all statically linked libraries are listed', () => {
    expect(judge(linked)).toMatchObject({ ok: true, figures: { libraries: 6 } });
  });

  it('passes if all needed shared libraries are listed', () => {
    for (const format of ['deb', 'rpm'] as const)
      expect(judge(dynamic(['libssl.so.3'], format))).toMatchObject({ ok: true, figures: { libraries: 1 } });
  });

  it("fails if the package URL of an .rpm lacks the distribution's version", () => {
    const facts = dynamic(['libssl.so.3'], 'rpm');
    const sbom = facts.inspected.sbom?.replaceAll('distro=almalinux-9.4', 'distro=almalinux');
    const changed = { ...facts, inspected: { sbom: sbom ?? '', sbomBeside: sbom ?? '' } };
    expect(judge(changed)).toMatchObject({
      ok: false,
      message: expect.stringContaining('the package URL of openssl-libs names no distribution'),
    });
  });

  it('fails if only an unrelated property names a library', () => {
    const facts = dynamic(['libssl.so.3', 'libz.so.1']);
    const property = '"properties":[{"name":"other","value":"libz.so.1"},';
    const sbom = JSON.stringify(JSON.parse(facts.inspected.sbom ?? '')).replace('"properties":[', property);
    expect(sbom).toContain(property);
    expect(judge({ ...facts, inspected: { sbom, sbomBeside: sbom } })).toMatchObject({
      ok: false,
      message: 'libz.so.1 is needed but not listed',
    });
  });

  it('reports the listed OpenSSL version and that of the program', () => {
    const inspected = { ...linked.inspected, openssl: 'OpenSSL 3.0.16\n' };
    expect(judge({ ...linked, inspected })?.message).toBe(
      'it lists OpenSSL 3.0.17, but the program contains OpenSSL 3.0.16',
    );
  });

  it("also checks the SBOM in another packager's package", () => {
    expect(judge({ ...linked, built: false, version: '4.6.2' })).toMatchObject({ ok: false });
  });

  it("is skipped for another packager's package without an SBOM", () => {
    expect(judge(packageFacts({ built: false }))).toMatchObject({ without: 'not-applicable' });
  });

  it.each(PLANTED)('fails if %s', (_, facts, message) => {
    if (message === undefined) expect(() => judge(facts)).toThrow();
    else expect(judge(facts)).toMatchObject({ ok: false, message: expect.stringContaining(message) });
  });
});
