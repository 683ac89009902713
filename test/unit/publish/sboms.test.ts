import { describe, expect, it } from 'vitest';
import { sbomOfPackage } from '../../../src/publish/sboms.ts';

const DIGEST = 'a'.repeat(64);
const SBOM = `${JSON.stringify(
  {
    ...{ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, serialNumber: 'urn:uuid:1' },
    metadata: { timestamp: 't', component: { type: 'application', name: 'coturn', version: '4.18.0' } },
    components: [{ name: 'openssl' }],
  },
  null,
  2,
)}\n`;
const made = (text = SBOM, sha256 = DIGEST) => sbomOfPackage('x.cdx.json', text, { sha256 });

describe('a published bill of materials', () => {
  it('names the digest of its package, as the next version of the same document', () => {
    const before = JSON.parse(SBOM);
    expect(JSON.parse(made())).toEqual({
      ...before,
      version: 2,
      metadata: {
        ...before.metadata,
        component: { ...before.metadata.component, hashes: [{ alg: 'SHA-256', content: DIGEST }] },
      },
    });
  });

  it('is always the same for the same package', () => {
    expect(made()).toBe(made());
    expect(made(SBOM, 'b'.repeat(64))).not.toBe(made());
  });

  it.each(['{', 'null', '[]', '{}', '{"metadata":{"component":null}}', '{"metadata":{"component":"x"}}'])(
    'is not made from %s',
    (text) => {
      expect(() => made(text)).toThrow(expect.objectContaining({ code: 'SBOM_INVALID' }));
    },
  );
});
