import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checksOf,
  copyRecipes,
  debs,
  edit,
  FOREIGN,
  fileFolder,
  filesOf,
  manifestOf,
  NATIVE,
  ONE,
  release,
  unpassed,
} from '../support/e2e.ts';
import { anotherUser, withClockOfTomorrow } from '../support/elsewhere.ts';
import { startRemoteBuilder } from '../support/remote-builder.ts';
import { expectSamePackages } from '../support/same-bytes.ts';
import { startClassicEngine } from '../support/second-engine.ts';
import { interruptOnLine, turnbuild } from '../support/turnbuild.ts';
import { expectVerified } from '../support/verified.ts';

// Verifies every default package with one command, and makes the same bytes in other ways. The tests depend on each other, in this order.
const dir = fileFolder('full-release');
const out = join(dir, 'dist');
const DEB = 'coturn_4.6.1+turnbuild-1~deb13_amd64.deb';

describe('turnbuild release', () => {
  it('builds and verifies packages for all targets and architectures', async () => {
    const run = await release(['--out', out]);
    console.log(run.stdout, run.stderr);
    expect(run.code).toBe(0);
    expect(debs(out)).toHaveLength(8);
    expect(filesOf(out, /\.rpm$/)).toHaveLength(5);
    expect(filesOf(out, /\.tar\.gz$/)).toHaveLength(2);
    const manifest = manifestOf(out);
    const verified = manifest.steps.filter(({ stage }) => stage === 'verify');
    expect(verified).toHaveLength(6);
    for (const { id } of verified) expectVerified(manifest, id);
  });

  it('produces the same bytes of all packages without the build cache', async () => {
    const again = join(dir, 'again');
    const run = await release(['--out', again, '--no-verify', '--no-cache']);
    expect(run.code, run.stderr).toBe(0);
    await expectSamePackages(again, out, 23);
  });

  it('produces the same bytes in another folder, a day later, with another user, time zone, locale and umask', async () => {
    const other = join(dir, 'another place');
    const recipes = copyRecipes(dir);
    withClockOfTomorrow(recipes);
    const umask = process.umask(0o022);
    try {
      const options = anotherUser(other, dir);
      process.umask(0o077);
      const args = ['--out', join(other, 'dist'), '--recipes', recipes, '--target', 'debian-13'];
      const run = await release([...args, '--no-verify', '--no-cache'], options);
      expect(run.code, run.stderr).toBe(0);
    } finally {
      process.umask(umask);
    }
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    for (const arch of ['arm64', 'x86_64'])
      expect(readFileSync(join(other, `dist/4.6.1/work/logs/build-debian-13-${arch}.log`), 'utf8')).toContain(
        `the clock says ${tomorrow}`,
      );
    await expectSamePackages(join(other, 'dist'), out, 6);
  });

  it('verifies one of its packages as a file, without sources', async () => {
    const given = join(dir, 'given');
    mkdirSync(given);
    copyFileSync(join(out, '4.6.1', DEB), join(given, DEB));
    const run = await turnbuild(['verify', join(given, DEB), '--out', given]);
    expect(run.code, run.stderr).toBe(0);
    const manifest = manifestOf(join(given, 'verified'), DEB.replace(/\.deb$/, ''));
    const checks = checksOf(manifest, 'verify:debian-13:x86_64');
    expect([...checks.keys()]).toEqual([...checksOf(manifestOf(out), 'verify:debian-13:x86_64').keys()]);
    expect(unpassed(checks)).toEqual([
      ...['elf.debug-symbols', 'stun.vectors', 'packets.sanitizer'].map((id) => `${id} cannot-here`),
      'service.drain not-applicable',
    ]);
  });
});

describe('the same base images', () => {
  it('are bootstrapped if foreign ones cannot use native tools', async () => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, 'docker/native/lend.sh'), (text) => text.replace('mkdir "$root/lent"', '$&; exit 1'));
    const other = join(dir, 'emulated base images');
    const args = ['--out', other, '--recipes', recipes, '--refresh-base', '--only', 'elf.pie'];
    const run = await release([...args, '--arch', FOREIGN, '--target', 'debian-12,debian-13', '--verbose']);
    expect(run.code, run.stderr).toBe(0);
    expect(`${run.stdout}${run.stderr}`).toMatch(/native tools are not usable/);
    const digests = (folder: string) =>
      new Map(manifestOf(folder).bases.map(({ name, digest }) => [name, digest]));
    const [made, lent] = [digests(other), digests(out)];
    expect([...made.keys()].sort()).toEqual([...lent.keys()].sort());
    expect(made).toEqual(lent);
  });
});

describe('the same bytes', () => {
  it('come from a remote builder without cache, where every check passes', async () => {
    const other = join(dir, 'remote');
    const builder = await startRemoteBuilder('turnbuild-full-remote', join(dir, 'buildx'));
    try {
      const where = [...ONE, '--builder', builder.name];
      const run = await release(['--out', other, ...where, '--no-cache'], { env: builder.env });
      expect(run.code, run.stderr).toBe(0);
    } finally {
      await builder.stop();
    }
    expect(builder.transferred()).toBeGreaterThan(2 ** 20);
    if (NATIVE === 'x86_64') expectVerified(manifestOf(other), 'verify:debian-13:x86_64');
    await expectSamePackages(other, out, 3);
  });

  // A second dockerd gives its containers addresses of the first one's bridge, so nothing else may run meanwhile.
  it('come from an engine without the containerd image store, where the verification passes', async () => {
    const engine = await startClassicEngine(join(dir, 'engine'));
    const other = join(dir, 'classic');
    try {
      const args = ['--out', other, ...ONE];
      const dry = await release([...args, '--dry-run'], { env: engine.env });
      expect(dry.stdout).toMatch(
        /docker --context default import --platform linux\/amd64 .* turnbuild\/trixie-x86_64:/,
      );
      const run = await release(args, { env: engine.env });
      expect(run.code, run.stderr).toBe(0);
      const later = await release([...args, '--dry-run'], { env: engine.env });
      expect(later.stdout).not.toMatch(/import/);
      expect(later.stdout).toMatch(/--build-context=base=docker-image:\/\/turnbuild\/trixie-x86_64:/);
    } finally {
      await engine.stop();
    }
    await expectSamePackages(other, out, 3);
  });
});

describe('Ctrl-C', () => {
  it('during the bootstrap of a base image leaves no part of it, and the next release succeeds', async () => {
    const cache = join(dir, 'cache');
    const args = ['--out', join(dir, 'rootless'), ...ONE, '--no-verify'];
    const env = { TURNBUILD_CACHE: cache };
    const run = await release(args, {
      env,
      onStart: (child) => interruptOnLine(child, 'bootstrap ...', 3000),
    });
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    const left = readdirSync(join(cache, 'bases'), { recursive: true }) as string[];
    expect(left.filter((path) => path.includes('/'))).toEqual([]);
    const again = await release(args, { env });
    expect(again.code, again.stderr).toBe(0);
    await expectSamePackages(join(dir, 'rootless'), out, 3);
  });
});
