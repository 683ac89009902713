import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checksOf,
  FOREIGN,
  fileFolder,
  filesOf,
  manifestOf,
  NATIVE,
  ROOT,
  release,
  unpassed,
} from '../support/e2e.ts';
import { pushOfficialImage, startRegistry } from '../support/registry.ts';
import { expectSamePackages } from '../support/same-bytes.ts';
import { type SecondEngine, startMirroredEngine } from '../support/second-engine.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Makes base images from official images, which an engine pulls through a mirror of Docker Hub: a registry on this machine.
const dir = fileFolder('full-roots');
const bootstrapped = join(dir, 'bootstrapped');
const official = join(dir, 'official');
const lock = join(dir, 'lock.json');
const IMAGE = 'debian:bookworm-slim';
const TARGET = ['--target', 'debian-12', '--arch', NATIVE];

let registry: Awaited<ReturnType<typeof startRegistry>>;
let engine: SecondEngine;
let digest: string;
beforeAll(async () => {
  copyFileSync(join(ROOT, 'recipes/sources.lock.json'), lock);
  registry = await startRegistry(join(dir, 'registry'));
  engine = await startMirroredEngine(join(dir, 'engine'), registry.address);
});
afterAll(async () => {
  await engine.stop();
  registry.stop();
});

/** Runs with the default of --roots, like a user's machine. */
const pulling = (...args: string[]) =>
  release([...TARGET, '--lock', lock, '--out', official, ...args], {
    env: { ...engine.env, TURNBUILD_ROOTS: '' },
  });
const pinned = () => JSON.parse(readFileSync(lock, 'utf8')).images;

describe('official images', () => {
  it('produce the same packages as bootstrapped base images', async () => {
    const first = await release([...TARGET, '--no-verify', '--out', bootstrapped]);
    expect(first.code, first.stderr).toBe(0);
    digest = pushOfficialImage(registry.address, dir, 'debian-12', '1');
    const run = await pulling('--update-lock', '--only', 'install,elf,package');
    expect(run.code, run.stderr).toBe(0);
    const { bases } = manifestOf(official);
    expect(bases).toMatchObject([{ origin: 'registry', image: `${IMAGE}@${digest}` }]);
    expect(pinned()).toEqual({ [IMAGE]: digest });
    expect(unpassed(checksOf(manifestOf(official), `verify:debian-12:${NATIVE}`))).not.toContainEqual(
      expect.stringMatching(/failed|cannot-here|blocked/),
    );
    await expectSamePackages(official, bootstrapped, filesOf(bootstrapped, /\.(deb|tar\.gz)$/).length + 1);
  });

  it('stay pinned when their tag moves, which outdated reports', async () => {
    const newer = pushOfficialImage(registry.address, dir, 'debian-12', '2');
    expect(newer).not.toBe(digest);
    const again = await pulling('--only', 'install,elf,package');
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/up to date/);
    expect(manifestOf(official).bases).toMatchObject([{ image: `${IMAGE}@${digest}` }]);
    const state = await turnbuild(['outdated', official, '--source', 'debian', '--json'], {
      env: engine.env,
    });
    expect(JSON.parse(state.stdout).images).toEqual([
      { image: IMAGE, digest, newest: newer, outdated: true },
    ]);
    const refreshed = await pulling('--refresh-base', '--update-lock', '--no-verify');
    expect(refreshed.code, refreshed.stderr).toBe(0);
    expect(pinned()).toEqual({ [IMAGE]: newer });
    await expectSamePackages(official, bootstrapped, filesOf(bootstrapped, /\.(deb|tar\.gz)$/).length + 1);
  });

  it('are replaced by bootstrapped base images if the registry lacks them', async () => {
    const out = join(dir, 'other');
    const args = ['--target', 'debian-13', '--arch', FOREIGN, '--dry-run', '--lock', lock, '--out', out];
    const run = await release(args, { env: { ...engine.env, TURNBUILD_ROOTS: '' } });
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^Bootstrapping base images, because debian:trixie-slim cannot be pulled: /m);
  });
});
