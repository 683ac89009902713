import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIo } from '../../src/io/index.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import type { Mirrors } from '../../src/plan/archives.ts';
import { createPlan } from '../../src/plan/index.ts';
import { withImageMirrors, withRecordedMirrors } from '../../src/run/image-mirrors.ts';
import type { Session } from '../../src/run/session.ts';
import { fakeDocker } from '../support/fake-docker.ts';
import { releaseFacts, target } from '../support/plan-facts.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const PATH = process.env.PATH;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'image-mirrors-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(dir, { recursive: true });
});

/** A fake docker that exports the apt configuration of official images: Debian's, and Ubuntu's with another host for arm64. */
const EXPORTS = `
for word; do case $word in
  --output=type=local,dest=*) out=\${word#--output=type=local,dest=} ;;
  --platform=linux/arm64) place=ports ;;
  *=docker-image://ubuntu*) ubuntu=yes ;;
esac; done
mkdir -p "$out/apt/sources.list.d"
if [ -n "$ubuntu" ]; then
  printf 'Types: deb\\nURIs: http://%s.example/ubuntu/\\nSuites: noble noble-updates\\nComponents: main\\n' "\${place:-archive}" >"$out/apt/sources.list.d/ubuntu.sources"
else
  printf 'deb http://packages.example/debian trixie main\\ndeb http://packages.example/security trixie-security main\\n' >"$out/apt/sources.list"
fi`;

/** A session with a fake docker. */
function sessionWith(script: string, mirrors: Mirrors): Session {
  Object.assign(process.env, fakeDocker(dir, `echo x >>${dir}/asked\n${script}`));
  return {
    options: {},
    recipes: { dir: 'recipes' },
    io: createIo(async () => ({ code: 0, stdout: '', stderr: '' }), new AbortController().signal),
    cache: dir,
    mirrors,
  } as unknown as Session;
}

async function mirrorsWith(
  script: string,
  { name = 'debian-13', mirrors = {}, image = true } = {} as {
    name?: string;
    mirrors?: Mirrors;
    image?: boolean;
  },
): Promise<Mirrors> {
  const wanted = target(name);
  const plan = createPlan({
    ...releaseFacts,
    ...{ targets: [name], knownTargets: [wanted], architectures: ['x86_64'] },
    images: image ? { [wanted.image ?? '']: DIGEST } : undefined,
  });
  return (await withImageMirrors(sessionWith(script, mirrors), plan)).mirrors;
}
const wasAsked = () => rmSync(join(dir, 'asked'));

describe('withImageMirrors', () => {
  it('reads the mirrors from the official image if the machine has no apt sources of Debian', async () => {
    expect(await mirrorsWith(EXPORTS)).toEqual({
      debian: 'http://packages.example/debian',
      security: 'http://packages.example/security',
    });
  });

  it('reads the image of each architecture if the archive has several addresses', async () => {
    expect(await mirrorsWith(EXPORTS, { name: 'ubuntu-24.04', mirrors: { debian: 'http://d' } })).toEqual({
      debian: 'http://d',
      named: {
        'ubuntu/arm64': 'http://ports.example/ubuntu',
        'ubuntu/x86_64': 'http://archive.example/ubuntu',
      },
    });
  });

  it.each<[string, Mirrors]>([
    ['debian-13', { debian: 'http://d' }],
    ['ubuntu-24.04', { named: { ubuntu: 'http://u' } }],
  ])('reads no image if the archive of %s is known', async (name, mirrors) => {
    expect(await mirrorsWith(EXPORTS, { name, mirrors })).toEqual(mirrors);
    expect(wasAsked).toThrow(/ENOENT/);
  });

  it('reads no image if base images are bootstrapped', async () => {
    expect(await mirrorsWith(EXPORTS, { image: false })).toEqual({});
    expect(wasAsked).toThrow(/ENOENT/);
  });

  it('leaves it to the build to report an image that cannot be pulled', async () => {
    expect(await mirrorsWith('exit 1')).toEqual({});
    expect(wasAsked).not.toThrow();
  });
});

describe('withRecordedMirrors', () => {
  const base = {
    ...{ name: 'b', suite: 'trixie', arch: 'x86_64' as const, origin: 'registry' as const, digest: DIGEST },
    image: `debian:trixie-slim@${DIGEST}`,
  };
  const recorded = async (bases: Manifest['bases'], mirrors: Mirrors = {}, script = EXPORTS) =>
    (await withRecordedMirrors(sessionWith(script, mirrors), bases, new Set(['trixie']))).mirrors;

  it("reads the mirrors from a release's official image", async () => {
    expect(await recorded([base])).toEqual({
      debian: 'http://packages.example/debian',
      security: 'http://packages.example/security',
    });
  });

  it('adds only what is missing', async () => {
    expect(await recorded([base], { debian: 'http://d' })).toEqual({
      debian: 'http://d',
      security: 'http://packages.example/security',
    });
    expect(await recorded([base], { security: 'http://s' })).toEqual({
      debian: 'http://packages.example/debian',
      security: 'http://s',
    });
  });

  it.each<[string, Manifest['bases'], Mirrors]>([
    ['both archives are known', [base], { debian: 'http://d', security: 'http://s' }],
    ['base images were bootstrapped', [{ ...base, image: undefined }], {}],
    ['another distribution is looked up', [{ ...base, suite: 'noble' }], {}],
  ])('reads no image if %s', async (_, bases, mirrors) => {
    expect(await recorded(bases, mirrors)).toEqual(mirrors);
    expect(wasAsked).toThrow(/ENOENT/);
  });

  it('ignores an image that cannot be pulled', async () => {
    expect(await recorded([base], {}, 'exit 1')).toEqual({});
  });
});
