import { describe, expect, it } from 'vitest';
import { type PublishedFile, unchanged, withPublished } from '../../../src/manifest/published.ts';
import type { Manifest } from '../../../src/manifest/schema.ts';
import { sbomOfPackage, withOutdatedSboms } from '../../../src/publish/sboms.ts';
import { DEB, release } from './trust/release.ts';

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

describe('what a manifest says about published files', () => {
  const [deb, sbom] = release().steps.flatMap(({ outputs }) =>
    outputs.filter(({ path }) => path.startsWith(DEB)),
  );
  if (deb === undefined || sbom === undefined) throw new Error('the release has no package');
  const as = (file: typeof deb, digit: string): PublishedFile => ({
    ...{ path: file.path, before: file.sha256, size: 1, sha256: digit.repeat(64) },
  });
  const publish = (manifest: Manifest, files: readonly PublishedFile[]) =>
    withPublished(manifest, withOutdatedSboms(manifest, files));
  const digests = (manifest: Manifest) =>
    [deb, sbom].map(({ path }) => {
      const outputs = manifest.steps.flatMap((step) => step.outputs);
      return outputs.find((each) => each.path === path)?.published?.sha256[0];
    });
  const signed = publish(release(), [as(deb, 'a'), as(sbom, 'b')]);

  it('loses the bill of materials of a package that was signed since', () => {
    const plain = publish(release(), [...unchanged([deb]), as(sbom, 'c')]);
    expect(digests(plain)).toEqual([undefined, 'c']);
    expect(digests(publish(plain, [as(deb, 'a')]))).toEqual(['a', undefined]);
    expect(digests(publish(signed, [as(deb, 'd')]))).toEqual(['d', undefined]);
  });

  it('keeps the bill of materials of the same package', () => {
    expect(digests(publish(signed, [as(deb, 'a')]))).toEqual(['a', 'b']);
    expect(digests(publish(signed, []))).toEqual(['a', 'b']);
  });

  it('is replaced as a whole by a destination that publishes the plain package', () => {
    expect(digests(publish(signed, [...unchanged([deb]), as(sbom, 'c')]))).toEqual([undefined, 'c']);
  });
});
