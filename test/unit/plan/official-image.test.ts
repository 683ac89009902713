import { describe, expect, it } from 'vitest';
import {
  foreignCodename,
  imageDigestCommand,
  imageFactsCommand,
  imageRootCommand,
  resolvedDigest,
} from '../../../src/plan/official-image.ts';

const HEX = '28'.repeat(32);
/** Output of BuildKit 0.12. */
const provenance = (materials: unknown) =>
  JSON.stringify({ predicateType: 'https://slsa.dev/provenance/v0.2', predicate: { materials } });
const image = { uri: 'pkg:docker/debian@trixie-slim?platform=linux%2Famd64', digest: { sha256: HEX } };

describe('resolvedDigest', () => {
  it('returns the digest of the image', () => {
    expect(resolvedDigest(provenance([image]))).toBe(`sha256:${HEX}`);
    const other = { uri: 'https://example.test/context', digest: { sha256: '0'.repeat(64) } };
    expect(resolvedDigest(provenance([other, image]))).toBe(`sha256:${HEX}`);
  });

  it.each([
    ['no materials', undefined],
    ['an empty list', []],
    ['no image', [{ ...image, uri: 'pkg:github/debian@1' }]],
    ['an image without a digest', [{ uri: image.uri }]],
    ['a truncated digest', [{ ...image, digest: { sha256: HEX.slice(1) } }]],
  ])('returns undefined with %s', (_, materials) => {
    expect(resolvedDigest(provenance(materials))).toBeUndefined();
  });
});

describe('foreignCodename', () => {
  const release = (codename: string) => `ID=debian\nVERSION_CODENAME=${codename}\nDEBIAN_VERSION_FULL=13.2\n`;

  it.each(['trixie', '"trixie"'])('returns the codename %s if the image is of another suite', (codename) => {
    expect(foreignCodename(release(codename), 'bookworm')).toBe('trixie');
    expect(foreignCodename(release(codename), 'trixie')).toBeUndefined();
  });

  it.each(['sid', 'testing', 'oldstable'])('accepts any codename for the alias %s', (suite) => {
    expect(foreignCodename(release('forky'), suite)).toBeUndefined();
  });

  it('accepts an image whose os-release names no codename', () => {
    expect(foreignCodename('ID=debian\nUBUNTU_CODENAME=noble\n', 'trixie')).toBeUndefined();
    expect(foreignCodename('', 'trixie')).toBeUndefined();
  });
});

describe('the commands of an official image', () => {
  const build = { folder: '/recipes/docker/image' };
  const pinned = `debian:trixie-slim@sha256:${HEX}`;
  const base = { id: 'trixie-arm64', suite: 'trixie', arch: 'arm64' as const, image: pinned };
  const mirrors = { debian: 'http://archive.test/debian' };

  it('resolve a tag from the provenance of a build on the chosen builder', () => {
    const { args } = imageFactsCommand('debian:trixie-slim', 'x86_64', '/out', {
      ...build,
      builder: 'far',
      resolve: true,
    });
    expect(args).toEqual(
      expect.arrayContaining([
        '--builder',
        'far',
        '--provenance=mode=min',
        '--platform=linux/amd64',
        '--target=facts',
        '--build-context=given=docker-image://debian:trixie-slim',
        '--output=type=local,dest=/out',
        '/recipes/docker/image',
      ]),
    );
    expect(imageDigestCommand('debian:trixie-slim')).toMatchObject({ effect: 'read' });
    expect(imageFactsCommand(pinned, 'x86_64', '/out', build).args).toContain('--provenance=false');
  });

  it('export a root from the pinned image, with the sources of the given mirror', () => {
    const { args } = imageRootCommand(base, mirrors, '/scratch', build);
    expect(args).toEqual(
      expect.arrayContaining([
        '--platform=linux/arm64',
        '--target=root',
        `--build-context=given=docker-image://${pinned}`,
        '--output=type=tar,dest=/scratch/root.tar',
      ]),
    );
    expect(args.find((word) => word.startsWith('--build-arg=APT_SOURCES='))).toBe(
      '--build-arg=APT_SOURCES=deb http://archive.test/debian trixie main\ndeb http://archive.test/debian trixie-updates main',
    );
  });

  it("keep the image's own sources without a mirror", () => {
    expect(imageRootCommand(base, {}, '/scratch', build).args).toContain('--build-arg=APT_SOURCES=');
  });
});
