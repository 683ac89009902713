import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifest } from '../../src/manifest/store.ts';
import { type RunOptions, turnbuild } from '../support/turnbuild.ts';

// Real coturn 4.6.1 from the Debian archive, on a real Docker engine. The tests build on each other, in this order.
const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-e2e-'));
const out = join(dir, 'dist');
const release = (args: string[], options?: RunOptions) =>
  turnbuild(['release', '4.6.1', '--source', 'debian', ...args], options);
const manifestOf = (folder: string) => {
  const file = join(folder, '4.6.1/manifest.json');
  return parseManifest(file, readFileSync(file, 'utf8'));
};
const debs = (folder: string) =>
  readdirSync(join(folder, '4.6.1'))
    .filter((name) => name.endsWith('.deb'))
    .sort();

beforeAll(() => {
  expect(existsSync(join(root, 'lib/cli.js')), 'run `npm run build` first').toBe(true);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('turnbuild release', () => {
  it('makes and verifies packages for both targets and architectures', async () => {
    const run = await release(['--out', out]);
    console.log(run.stdout, run.stderr);
    expect(run.code).toBe(0);
    expect(debs(out)).toEqual(
      ['coturn', 'coturn-dbgsym']
        .flatMap((name) =>
          ['12_amd64', '12_arm64', '13_amd64', '13_arm64'].map(
            (end) => `${name}_4.6.1+turnbuild-1~deb${end}.deb`,
          ),
        )
        .sort(),
    );
    const verified = manifestOf(out).steps.filter((step) => step.stage === 'verify');
    expect(verified).toHaveLength(4);
    for (const step of verified) {
      expect(step.checks?.length).toBeGreaterThan(25);
      expect(step.checks?.filter((check) => check.status !== 'passed')).toEqual([]);
      expect(step.metrics).toMatchObject({
        turn_total_traffic_peer_sentp: 200,
        turn_total_traffic_peer_rcvb: 20000,
      });
    }
    expect(run.stdout).toMatch(/CVE-2026-27624/);
    expect(readFileSync(join(out, '4.6.1/report.html'), 'utf8')).toMatch(
      /4\.6\.1\+turnbuild-1~deb13_arm64\.deb/,
    );
  });

  it('finds that everything is up to date', async () => {
    const before = debs(out).map((name) =>
      execFileSync('sha256sum', [join(out, '4.6.1', name)], { encoding: 'utf8' }),
    );
    const run = await release(['--out', out]);
    expect(run.code).toBe(0);
    expect(run.stdout.match(/: (build|package|verify): up to date/g)).toHaveLength(12);
    expect(
      debs(out).map((name) => execFileSync('sha256sum', [join(out, '4.6.1', name)], { encoding: 'utf8' })),
    ).toEqual(before);
  });

  it('refuses to verify a package that was changed, and makes it again', async () => {
    const name = debs(out).find((each) => each.startsWith('coturn_') && each.includes('deb13_amd64')) ?? '';
    const good = readFileSync(join(out, '4.6.1', name));
    appendFileSync(join(out, '4.6.1', name), 'x');
    const single = ['--out', out, '--target', 'debian-13', '--arch', 'x86_64'];
    const refused = await turnbuild(['verify', '4.6.1', ...single]);
    expect(refused.stderr).toMatch(
      /is not the file that package:debian-13:x86_64 has made[\s\S]*ARTIFACT_CHANGED/,
    );
    expect(refused.code).toBe(1);
    const again = await release(single);
    expect(again.stdout).toMatch(/build: up to date[\s\S]*package: done[\s\S]*verify: up to date/);
    expect(readFileSync(join(out, '4.6.1', name)).equals(good)).toBe(true);
  });

  it('gives the same bytes from a cold cache, elsewhere, as another time zone, locale and umask', async () => {
    execFileSync('docker', ['buildx', 'prune', '--all', '--force'], { stdio: 'ignore' });
    const other = join(dir, 'another place', 'dist');
    mkdirSync(other, { recursive: true });
    const umask = process.umask(0o077);
    try {
      const run = await release(['--out', other, '--target', 'debian-13', '--no-verify'], {
        cwd: dir,
        env: { TZ: 'Asia/Kathmandu', LC_ALL: 'C', LANG: 'C' },
      });
      expect(run.code, run.stderr).toBe(0);
    } finally {
      process.umask(umask);
    }
    expect(debs(other)).toHaveLength(4);
    for (const name of debs(other)) {
      const [first, second] = [out, other].map((folder) => join(folder, '4.6.1', name)) as [string, string];
      if (readFileSync(first).equals(readFileSync(second))) continue;
      // The difference in words; diffoscope exits with 1 when there is one.
      execFileSync('diffoscope', ['--text', '-', first, second], { stdio: 'inherit' });
      throw new Error(`${name} differs, and diffoscope does not see where`);
    }
  });

  it('packages without compiling when only the unit has changed', async () => {
    const recipes = copyRecipes();
    appendFileSync(join(recipes, 'packaging/common/coturn.service'), '\n# changed\n');
    const run = await release(['--out', out, '--recipes', recipes, '--target', 'debian-13', '--no-verify']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.match(/: build: up to date/g)).toHaveLength(2);
    expect(run.stdout.match(/: package: done/g)).toHaveLength(2);
  });
});

describe('failures', () => {
  const broken = join(dir, 'broken');

  it('a patch that does not apply names the file and the hunk', async () => {
    const recipes = copyRecipes();
    plantPatch(
      recipes,
      '--- a/src/ns_turn_defs.h\n+++ b/src/ns_turn_defs.h\n@@ -1,3 +1,3 @@\n not the first line\n-nor the second\n+planted\n not the third\n',
    );
    const run = await release([
      '--out',
      broken,
      '--recipes',
      recipes,
      '--target',
      'debian-13',
      '--arch',
      'x86_64',
      '--no-verify',
    ]);
    expect(run.stderr).toMatch(
      /planted\/planted\.patch does not apply to coturn 4\.6\.1: src\/ns_turn_defs\.h Hunk #1 FAILED[\s\S]*PATCH_FAILED/,
    );
    expect(run.code).toBe(1);
    expect(debs(broken)).toEqual([]);
  });

  it('a compile error in one architecture keeps the other, and a re-run makes just what is missing', async () => {
    const recipes = copyRecipes();
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
    expect(readFileSync(join(broken, '4.6.1/logs/build-debian-13-arm64.log'), 'utf8')).toMatch(
      /#error planted/,
    );
    const again = await release(args);
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(/debian-13 x86_64: package: up to date/);
  });

  it('a full disk is named as one, keeps nothing half-made, and the same command works once there is space', async () => {
    const small = join(dir, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
    try {
      const args = ['--out', join(small, 'dist'), '--target', 'debian-13', '--arch', 'x86_64', '--no-verify'];
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

  it('one release at a time in a folder; Ctrl-C ends it at once and leaves nothing half-made', async () => {
    const interrupted = join(dir, 'interrupted');
    const args = ['--out', interrupted, '--target', 'debian-12', '--arch', 'arm64', '--no-verify'];
    let second: Awaited<ReturnType<typeof turnbuild>> | undefined;
    const recipes = copyRecipes();
    // Another comment: a compile that no cache has.
    appendFileSync(join(recipes, 'docker/deb/build.sh'), `\n# ${Date.now()}\n`);
    const first = await release([...args, '--recipes', recipes], {
      onStart: (child) => {
        child.stdout?.on('data', (chunk: Buffer) => {
          if (!chunk.toString().includes('build ...')) return;
          setTimeout(async () => {
            second = await release([...args, '--recipes', recipes]);
            child.kill('SIGINT');
          }, 1500);
        });
      },
    });
    expect(second?.stderr).toMatch(/Another release works in .*RELEASE_LOCKED/s);
    expect(second?.code).toBe(1);
    expect(first.stderr).toMatch(/INTERRUPTED/);
    expect(first.code).toBe(130);
    const left = readdirSync(join(interrupted, '4.6.1'));
    expect(left.filter((name) => name.startsWith('.') || name.endsWith('.deb') || name === 'build')).toEqual(
      [],
    );
    const rerun = await release(args);
    expect(rerun.code, rerun.stderr).toBe(0);
    expect(debs(interrupted)).toHaveLength(2);
  });
});

let copies = 0;

/** Recipes and patches of the project, to be changed. */
function copyRecipes(): string {
  const copy = join(dir, `recipes-${++copies}`);
  cpSync(join(root, 'recipes'), join(copy, 'recipes'), { recursive: true });
  cpSync(join(root, 'patches'), join(copy, 'patches'), { recursive: true });
  return join(copy, 'recipes');
}

function plantPatch(recipes: string, patch: string): void {
  const patches = join(recipes, '../patches');
  mkdirSync(join(patches, 'planted'));
  writeFileSync(join(patches, 'planted/series'), 'planted.patch\n');
  writeFileSync(join(patches, 'planted/planted.patch'), patch);
  appendFileSync(
    join(patches, 'compatibility.yaml'),
    "- versions: '4.6.1'\n  series: planted\n  reason: a planted fault\n",
  );
}
