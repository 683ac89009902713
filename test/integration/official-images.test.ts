import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
const { PATH, TURNBUILD_ROOTS } = process.env;
let dir: string;
let lines: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'images-'));
  lines = [];
  // The tests' own default.
  delete process.env.TURNBUILD_ROOTS;
});
afterEach(() => {
  process.env.PATH = PATH;
  if (TURNBUILD_ROOTS === undefined) delete process.env.TURNBUILD_ROOTS;
  else process.env.TURNBUILD_ROOTS = TURNBUILD_ROOTS;
  rmSync(dir, { recursive: true });
});

/** A fake docker that pulls every image and prints BuildKit's output. */
const PULLS = `
for word; do case $word in
  --output=type=local,dest=*) out=\${word#--output=type=local,dest=} ;;
  *=docker-image://debian:trixie-slim) digest=${OTHER} ;;
esac; done
mkdir -p "$out"
printf '{"predicate":{"materials":[{"uri":"pkg:docker/debian@x","digest":{"sha256":"%s"}}]}}' "\${digest:-${HEX}}" >"$out/provenance.json"
sleep 0.2`;
const UNREACHABLE = 'echo "ERROR: failed to solve: failed to resolve: no such host" >&2; exit 1';

interface Situation extends Pick<Session['options'], 'updateLock' | 'refreshBase' | 'dryRun'> {
  roots?: string;
  targets?: ReturnType<typeof target>[];
  ociLayouts?: boolean;
}

function resolved(
  script: string,
  { targets = [target('debian-12'), target('debian-13')], ociLayouts = true, ...options }: Situation = {},
) {
  Object.assign(process.env, fakeDocker(dir, `echo x >>${dir}/asked\n${script}`));
  const session = {
    options,
    output: { line: (line: string) => void lines.push(line) },
    locks: { own: lockFile(), beneath: undefined },
    recipes: { dir: 'recipes' },
    io: createIo(async () => ({ code: 0, stdout: '', stderr: '' }), new AbortController().signal),
    cache: dir,
  };
  return officialImages(session as unknown as Session, targets, { ociLayouts });
}

const lockFile = () => join(dir, 'turnbuild.lock.json');
const pinned = () => JSON.parse(readFileSync(lockFile(), 'utf8')).images;
const pin = (images: Record<string, string>) =>
  writeFileSync(lockFile(), JSON.stringify({ schema: 1, sources: {}, images }));

describe('officialImages', () => {
  it('resolves each image of the targets to the digest that the builder pulled', async () => {
    expect(await resolved(PULLS, { roots: 'registry' })).toEqual({
      'debian:bookworm-slim': `sha256:${HEX}`,
      'debian:trixie-slim': `sha256:${OTHER}`,
    });
  });

  it('asks the registry if the builder records no provenance', async () => {
    const answer = `case "$*" in "buildx imagetools inspect "*) echo sha256:${HEX} ;; *) exit 1 ;; esac`;
    const targets = [target('debian-13')];
    expect(await resolved(answer, { roots: 'registry', targets, ociLayouts: false })).toEqual({
      'debian:trixie-slim': `sha256:${HEX}`,
    });
  });

  it('refuses a registry response that is not a digest', async () => {
    const where = { roots: 'registry', ociLayouts: false };
    await expect(resolved('echo latest', where)).rejects.toMatchObject({
      message: 'Cannot pull debian:bookworm-slim: the registry answered "latest"',
    });
  });

  it('does not call Docker with --roots bootstrap or TURNBUILD_ROOTS=bootstrap', async () => {
    expect(await resolved('exit 1', { roots: 'bootstrap' })).toBeUndefined();
    process.env.TURNBUILD_ROOTS = 'bootstrap';
    expect(await resolved('exit 1')).toBeUndefined();
    expect(() => rmSync(join(dir, 'asked'))).toThrow(/ENOENT/);
    expect(lines).toEqual([]);
  });

  it.each([undefined, 'auto'])(
    'uses official images with --roots %s if the registry responds',
    async (roots) => {
      expect(await resolved(PULLS, roots === undefined ? {} : { roots })).toMatchObject({
        'debian:trixie-slim': `sha256:${OTHER}`,
      });
    },
  );

  it('bootstraps and says why if the registry is unreachable, but fails with --roots registry', async () => {
    expect(await resolved(UNREACHABLE)).toBeUndefined();
    expect(lines).toEqual([
      'Bootstrapping base images, because debian:bookworm-slim cannot be pulled: failed to resolve: no such host',
    ]);
    process.env.TURNBUILD_ROOTS = 'registry';
    await expect(resolved(UNREACHABLE)).rejects.toMatchObject({ code: 'IMAGE_UNRESOLVED' });
    expect(await resolved(UNREACHABLE, { roots: 'auto' })).toBeUndefined();
    await expect(resolved(UNREACHABLE, { roots: 'registry' })).rejects.toMatchObject({
      code: 'IMAGE_UNRESOLVED',
      message: 'Cannot pull debian:bookworm-slim: failed to resolve: no such host',
    });
  });

  it('refuses a builder that records no provenance', async () => {
    await expect(resolved('exit 0', { roots: 'registry' })).rejects.toMatchObject({
      message: 'Cannot pull debian:bookworm-slim: the builder records no provenance',
    });
  });

  it('skips targets whose recipe pins an image', async () => {
    const baseImage = `example/debian@sha256:${HEX}`;
    const targets = [{ ...target('debian-13'), baseImage }];
    expect(await resolved(UNREACHABLE, { roots: 'registry', targets })).toBeUndefined();
  });

  it('lists unpinned images and pins them with --update-lock', async () => {
    pin({ 'debian:bookworm-slim': `sha256:${HEX}` });
    await resolved(PULLS);
    expect(lines).toEqual([
      "note: not pinned in the lock file: debian:trixie-slim. Pin today's digest with --update-lock.",
    ]);
    await resolved(PULLS, { updateLock: true, dryRun: true });
    expect(Object.keys(pinned())).toEqual(['debian:bookworm-slim']);
    lines = [];
    await resolved(PULLS, { updateLock: true });
    expect(pinned()).toEqual({
      'debian:bookworm-slim': `sha256:${HEX}`,
      'debian:trixie-slim': `sha256:${OTHER}`,
    });
    expect(lines).toEqual([`Pinned debian:trixie-slim in ${lockFile()}`]);
  });

  // The fake registry's tags now refer to other images.
  const PINS = {
    'debian:bookworm-slim': `sha256:${'12'.repeat(32)}`,
    'debian:trixie-slim': `sha256:${'34'.repeat(32)}`,
  };
  const ANSWERS = `
for word; do case $word in
  --output=type=local,dest=*) out=\${word#--output=type=local,dest=} ;;
  *@sha256:*) digest=\${word#*@sha256:} ;;
esac; done
mkdir -p "$out"
printf '{"predicate":{"materials":[{"uri":"pkg:docker/debian@x","digest":{"sha256":"%s"}}]}}' "\${digest:-${HEX}}" >"$out/provenance.json"`;

  it('uses the pinned images even if the tags have moved', async () => {
    pin(PINS);
    expect(await resolved(ANSWERS)).toEqual(PINS);
    expect(await resolved(ANSWERS, { updateLock: true })).toEqual(PINS);
    expect(pinned()).toEqual(PINS);
  });

  it('updates all pins with --refresh-base --update-lock', async () => {
    pin(PINS);
    expect(await resolved(ANSWERS, { refreshBase: true })).toEqual(PINS);
    const now = { 'debian:bookworm-slim': `sha256:${HEX}`, 'debian:trixie-slim': `sha256:${HEX}` };
    expect(await resolved(ANSWERS, { refreshBase: true, updateLock: true })).toEqual(now);
    expect(pinned()).toEqual(now);
  });

  it('refuses an unknown --roots value', async () => {
    await expect(resolved(PULLS, { roots: 'docker' })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: 'Invalid --roots "docker": expected auto, registry or bootstrap',
    });
  });
});
