import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILDER, fakeDocker, interruptOnce } from '../support/fake-docker.ts';
import { turnbuild } from '../support/turnbuild.ts';

let dir: string;
let out: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-cli-'));
  out = join(dir, 'dist');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('Ctrl-C while Docker does not respond', () => {
  it.each([
    ['doctor', ['doctor']],
    ['release', ['release', '4.6.1']],
  ])('%s exits at once with code 130 and INTERRUPTED', async (_, args) => {
    const asked = join(dir, 'asked');
    const env = fakeDocker(dir, `touch ${asked}; exec sleep 600`);
    const begin = Date.now();
    const run = await turnbuild([...args, ...(args[0] === 'release' ? ['--out', out] : [])], {
      env,
      onStart: interruptOnce(asked),
    });
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    expect(Date.now() - begin).toBeLessThan(30_000);
    expect(existsSync(out)).toBe(false);
  });
});

describe('turnbuild reports', () => {
  const args = () => ['release', '4.6.1', '--out', out];

  it('a missing docker command', async () => {
    const run = await turnbuild(args(), { env: { PATH: dir } });
    expect(run.stderr).toMatch(/docker is not installed[\s\S]*turnbuild doctor[\s\S]*DOCKER_MISSING/);
    expect(run.code).toBe(1);
  });

  it('an unreachable Docker engine', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(dir, 'echo "Cannot connect to the Docker daemon" >&2; exit 1'),
    });
    expect(run.stderr).toMatch(/No Docker engine is reachable[\s\S]*Cannot connect[\s\S]*DOCKER_UNAVAILABLE/);
  });

  const REFUSAL =
    'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock';

  it.each([
    ['buildx exits with 0', `printf 'Name: default\\nDriver:\\nError: ${REFUSAL}\\n'`],
    ['buildx exits with 1', `echo '${REFUSAL}' >&2; exit 1`],
  ])('denied access to the Docker socket if %s', async (_, script) => {
    const run = await turnbuild(args(), { env: fakeDocker(dir, script) });
    expect(run.stderr).toMatch(
      /at unix:\/\/\/var\/run\/docker\.sock denies access to this user[\s\S]*usermod[\s\S]*DOCKER_REFUSED/,
    );
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('denied access to the engine beside a usable builder', async () => {
    const env = fakeDocker(dir, `case $1 in version) echo '${REFUSAL}' >&2; exit 1 ;; *) ${BUILDER} ;; esac`);
    const run = await turnbuild(args(), { env });
    expect(run.stderr).toMatch(/denies access to this user[\s\S]*DOCKER_REFUSED/);
  });

  it('denied access to the Docker socket in doctor', async () => {
    const script = `case "$1 $2" in "buildx version") ;; "buildx inspect") echo "Error: ${REFUSAL}" ;; *) echo '${REFUSAL}' >&2; exit 1 ;; esac`;
    const run = await turnbuild(['doctor'], { env: fakeDocker(dir, script) });
    expect(run.stdout).toMatch(
      /^MISSING {2}Docker engine \(.*docker\.sock denies access to this user\)\n {9}fix: Join the group/m,
    );
    expect(run.code).toBe(1);
  });

  it('an unknown --builder', async () => {
    const run = await turnbuild([...args(), '--builder', 'farm'], {
      env: fakeDocker(dir, 'echo "ERROR: no builder \\"farm\\" found" >&2; exit 1'),
    });
    expect(run.stderr).toMatch(/no buildx builder "farm"[\s\S]*BUILDER_UNKNOWN/);
  });

  it('an engine that is too old', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(
        dir,
        `case $1 in --context) echo '20.10.24 []' ;; *) printf "Name: default\\nDriver: docker\\nPlatforms: linux/amd64, linux/arm64\\n" ;; esac`,
      ),
    });
    expect(run.stderr).toMatch(/engine is 20\.10\.24; 23\.0 or newer[\s\S]*--builder[\s\S]*DOCKER_TOO_OLD/);
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('a remote builder without an engine to run containers', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(dir, `case $1 in version) echo "Cannot connect" >&2; exit 1 ;; *) ${BUILDER} ;; esac`),
    });
    expect(run.stderr).toMatch(
      /Verification needs a Docker engine beside the builder test, and none is reachable\n[\s\S]*--no-verify[\s\S]*LAB_UNAVAILABLE/,
    );
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('a missing engine to run containers, for images only if they are booted', async () => {
    const env = fakeDocker(dir, `case $1 in version) exit 1 ;; *) ${BUILDER} ;; esac`);
    const image = ['image', '--source', join(dir, 'none.tar'), '--out', out];
    expect((await turnbuild(image, { env })).stderr).toMatch(/--no-boot[\s\S]*\[LAB_UNAVAILABLE\]/);
    expect((await turnbuild([...image, '--no-boot'], { env })).stderr).toMatch(/File not found: .*none\.tar/);
  });

  it('a builder that supports neither architecture', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(dir, 'printf "Name: odd\\nDriver: remote\\nPlatforms: linux/riscv64\\n"'),
    });
    expect(run.stderr).toMatch(
      /Builder odd supports neither linux\/arm64 nor linux\/amd64[\s\S]*BUILDER_UNSUITABLE/,
    );
    expect(run.code).toBe(1);
  });

  it('a builder that lacks a required platform', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(
        dir,
        `case $1 in --context) echo '26.1.5 []' ;; *) printf "Name: small\\nDriver: docker\\nPlatforms: linux/amd64\\n" ;; esac`,
      ),
    });
    expect(run.stderr).toMatch(/Builder small cannot run linux\/arm64[\s\S]*BUILDER_PLATFORM_MISSING/);
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });
});
