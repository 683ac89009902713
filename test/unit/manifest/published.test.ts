import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { releaseDigest, withPublished } from '../../../src/manifest/published.ts';
import { digestOf } from '../../../src/manifest/sealed.ts';
import { formatManifest, parseManifest } from '../../../src/manifest/store.ts';
import { fixture } from '../ui/manifest-fixture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const [own] = fixture().steps.flatMap(({ outputs }) => outputs);
if (own === undefined) throw new Error('the fixture has no file');
const SIGNED = { path: own.path, before: own.sha256, size: 7, sha256: sha256('signed') };
const published = () => withPublished(fixture(), [SIGNED]);
const outputs = (manifest = published()) => manifest.steps.flatMap((step) => step.outputs);

describe('a manifest', () => {
  it('has both digests of a published file, and is read as it was written', () => {
    expect(outputs()[0]).toEqual({ ...own, published: { size: 7, sha256: SIGNED.sha256 } });
    expect(parseManifest('m', formatManifest(published(), sha256), sha256)).toEqual(published());
  });

  it('is of the same release before and after it was published', () => {
    expect(releaseDigest(published(), sha256)).toBe(releaseDigest(fixture(), sha256));
    // Those of older versions were computed without regard to publication.
    expect(releaseDigest(fixture(), sha256)).toBe(digestOf({ ...fixture(), schema: 2 }, sha256));
    expect(digestOf(published(), sha256)).not.toBe(digestOf(fixture(), sha256));
  });

  // One that does not know the digests of published files would call it damaged, and replace it.
  it('is refused by a turnbuild that supports schema 2', () => {
    expect(JSON.parse(formatManifest(published(), sha256)).schema).toBeGreaterThan(2);
  });

  it('is of another release if the verified bytes differ', () => {
    const other = JSON.parse(JSON.stringify(fixture()).replace(own.sha256, sha256('other')));
    expect(releaseDigest(other, sha256)).not.toBe(releaseDigest(fixture(), sha256));
  });

  it('does not get the digest of a file that was signed before it was built again', () => {
    const stale = { ...SIGNED, before: sha256('an earlier build') };
    expect(withPublished(fixture(), [stale])).toEqual(fixture());
  });

  it('detects that a published digest was edited', () => {
    const text = formatManifest(published(), sha256).replace(SIGNED.sha256, sha256('evil'));
    expect(() => parseManifest('m', text, sha256)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_CHANGED' }),
    );
  });
});
