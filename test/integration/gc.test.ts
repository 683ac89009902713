import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, PUBLIC_URL, publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

type Place = ReturnType<ReturnType<typeof publishing>['place']>;

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };

const { keys, key, place } = publishing('apt,dnf');
let template: Place;

function copy() {
  const own = place();
  for (const name of ['out', 'repo'] as const)
    cpSync(template[name], own[name], { recursive: true, preserveTimestamps: true });
  return own;
}

/** A repository with 4.16.0 to 4.18.0 in stable, and 4.16.0 in testing. */
beforeAll(async () => {
  template = place(mkdtempSync(join(tmpdir(), 'turnbuild-test-')));
  for (const version of ['4.16.0', '4.17.0', '4.18.0']) {
    packagedRelease(template.out, { version, targets: TARGETS });
    expect(await template.publish([version, '--channel', 'stable'])).toMatchObject({ code: 0 });
  }
  expect(await template.publish(['4.16.0'])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(template.dir, { recursive: true }));

/** The versions that apt and dnf find in a channel. Each client verifies and downloads the newest one. */
async function versionsIn(repo: string, channel: 'testing' | 'stable') {
  const server = await serveRepository(repo);
  const suite = channel === 'stable' ? 'trixie' : 'trixie-testing';
  const apt = aptClient(temporaryFolder(), server.read(`apt/coturn-${suite}.sources`));
  await apt.update();
  const dnf = dnfClient(temporaryFolder(), server.read(`dnf/coturn-portable-${channel}.repo`));
  const short = (versions: string[]) => versions.map((version) => version.replace(/\+.*/, '')).sort();
  await apt.download('coturn');
  await dnf.download('coturn');
  return { apt: short(await apt.versions('coturn')), dnf: short(await dnf.versions('coturn')) };
}

const both = (...versions: string[]) => ({ apt: versions, dnf: versions });

/** The versions of the packages in the pools. */
function pool(repo: string) {
  const versions = (folder: string) =>
    readdirSync(join(repo, folder)).flatMap((name) => /[_-](4\.\d+\.0)\+turnbuild/.exec(name)?.[1] ?? []);
  return {
    apt: [...new Set(versions('apt/pool/main/c/coturn'))].sort(),
    dnf: [...new Set(versions('dnf/pool'))].sort(),
  };
}

/** Makes everything in a repository older. */
function age(repo: string, days: number) {
  for (const name of Object.keys(contentOf(repo))) {
    const file = join(repo, name);
    const seconds = statSync(file).mtimeMs / 1000 - days * 24 * 60 * 60;
    utimesSync(file, seconds, seconds);
  }
}

describe('turnbuild gc', () => {
  it('prints what it would do, and changes nothing', async () => {
    const { repo, run } = copy();
    const before = contentOf(repo);
    const { code, stdout } = await run('gc', ['--keep', '1', '--keep-days', '0']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}point +apt\/dists\/trixie\/InRelease$/m);
    expect(stdout).toMatch(/^ {2}delete .* coturn_4\.17\.0\+turnbuild-1~deb13_amd64\.deb$/m);
    expect(stdout).toContain('To perform this plan, pass --apply.');
    expect(contentOf(repo)).toEqual(before);
  });

  it('keeps the newest releases of each channel, and deletes what no channel needs', async () => {
    const { repo, run } = copy();
    // Files of someone else.
    const theirs = ['apt/pool/main/c/coturn/notes.deb', 'dnf/pool/other-1-1.x86_64.rpm', 'apt/README'];
    for (const path of theirs) writeFileSync(join(repo, path), 'theirs');
    expect(await run('gc', ['--keep', '1', '--keep-days', '0', '--apply'])).toMatchObject({ code: 0 });
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.18.0'));
    // Its package is in both channels until stable drops it.
    expect(await versionsIn(repo, 'testing')).toEqual(both('4.16.0'));
    expect(pool(repo)).toEqual(both('4.16.0', '4.18.0'));
    for (const path of theirs) expect(readFileSync(join(repo, path), 'utf8')).toBe('theirs');
    expect(readdirSync(join(repo, 'apt/dists/trixie/main/binary-amd64/by-hash/SHA256'))).toHaveLength(1);
    const states = readdirSync(join(repo, 'dnf/stable/portable')).filter((name) => name.startsWith('x86_64'));
    expect(states).toHaveLength(2);
    const again = await run('gc', ['--keep', '1', '--keep-days', '0', '--apply']);
    expect(again.stdout.match(/Nothing to (?:change|delete)\./g)).toHaveLength(6);
  });

  it('serves a client that started just before, until the days are over', async () => {
    const { repo, run } = copy();
    // Older than the days, but in use until now.
    age(repo, 400);
    const old = temporaryFolder();
    cpSync(repo, old, { recursive: true });
    expect(await run('gc', ['--keep', '1', '--apply'])).toMatchObject({ code: 0 });
    const pointers = ['apt/dists/trixie/InRelease', 'dnf/stable/portable/x86_64/mirrorlist'];
    const after = pointers.map((path) => readFileSync(join(repo, path)));
    for (const path of pointers) cpSync(join(old, path), join(repo, path));
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.16.0', '4.17.0', '4.18.0'));
    expect(pool(repo)).toEqual(both('4.16.0', '4.17.0', '4.18.0'));
    for (const [index, path] of pointers.entries()) writeFileSync(join(repo, path), after[index] ?? '');
    age(repo, 31);
    expect(await run('gc', ['--keep', '1', '--apply'])).toMatchObject({ code: 0 });
    expect(pool(repo)).toEqual(both('4.16.0', '4.18.0'));
  });

  it('keeps packages of withdrawn releases, unless --withdrawn is given', async () => {
    const { repo, run } = copy();
    expect(await run('withdraw', ['4.16.0', '--reason', 'crashes'])).toMatchObject({ code: 0 });
    expect(await run('gc', ['--keep-days', '0', '--apply'])).toMatchObject({ code: 0 });
    expect(pool(repo).apt).toContain('4.16.0');
    expect(await run('gc', ['--keep-days', '0', '--withdrawn', '--apply'])).toMatchObject({ code: 0 });
    expect(pool(repo)).toEqual(both('4.17.0', '4.18.0'));
    expect(readFileSync(join(repo, 'withdrawn/4.16.0+turnbuild-1.txt'), 'utf8')).toContain('crashes');
  });

  it('performs exactly the given plan', async () => {
    const { dir, repo, run } = copy();
    const file = join(dir, 'gc.json');
    writeFileSync(file, (await run('gc', ['--keep', '2', '--keep-days', '0', '--json'])).stdout);
    // Something else that has no use by now.
    const stray = join(repo, 'apt/pool/main/c/coturn/coturn_4.15.0+turnbuild-1~deb13_amd64.deb');
    writeFileSync(stray, 'stray');
    utimesSync(stray, 0, 0);
    const { code, stderr } = await run('gc', ['--plan', file]);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /4\.15\.0.* would be deleted, which is not in the plan[\s\S]*\[PUBLISH_PLAN_STALE\]/,
      ),
    });
    rmSync(stray);
    expect(await run('gc', ['--plan', file])).toMatchObject({ code: 0 });
    expect(await run('gc', ['--plan', file, '--keep', '1'])).toMatchObject({ code: 2 });
  });

  it('deletes nothing if a suite cannot be trusted', async () => {
    const { repo, run } = copy();
    const file = join(repo, 'apt/dists/trixie/InRelease');
    writeFileSync(file, readFileSync(file, 'utf8').replace('Label: coturn', 'Label: c0turn'));
    mkdirSync(join(repo, 'apt/dists/foreign'));
    const before = contentOf(repo);
    const { code, stderr } = await run('gc', ['--keep', '1', '--keep-days', '0', '--apply']);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[APT_SIGNATURE_INVALID]'),
    });
    expect(contentOf(repo)).toEqual(before);
    rmSync(file);
    await run('gc', ['--keep', '1', '--keep-days', '0', '--apply']);
    // Packages that only the lost file led to.
    expect(pool(repo).apt).toContain('4.17.0');
  });

  it.each(['gc', 'refresh'])('%s of a project that also publishes to GitHub needs no token', async (verb) => {
    const { dir, repo } = copy();
    writeFileSync(join(dir, 'turnbuild.yaml'), 'publish: { to: [apt, dnf, github] }\n');
    const before = contentOf(repo);
    const env = { GNUPGHOME: keys().home, GITHUB_TOKEN: '', GH_TOKEN: '' };
    const args = [verb, '--repo', repo, '--sign-with', key(), '--url', PUBLIC_URL];
    const own = await turnbuild(args, { env, cwd: dir });
    expect(own).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to change.') });
    expect(contentOf(repo)).toEqual(before);
    const github = await turnbuild([...args, '--to', 'github'], { env, cwd: dir });
    expect(github).toMatchObject({ code: 2, stderr: expect.stringContaining('[OPTION_INVALID]') });
  });

  it.each([
    ['--keep', '0'],
    ['--keep-days', 'all'],
    ['--keep-days', '-1'],
  ])('refuses %s %s', async (...words) => {
    const { code, stderr } = await template.run('gc', words);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('[OPTION_INVALID]') });
  });
});
