import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';
import { describe, expect, test } from 'vitest';
import type { Outdated } from '../../src/commands/outdated.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import { formatManifest } from '../../src/manifest/store.ts';
import { loadRecipes } from '../../src/run/recipes.ts';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { serve } from '../support/http-server.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The folder of a release of this version whose packages have no statically linked libraries. */
function release(
  dist: string,
  version: string,
  bases: Manifest['bases'] = [],
  steps: Manifest['steps'] = [],
): string {
  const dir = join(dist, version);
  mkdirSync(dir, { recursive: true });
  const manifest = {
    schema: 3 as const,
    turnbuild: '0.1.0',
    coturn: { version, revision: 1, epoch: 0 },
    packageVersion: `${version}+turnbuild-1`,
    advisories: [],
    bases,
    steps,
  };
  writeFileSync(join(dir, 'manifest.json'), formatManifest(manifest, sha256));
  return dir;
}

/** GitHub's list of releases, as one page. */
async function github(versions: readonly string[]) {
  const { url } = await serve((request, response) => {
    const known = request.url?.startsWith('/repos/coturn/coturn/releases') === true;
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    const list = versions.map((tag_name) => ({ tag_name, draft: false, prerelease: false }));
    response.end(JSON.stringify(known ? list : { message: 'Not Found' }));
  });
  return { GITHUB_API_URL: url, GITHUB_TOKEN: '' };
}

describe('turnbuild outdated', () => {
  test('checks the newest release in a folder and exits with 1 for a newer coturn', async () => {
    const dist = temporaryFolder();
    for (const version of ['4.9.0', '4.10.0']) release(dist, version);
    const run = await turnbuild(['outdated', dist], { env: await github(['4.10.0', '4.18.0', '4.17.0']) });
    expect(run.stdout).toMatch(/coturn +4\.10\.0 +4\.18\.0 +GitHub/);
    expect(run.stdout).toContain('turnbuild release 4.18.0');
    expect(run.code).toBe(1);
  });

  test('exits with 0 and prints JSON if nothing is due', async () => {
    const dir = release(temporaryFolder(), '4.18.0');
    const env = await github(['4.18.0', '4.17.0']);
    const run = await turnbuild(['outdated', join(dir, 'manifest.json'), '--json'], { env });
    expect(JSON.parse(run.stdout)).toMatchObject({
      coturn: { version: '4.18.0', newest: '4.18.0', outdated: false },
      libraries: [],
      due: false,
      security: false,
    });
    expect(run.code).toBe(0);
  });

  test('reports newer base images, which require no rebuild', async () => {
    const [was, is] = ['12'.repeat(32), '34'.repeat(32)];
    const image = `debian:trixie-slim@sha256:${was}`;
    const base = { name: 'b', suite: 'trixie', arch: 'x86_64' as const, origin: 'registry' as const };
    const dir = release(temporaryFolder(), '4.18.0', [{ ...base, digest: `sha256:${was}`, image }]);
    const docker = fakeDocker(
      temporaryFolder(),
      `case "$*" in
  "buildx inspect"*) ${BUILDER} ;;
  *docker-image://debian:trixie-slim\\ *)
    for word; do case $word in --output=*) out=\${word#*dest=} ;; esac; done
    mkdir -p "$out"
    echo '{"predicate":{"materials":[{"uri":"pkg:docker/debian@x","digest":{"sha256":"${is}"}}]}}' >"$out/provenance.json" ;;
  *) exit 1 ;;
esac`,
    );
    const env = { ...(await github(['4.18.0'])), ...docker };
    const run = await turnbuild(['outdated', dir, '--json'], { env });
    expect(JSON.parse(run.stdout)).toMatchObject({
      images: [{ image: 'debian:trixie-slim', newest: `sha256:${is}`, outdated: true }],
      due: false,
    });
    expect(run.code).toBe(0);
  });

  test('fails if the packages of a machine image are not recorded, instead of reporting "up to date"', async () => {
    const dir = release(
      temporaryFolder(),
      '4.18.0',
      [],
      [
        {
          ...{ id: 'image:aws:arm64', stage: 'image', cloud: 'aws', target: 'debian-13', arch: 'arm64' },
          ...{ key: '0'.repeat(64), status: 'done', seconds: 0, outputs: [], inputs: [], bases: {} },
        },
      ],
    );
    const run = await turnbuild(['outdated', dir], { env: await github(['4.18.0']) });
    expect(run.stderr).toMatch(/does not list the packages of image:aws:arm64[\s\S]*MANIFEST_INVALID/);
    expect(run.code).toBe(1);
  });

  test('lists the known vulnerabilities that a newer release fixes', async () => {
    const dir = release(temporaryFolder(), '4.6.1');
    const run = await turnbuild(['outdated', dir, '--json'], { env: await github(['4.18.0']) });
    const { coturn, due, security } = JSON.parse(run.stdout) as Outdated;
    expect(coturn.fixed).toHaveLength(coturn.advisories.length);
    expect([due, security]).toEqual([true, true]);
  });

  test('exits with 1 for known vulnerabilities even if nothing is due, and lists each with severity and fix', async () => {
    const dir = release(temporaryFolder(), '4.6.1');
    const env = await github(['4.6.1']);
    const run = await turnbuild(['outdated', dir, '--json'], { env });
    expect(run.code).toBe(1);
    const { coturn, due, security } = JSON.parse(run.stdout) as Outdated;
    expect([due, security, coturn.fixed]).toEqual([false, true, []]);
    const { advisories } = await loadRecipes(undefined);
    const expected = advisories.filter(({ affected }) => satisfies('4.6.1', affected));
    expect(expected.length).toBeGreaterThan(15);
    expect(coturn.advisories.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    const text = await turnbuild(['outdated', dir], { env });
    expect(text.code).toBe(1);
    expect(text.stdout).toContain('A rebuild would not fix');
    expect(text.stdout).not.toContain('Everything is up to date');
    for (const { id, severity, fixed } of expected)
      expect(text.stdout).toMatch(new RegExp(`${severity} +${id} +${fixed.replaceAll('.', '\\.')}( |\n)`));
  });

  test('does not report a quarantined release as the newest', async () => {
    const recipes = temporaryFolder();
    execFileSync('cp', ['-r', 'recipes', 'patches', recipes]);
    const quarantine = `- versions: '=4.19.0'\n  reason: broken\n  instead: 4.18.0\n  reference: https://example.org/1\n`;
    writeFileSync(join(recipes, 'recipes/quarantine.yaml'), quarantine);
    const dir = release(temporaryFolder(), '4.18.0');
    const args = ['outdated', dir, '--recipes', join(recipes, 'recipes')];
    const run = await turnbuild(args, { env: await github(['4.19.0', '4.18.0']) });
    expect(run.stdout).toMatch(/coturn +4\.18\.0 +4\.18\.0/);
    expect(run.code).toBe(0);
  });

  test.each([
    [
      'a missing folder',
      ['outdated', './nowhere'],
      /There is no release in .*nowhere\n[\s\S]*MANIFEST_MISSING/,
      2,
    ],
    ['a missing manifest', ['outdated', './nothing.json'], /File not found: .*nothing\.json/, 2],
    [
      'a source without releases',
      ['outdated', '.', '--source', './a.tar.gz'],
      /Invalid --source "\.\/a\.tar\.gz": expected github or debian/,
      2,
    ],
  ])('fails for %s', async (_, args, message, code) => {
    const dir = temporaryFolder();
    release(dir, '4.6.1');
    const run = await turnbuild(args, { cwd: dir, env: await github([]) });
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
  });

  test('refuses a manifest that was changed', async () => {
    const dir = release(temporaryFolder(), '4.6.1');
    writeFileSync(join(dir, 'manifest.json'), JSON.stringify({ schema: 3, coturn: { version: '9.9.9' } }));
    const run = await turnbuild(['outdated', dir], { env: await github(['4.18.0']) });
    expect(run.stderr).toMatch(/MANIFEST_INVALID/);
    expect(run.code).toBe(1);
  });

  test('fails if GitHub is unreachable, instead of reporting "up to date"', async () => {
    const dir = release(temporaryFolder(), '4.18.0');
    const env = { GITHUB_API_URL: 'http://127.0.0.1:9', GITHUB_TOKEN: '' };
    const run = await turnbuild(['outdated', dir], { env });
    expect(run.stderr).toMatch(/GITHUB_UNREACHABLE/);
    expect(run.code).toBe(1);
  });
});
