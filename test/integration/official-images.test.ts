import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIo } from '../../src/io/index.ts';
import { officialImages } from '../../src/run/official-images.ts';
import type { Session } from '../../src/run/session.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { target } from '../support/plan-facts.ts';

const HEX = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const PATH = process.env.PATH;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'images-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(dir, { recursive: true });
});

/** A docker that pulls every image, as BuildKit reports it. */
const PULLS = `
for word; do case $word in
  --output=type=local,dest=*) out=\${word#--output=type=local,dest=} ;;
  *=docker-image://debian:trixie-slim) digest=${OTHER} ;;
esac; done
mkdir -p "$out"
printf '{"predicate":{"materials":[{"uri":"pkg:docker/debian@x","digest":{"sha256":"%s"}}]}}' "\${digest:-${HEX}}" >"$out/provenance.json"
sleep 0.2`;
const UNREACHABLE = 'echo "ERROR: failed to resolve: no such host" >&2; exit 1';

function resolved(
  script: string,
  { roots, targets = [target('debian-12'), target('debian-13')], ociLayouts = true } = {} as {
    roots?: string;
    targets?: ReturnType<typeof target>[];
    ociLayouts?: boolean;
  },
) {
  Object.assign(process.env, fakeDocker(dir, `echo x >>${dir}/asked\n${script}`));
  const session = {
    options: { roots },
    recipes: { dir: 'recipes' },
    io: createIo(async () => ({ code: 0, stdout: '', stderr: '' }), new AbortController().signal),
    cache: dir,
  };
  return officialImages(session as unknown as Session, targets, { ociLayouts });
}

describe('officialImages', () => {
  it('resolves each image of the targets to the digest that the builder pulled', async () => {
    expect(await resolved(PULLS, { roots: 'registry' })).toEqual({
      'debian:bookworm-slim': `sha256:${HEX}`,
      'debian:trixie-slim': `sha256:${OTHER}`,
    });
  });

  it('asks the registry where the builder records no provenance', async () => {
    const answer = `case "$*" in "buildx imagetools inspect "*) echo sha256:${HEX} ;; *) exit 1 ;; esac`;
    const targets = [target('debian-13')];
    expect(await resolved(answer, { roots: 'registry', targets, ociLayouts: false })).toEqual({
      'debian:trixie-slim': `sha256:${HEX}`,
    });
  });

  it('refuses an answer that is no digest', async () => {
    const where = { roots: 'registry', ociLayouts: false };
    await expect(resolved('echo latest', where)).rejects.toMatchObject({
      message: 'Cannot pull debian:bookworm-slim: the registry answered "latest"',
    });
  });

  it.each(['bootstrap', undefined])('asks nothing with --roots %s', async (roots) => {
    expect(await resolved(`echo asked >&2; exit 1`, roots === undefined ? {} : { roots })).toBeUndefined();
    expect(() => rmSync(join(dir, 'asked'))).toThrow(/ENOENT/);
  });

  it('bootstraps with --roots auto where the registry does not answer, and fails with --roots registry', async () => {
    expect(await resolved(UNREACHABLE, { roots: 'auto' })).toBeUndefined();
    await expect(resolved(UNREACHABLE, { roots: 'registry' })).rejects.toMatchObject({
      code: 'IMAGE_UNRESOLVED',
      message: 'Cannot pull debian:bookworm-slim: ERROR: failed to resolve: no such host',
    });
  });

  it('refuses a builder that says nothing of the image', async () => {
    await expect(resolved('exit 0', { roots: 'registry' })).rejects.toMatchObject({
      message: 'Cannot pull debian:bookworm-slim: the builder records no provenance',
    });
  });

  it('leaves out targets whose recipe pins an image', async () => {
    const baseImage = `example/debian@sha256:${HEX}`;
    const targets = [{ ...target('debian-13'), baseImage }];
    expect(await resolved(UNREACHABLE, { roots: 'registry', targets })).toBeUndefined();
  });

  it('refuses another word', async () => {
    await expect(resolved(PULLS, { roots: 'docker' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: 'Invalid --roots "docker": expected auto, registry or bootstrap',
    });
  });
});
