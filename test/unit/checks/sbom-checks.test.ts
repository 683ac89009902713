import { describe, expect, it } from 'vitest';
import { packageFacts } from '../../support/package-facts.ts';
import { dynamic, judge, linked, PLANTED } from '../../support/planted/sbom.ts';

describe('package.sbom', () => {
  it('passes with all that is linked in', () => {
    expect(judge(linked)).toMatchObject({ ok: true, figures: { libraries: 6 } });
  });

  it('passes with all that a program names', () => {
    for (const format of ['deb', 'rpm'] as const)
      expect(judge(dynamic(['libssl.so.3'], format))).toMatchObject({ ok: true, figures: { libraries: 1 } });
  });

  it('fails where an .rpm of a distribution says not of which', () => {
    const facts = dynamic(['libssl.so.3'], 'rpm');
    const sbom = facts.inspected.sbom?.replaceAll('distro=almalinux-9.4', 'distro=almalinux');
    const changed = { ...facts, inspected: { sbom: sbom ?? '', sbomBeside: sbom ?? '' } };
    expect(judge(changed)).toMatchObject({
      ok: false,
      message: expect.stringContaining('openssl-libs says not of which distribution'),
    });
  });

  it('is skipped for a package of somebody else that has none', () => {
    expect(judge(packageFacts({ built: false }))).toMatchObject({ without: 'not-applicable' });
  });

  it.each(PLANTED)('fails where %s', (_, facts, message) => {
    if (message === undefined) expect(() => judge(facts)).toThrow();
    else expect(judge(facts)).toMatchObject({ ok: false, message: expect.stringContaining(message) });
  });
});
