import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CUT,
  checksOf,
  copyRecipes,
  debs,
  edit,
  fileFolder,
  JOBS,
  manifestOf,
  ONE,
  plantPatch,
  release,
} from '../support/e2e.ts';
import { interruptOnLine, turnbuild } from '../support/turnbuild.ts';

// Faults that only a real build or container can have. test/integration/engine-* tests how the engine handles failures.
const dir = fileFolder('failures');
const out = join(dir, 'dist');
const broken = join(dir, 'broken');
/** Checks that need a container with the installed package but no laboratory. */
const INSTALL = ['--only', 'install.clean'];

beforeAll(async () => {
  const run = await release(['--out', out, ...ONE, '--no-verify']);
  expect(run.code, run.stderr).toBe(0);
});

describe('a build', () => {
  it('whose patch does not apply names the file and the hunk', async () => {
    const recipes = copyRecipes(dir);
    plantPatch(
      recipes,
      '--- a/src/ns_turn_defs.h\n+++ b/src/ns_turn_defs.h\n@@ -1,3 +1,3 @@\n not the first line\n-nor the second\n+planted\n not the third\n',
    );
    const run = await release(['--out', broken, '--recipes', recipes, ...ONE, '--no-verify']);
    expect(run.stderr).toMatch(
      /planted\/planted\.patch does not apply to coturn 4\.6\.1: src\/ns_turn_defs\.h Hunk #1 FAILED[\s\S]*PATCH_FAILED/,
    );
    expect(run.code).toBe(1);
    expect(debs(broken)).toEqual([]);
  });

  it('that does not compile for one architecture reports why, keeps the log and builds the other one', async () => {
    const recipes = copyRecipes(dir);
    plantPatch(
      recipes,
      '--- a/src/ns_turn_defs.h\n+++ b/src/ns_turn_defs.h\n@@ -33,4 +33,7 @@\n \n #define TURN_SERVER_VERSION "4.6.1"\n+#if defined(__aarch64__)\n+#error planted\n+#endif\n #define TURN_SERVER_VERSION_NAME "Gorst"\n #define TURN_SOFTWARE "Coturn-" TURN_SERVER_VERSION " \'" TURN_SERVER_VERSION_NAME "\'"\n',
    );
    const args = ['--out', broken, '--recipes', recipes, '--target', 'debian-13', '--no-verify'];
    const run = await release(args);
    expect(run.stderr).toMatch(/did not compile for arm64[\s\S]*#error planted[\s\S]*COMPILE_FAILED/);
    expect(run.code).toBe(1);
    expect(debs(broken)).toEqual([
      'coturn-dbgsym_4.6.1+turnbuild-1~deb13_amd64.deb',
      'coturn_4.6.1+turnbuild-1~deb13_amd64.deb',
    ]);
    expect(readFileSync(join(broken, '4.6.1/work/logs/build-debian-13-arm64.log'), 'utf8')).toMatch(
      /#error planted/,
    );
  });

  it('that loses the network while it installs the toolchain reports that, and works when repeated', async () => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, 'docker/build/compiler.sh'), (text) => text.replace('own=$(', `${CUT}own=$(`));
    const args = ['--out', join(dir, 'cut'), ...ONE, '--no-verify'];
    const run = await release([...args, '--recipes', recipes]);
    expect(run.stderr).toMatch(/the builder cannot reach the package archive[\s\S]*NETWORK_FAILED/);
    expect(run.code).toBe(1);
    expect(debs(join(dir, 'cut'))).toEqual([]);
    expect((await release(args)).code).toBe(0);
  });

  it('that fills the disk reports that, keeps no partial output, and works once there is space', async () => {
    const small = join(dir, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
    try {
      const args = ['--out', join(small, 'dist'), ...ONE, '--no-verify'];
      const run = await release(args);
      expect(run.stderr).toMatch(/DISK_FULL/);
      expect(run.code).toBe(1);
      expect(debs(join(small, 'dist'))).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=64m', small]);
      const again = await release(args);
      expect(again.code, again.stderr).toBe(0);
      expect(debs(join(small, 'dist'))).toHaveLength(2);
    } finally {
      execFileSync('umount', ['--lazy', small]);
    }
  });

  it('that is interrupted while compiling ends within 30 seconds and leaves no partial output', async () => {
    const interrupted = join(dir, 'interrupted');
    const recipes = copyRecipes(dir);
    // A new comment invalidates the cached compile.
    appendFileSync(join(recipes, 'docker/build/build.sh'), `\n# ${Date.now()}\n`);
    const args = ['--out', interrupted, '--recipes', recipes, ...ONE, '--no-verify'];
    let sent = 0;
    const run = await release(args, {
      onStart: (child) => interruptOnLine(child, 'build ...', 3000, () => (sent = Date.now())),
    });
    // turnbuild interrupts Docker, which waits for its containers.
    expect(Date.now() - sent).toBeLessThan(30_000);
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    const left = readdirSync(join(interrupted, '4.6.1'));
    expect(left.filter((name) => name.startsWith('.') || name.endsWith('.deb') || name === 'build')).toEqual(
      [],
    );
    expect(manifestOf(interrupted).steps).toEqual([]);
  });
});

describe('a verification', () => {
  const verdict = () => manifestOf(out).steps.find((each) => each.id === 'verify:debian-13:x86_64');

  it('whose ports are in use names them and records no verdict', async () => {
    const recipes = copyRecipes(dir);
    const listener = `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalPort => 3478); sleep 600' &\nsleep 2\n`;
    edit(join(recipes, 'docker/verify/main.sh'), (text) => `${listener}${text}`);
    const run = await release(['--out', out, '--recipes', recipes, ...ONE, ...INSTALL]);
    expect(run.stderr).toMatch(/ports in use in the builder's network: 3478[\s\S]*VERIFY_PORT_IN_USE/);
    expect(run.code).toBe(1);
    expect(verdict()?.checks ?? []).toEqual([]);
  });

  it('that loses the network reports that and records no verdict', async () => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, 'docker/verify/main.sh'), (text) => `${CUT}${text}`);
    const run = await release(['--out', out, '--recipes', recipes, ...ONE, ...INSTALL]);
    expect(run.stderr).toMatch(
      /package archive is unreachable, so packages cannot be installed[\s\S]*NETWORK_FAILED/,
    );
    expect(run.code).toBe(1);
    expect(verdict()?.checks ?? []).toEqual([]);
  });

  it('of a package that cannot be installed reports why in one failed check and blocks the others', async () => {
    const tree = join(dir, 'tree');
    const name = 'coturn_4.6.1+turnbuild-1~deb13_amd64';
    const file = join(dir, `${name}.deb`);
    execFileSync('dpkg-deb', ['-R', join(out, '4.6.1', `${name}.deb`), tree]);
    edit(join(tree, 'DEBIAN/control'), (text) => text.replace(/^Depends: /m, 'Depends: no-such-package, '));
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, file], { stdio: 'ignore' });
    const folder = join(dir, 'uninstallable');
    const run = await turnbuild(['verify', file, '--target', 'debian-13', '--out', folder, ...JOBS]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/the package cannot be installed: .*no-such-package/);
    const checks = checksOf(manifestOf(join(folder, 'verified'), name), 'verify:debian-13:x86_64');
    const bad = [...checks.values()].filter(({ status }) => status === 'failed' || status === 'blocked');
    expect(bad.filter(({ status }) => status === 'failed').map(({ id }) => id)).toEqual(['install.clean']);
    const blocked = bad.filter(({ status }) => status === 'blocked');
    expect(new Set(blocked.map(({ blockedBy }) => blockedBy))).toEqual(new Set(['install.clean']));
    expect(bad.length).toBeGreaterThan(40);
  });

  it('that is interrupted records no verdict and keeps the package', async () => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, 'docker/verify/main.sh'), (text) => `sleep 60\n${text}`);
    const before = manifestOf(out).steps.filter(({ stage }) => stage !== 'verify');
    const run = await release(['--out', out, '--recipes', recipes, ...ONE, ...INSTALL], {
      onStart: (child) => interruptOnLine(child, 'verify ...', 3000),
    });
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    expect(readdirSync(join(out, '4.6.1')).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(verdict()?.checks ?? []).toEqual([]);
    expect(manifestOf(out).steps.filter(({ stage }) => stage !== 'verify')).toEqual(before);
    const again = await release(['--out', out, ...ONE, ...INSTALL]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/debian-13 x86_64: package: up to date/);
  });
});
