import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publicationPlace, publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const { keys, key, place } = publishing('apt,dnf');

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm', el9: 'rpm.el9' };

/** Versions -> a repository whose channel `testing` has them, which tests copy. */
const templates = new Map<string, string>();
afterAll(() => {
  for (const dir of templates.values()) rmSync(dir, { recursive: true, force: true });
});

/** A repository whose channel `testing` has these versions. */
async function repositoryWith(...versions: string[]) {
  const name = versions.join();
  let template = templates.get(name);
  if (template === undefined) {
    const { dir, out, publish } = place(mkdtempSync(join(tmpdir(), 'turnbuild-test-')));
    for (const version of versions) {
      packagedRelease(out, { version, targets: TARGETS });
      expect(await publish([version])).toMatchObject({ code: 0 });
    }
    templates.set(name, dir);
    template = dir;
  }
  const own = place();
  for (const each of ['dist', 'repo'])
    cpSync(join(template, each), join(own.dir, each), { recursive: true, preserveTimestamps: true });
  return own;
}

/** The releases that apt and dnf find in a channel, from the oldest to the newest. Each client downloads the newest one. */
async function versionsIn(repo: string, channel: 'testing' | 'stable') {
  const server = await serveRepository(repo);
  const suite = channel === 'stable' ? 'trixie' : 'trixie-testing';
  const apt = aptClient(temporaryFolder(), server.read(`apt/coturn-${suite}.sources`));
  await apt.update();
  const [portable, el9] = ['portable', 'el9'].map((target) =>
    dnfClient(temporaryFolder(), server.read(`dnf/coturn-${target}-${channel}.repo`)),
  );
  const short = (versions: string[] = []) =>
    versions.map((version) => version.replace('+turnbuild', '').replace(/~.*|\.el9$/, '')).sort();
  const found = {
    apt: short(await apt.versions('coturn')),
    portable: short(await portable?.versions('coturn')),
    el9: short(await el9?.versions('coturn')),
  };
  if (found.apt.length > 0) await apt.download('coturn');
  if (found.portable.length > 0) await portable?.download('coturn');
  if (found.el9.length > 0) await el9?.download('coturn');
  return found;
}

/** The same releases for each client, e.g. `4.18.0-1`. */
const all = (...releases: string[]) => ({ apt: releases, portable: releases, el9: releases });
const pool = (repo: string) => Object.entries(contentOf(repo)).filter(([name]) => name.includes('/pool/'));

describe('turnbuild promote', () => {
  it('brings a release from testing to stable without storing packages', async () => {
    const { repo, run } = await repositoryWith('4.17.0', '4.18.0');
    const before = pool(repo);
    const { code, stdout } = await run('promote', ['4.17.0']);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('stable now has coturn 4.17.0+turnbuild-1.');
    expect(await versionsIn(repo, 'stable')).toEqual(all('4.17.0-1'));
    expect(await versionsIn(repo, 'testing')).toEqual(all('4.17.0-1', '4.18.0-1'));
    expect((await run('promote', ['4.18.0+turnbuild-1'])).code).toBe(0);
    expect(await versionsIn(repo, 'stable')).toEqual(all('4.17.0-1', '4.18.0-1'));
    expect(pool(repo)).toEqual(before);
  });

  it('rolls a channel back and forward again', async () => {
    const { repo, run } = await repositoryWith('4.17.0', '4.18.0');
    for (const version of ['4.17.0', '4.18.0', '4.17.0'])
      expect((await run('promote', [version])).code).toBe(0);
    expect(await versionsIn(repo, 'stable')).toEqual(all('4.17.0-1'));
    expect((await run('promote', ['4.18.0'])).code).toBe(0);
    expect(await versionsIn(repo, 'stable')).toEqual(all('4.17.0-1', '4.18.0-1'));
  });

  it('takes the newest revision', async () => {
    const { repo, out, publish, run } = await repositoryWith('4.18.0');
    packagedRelease(out, { version: '4.18.0', revision: 2, targets: TARGETS });
    expect((await publish()).code).toBe(0);
    expect((await run('promote', ['4.18.0'])).stdout).toContain('4.18.0+turnbuild-2');
    expect(await versionsIn(repo, 'stable')).toEqual(all('4.18.0-2'));
  });

  it('changes nothing when it is repeated, and plans like publish', async () => {
    const { dir, repo, run } = await repositoryWith('4.18.0');
    const file = join(dir, 'promote.json');
    writeFileSync(file, (await run('promote', ['4.18.0', '--dry-run', '--json'])).stdout);
    expect(existsSync(join(repo, 'apt/dists/trixie'))).toBe(false);
    expect((await run('promote', ['4.18.0', '--plan', file])).code).toBe(0);
    const before = contentOf(repo);
    expect((await run('promote', ['4.18.0'])).stdout).toContain('Nothing to change.');
    expect(contentOf(repo)).toEqual(before);
  });

  it('gives a new suite the origin of the other channel', async () => {
    const own = publicationPlace('apt', { home: keys().home, key: key() });
    packagedRelease(own.out, { targets: { 'debian-13': 'deb13' } });
    await own.publish(['--origin', 'Example']);
    expect((await own.run('promote', ['4.18.0'])).code).toBe(0);
    expect(readFileSync(join(own.repo, 'apt/dists/trixie/InRelease'), 'utf8')).toContain('Origin: Example\n');
  });

  it('says which suites do not get the release, and empties none', async () => {
    const own = publicationPlace('apt', { home: keys().home, key: key() });
    packagedRelease(own.out, { version: '4.17.0', targets: { 'debian-13': 'deb13' } });
    packagedRelease(own.out, { version: '4.18.0', targets: { 'debian-12': 'deb12', 'debian-13': 'deb13' } });
    packagedRelease(own.out, { version: '4.19.0', targets: { 'debian-13': 'deb13' } });
    for (const version of ['4.17.0', '4.18.0', '4.19.0']) await own.publish([version]);
    expect((await own.run('promote', ['4.18.0'])).code).toBe(0);
    const next = await own.run('promote', ['4.19.0']);
    expect(next.stdout).toContain(
      'note: bookworm does not get 4.19.0+turnbuild-1, which has no packages for it.',
    );
    const before = contentOf(own.repo);
    const { code, stderr } = await own.run('promote', ['4.17.0']);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[PROMOTION_EMPTIES]'),
    });
    expect(contentOf(own.repo)).toEqual(before);
  });

  it('refuses a release that is not published', async () => {
    const { repo, run } = await repositoryWith('4.18.0');
    const before = contentOf(repo);
    const { code, stderr } = await run('promote', ['4.19.0']);
    expect(code).toBe(2);
    expect(stderr).toContain('has no release 4.19.0\n  Published: 4.18.0+turnbuild-1.\n  [RELEASE_UNKNOWN]');
    expect(contentOf(repo)).toEqual(before);
  });
});

describe('turnbuild withdraw', () => {
  it('takes a release out of all channels, keeps its files, and says why', async () => {
    const { repo, run } = await repositoryWith('4.17.0', '4.18.0');
    await run('promote', ['4.18.0']);
    const before = pool(repo);
    const { code, stdout } = await run('withdraw', ['4.18.0', '--reason', 'crashes on start']);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(await versionsIn(repo, 'testing')).toEqual(all('4.17.0-1'));
    expect(await versionsIn(repo, 'stable')).toEqual(all());
    expect(pool(repo)).toEqual(before);
    expect(readFileSync(join(repo, 'withdrawn/4.18.0+turnbuild-1.txt'), 'utf8')).toContain(
      'crashes on start',
    );
  });

  it('keeps a release from being published or promoted again', async () => {
    const { repo, publish, run } = await repositoryWith('4.17.0', '4.18.0');
    await run('withdraw', ['4.18.0', '--reason', 'crashes on start']);
    const before = contentOf(repo);
    for (const { code, stderr } of [
      await publish(['4.18.0']),
      await publish(['4.18.0', '--channel', 'stable']),
      await run('promote', ['4.18.0']),
    ])
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[RELEASE_WITHDRAWN]'),
      });
    expect(contentOf(repo)).toEqual(before);
    expect((await run('promote', ['4.17.0'])).code).toBe(0);
  });

  it('can be repeated, also after it was killed', async () => {
    const { repo, run } = await repositoryWith('4.17.0', '4.18.0');
    const withdraw = (env: Record<string, string> = {}) =>
      run('withdraw', ['4.18.0', '--reason', 'bad'], env);
    const preload = fileURLToPath(new URL('../support/kill-at.mjs', import.meta.url));
    for (const at of ['3', '12', '25'])
      expect((await withdraw({ NODE_OPTIONS: `--import ${preload}`, KILL_AT: at })).code).not.toBe(0);
    expect((await withdraw()).code).toBe(0);
    const before = contentOf(repo);
    expect(await withdraw()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to change.'),
    });
    expect(contentOf(repo)).toEqual(before);
    expect(await versionsIn(repo, 'testing')).toEqual(all('4.17.0-1'));
  });

  it('wants to know which of several revisions', async () => {
    const { repo, out, publish, run } = await repositoryWith('4.18.0');
    packagedRelease(out, { version: '4.18.0', revision: 2, targets: TARGETS });
    await publish();
    const { code, stderr } = await run('withdraw', ['4.18.0', '--reason', 'bad']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[RELEASE_AMBIGUOUS]'),
    });
    expect((await run('withdraw', ['4.18.0+turnbuild-1', '--reason', 'bad'])).code).toBe(0);
    expect(await versionsIn(repo, 'testing')).toEqual(all('4.18.0-2'));
  });

  it('needs a reason, and a release that is published', async () => {
    const { run } = await repositoryWith('4.18.0');
    const missing = await run('withdraw', ['4.18.0']);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('[ARGUMENT_MISSING]') });
    const unknown = await run('withdraw', ['4.19.0', '--reason', 'x']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('[RELEASE_UNKNOWN]') });
  });
});
