import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  copyRecipes,
  debs,
  FOREIGN,
  fileFolder,
  filesOf,
  manifestOf,
  NATIVE,
  ROOT,
  release,
} from '../support/e2e.ts';
import { anotherUser, withClockOfTomorrow } from '../support/elsewhere.ts';
import { expectSamePackages } from '../support/same-bytes.ts';
import { turnbuild } from '../support/turnbuild.ts';
import { expectVerified } from '../support/verified.ts';

// Builds all default targets for this machine's architecture from scratch. The tests depend on each other, in this order.
const dir = fileFolder('release');
const out = join(dir, 'dist');
const TARGETS = ['debian-12', 'debian-13', 'portable'];
const sums = () =>
  filesOf(out, /\.(deb|rpm|gz|json)$/)
    .filter((name) => name !== 'manifest.json')
    .map((name) => execFileSync('sha256sum', [join(out, '4.6.1', name)], { encoding: 'utf8' }));

beforeAll(() => {
  expect(existsSync(join(ROOT, 'lib/cli.js')), 'run `npm run build` first').toBe(true);
});

describe('turnbuild release', () => {
  it('builds and verifies the packages of all default targets', async () => {
    const run = await release(['--out', out, '--arch', NATIVE]);
    console.log(run.stdout, run.stderr);
    expect(run.code).toBe(0);
    const deb = NATIVE === 'arm64' ? 'arm64' : 'amd64';
    expect(debs(out)).toEqual(
      ['coturn', 'coturn-dbgsym']
        .flatMap((name) => ['12', '13'].map((suite) => `${name}_4.6.1+turnbuild-1~deb${suite}_${deb}.deb`))
        .sort(),
    );
    const rpm = NATIVE === 'arm64' ? 'aarch64' : 'x86_64';
    expect(filesOf(out, /\.(rpm|tar\.gz)$/)).toEqual(
      [
        `coturn-4.6.1+turnbuild-1.${rpm}.rpm`,
        'coturn-4.6.1+turnbuild-1.src.rpm',
        `coturn-4.6.1-linux-${NATIVE}.tar.gz`,
        `coturn-debuginfo-4.6.1+turnbuild-1.${rpm}.rpm`,
      ].sort(),
    );
    const manifest = manifestOf(out);
    expect(manifest.steps.filter(({ stage }) => stage === 'verify')).toHaveLength(3);
    for (const target of TARGETS) expectVerified(manifest, `verify:${target}:${NATIVE}`);
    expect(run.stdout).toMatch(/CVE-2026-27624/);
    expect(readFileSync(join(out, '4.6.1/report.html'), 'utf8')).toContain(`~deb13_${deb}.deb`);
  });

  it('finds all steps up to date in the second run', async () => {
    const before = sums();
    const run = await release(['--out', out, '--arch', NATIVE]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.match(/: (build|package|verify): up to date/g)).toHaveLength(9);
    expect(sums()).toEqual(before);
  });

  it('has the same plan with an empty and with a filled cache', async () => {
    const env = { TURNBUILD_CACHE: join(dir, 'empty-cache') };
    const plan = () => turnbuild(['plan', '4.6.1', '--source', 'debian', '--json'], { env });
    const [cold, warm] = [await plan(), await plan()];
    expect(cold.code, cold.stderr).toBe(0);
    // The first run fetched the sources, the second one finds them.
    expect(warm.stdout).toBe(cold.stdout);
  });

  it('runs exactly the commands that a dry run prints', async () => {
    const elsewhere = join(dir, 'as-dry');
    const dry = await release(['--out', elsewhere, '--arch', NATIVE, '--dry-run']);
    expect(dry.code, dry.stderr).toBe(0);
    // Values that only a real run knows, and values that differ in each process.
    const known = (line: string) =>
      line
        .replaceAll(elsewhere, out)
        .replaceAll(/(ARCHIVE_STATE=|SYSROOT_METADATA=|ATTEMPT=)\S+/g, '$1...')
        .replaceAll(/(turnbuild-lab-\S+-)([0-9a-f]{8}|RANDOM)/g, '$1...')
        .replaceAll(/(turnbuild\.lab=)\S+/g, '$1...');
    const printed = dry.stdout.split('\n').filter((line) => /^(\S+=\S* )*docker /.test(line));
    const logs = join(out, '4.6.1', 'work', 'logs');
    const names = readdirSync(logs).filter((name) => !name.startsWith('base-'));
    const run = names.flatMap((name) =>
      readFileSync(join(logs, name), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('$ '))
        .map((line) => line.slice(2)),
    );
    expect(printed.length).toBeGreaterThan(30);
    expect(run.map(known).sort()).toEqual(printed.map(known).sort());
  });

  it('lists the steps that are up to date in a dry run, and prints the commands of the others', async () => {
    const run = await release(['--out', out, '--arch', NATIVE, '--only', 'elf', '--dry-run']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.match(/^# (build|package):\S+: up to date$/gm)).toHaveLength(6);
    const stages = [...run.stdout.matchAll(/docker buildx build .*--target=(\w+)/g)].map(([, name]) => name);
    expect(stages).toEqual(['inspect', 'inspect', 'inspect']);
  });

  it('prints the commands in a dry run and executes none', async () => {
    const elsewhere = join(dir, 'dry');
    // Leave out the other architecture: emulated.test.ts may or may not have made its base image.
    const known = await release([
      '--out',
      elsewhere,
      '--dry-run',
      '--target',
      'debian-13',
      '--arch',
      FOREIGN,
    ]);
    expect(known.code, known.stderr).toBe(0);
    const lines = known.stdout.split('\n').filter((line) => line.includes('docker buildx build'));
    expect(lines.map((line) => /--target=(\w+)/.exec(line)?.[1])).toEqual([
      'build',
      'package',
      'inspect',
      'verify',
      'lab',
    ]);
    expect(lines.filter((line) => line.includes('--build-arg=ARCHIVE_STATE=STATE'))).toHaveLength(2);
    const base = new RegExp(
      `base=oci-layout://\\S+trixie-${NATIVE}-[0-9a-f]{12}/[0-9a-f]{12}@sha256:[0-9a-f]{64}`,
    );
    for (const line of lines) expect(line).toMatch(base);
    expect(lines[3]).toMatch(
      new RegExp(`target=oci-layout://\\S+trixie-${FOREIGN}-[0-9a-f]{12}\\S*@(sha256:|DIGEST)`),
    );
    const fresh = await release(['--out', elsewhere, '--dry-run', '--refresh-base', '--target', 'debian-13']);
    expect(fresh.stdout).toMatch(/mmdebstrap .*trixie[\s\S]*base=oci-layout:\S+@DIGEST/);
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('produces the same bytes without cache in another folder, a day later, with another user, time zone, locale and umask', async () => {
    const other = join(dir, 'another place');
    const recipes = copyRecipes(dir);
    withClockOfTomorrow(recipes);
    const umask = process.umask(0o022);
    try {
      const options = anotherUser(other, dir);
      process.umask(0o077);
      const one = ['--target', 'debian-13', '--arch', NATIVE, '--no-verify'];
      const run = await release(
        ['--out', join(other, 'dist'), '--recipes', recipes, ...one, '--no-cache'],
        options,
      );
      expect(run.code, run.stderr).toBe(0);
    } finally {
      process.umask(umask);
    }
    const log = readFileSync(join(other, `dist/4.6.1/work/logs/build-debian-13-${NATIVE}.log`), 'utf8');
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect(log).toContain(`the clock says ${tomorrow}`);
    await expectSamePackages(join(other, 'dist'), out, 3);
  });

  it('packages without compiling if only the unit has changed', async () => {
    const recipes = copyRecipes(dir);
    appendFileSync(join(recipes, 'packaging/common/coturn.service'), '\n# changed\n');
    const args = ['--recipes', recipes, '--target', 'debian-13', '--arch', NATIVE, '--no-verify'];
    const run = await release(['--out', out, ...args]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/: build: up to date[\s\S]*: package: done/);
  });
});
