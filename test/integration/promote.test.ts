import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publicationPlace, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };

/** A repository whose channel `testing` has these versions. */
async function repositoryWith(...versions: string[]) {
  const own = publicationPlace('apt,dnf', { home: keys.home, key });
  for (const version of versions) {
    packagedRelease(own.out, { version, targets: TARGETS });
    expect(await own.publish([version])).toMatchObject({ code: 0 });
  }
  return own;
}

/** The coturn versions that apt and dnf find in a channel, from the oldest to the newest. */
async function versionsIn(repo: string, channel: 'testing' | 'stable') {
  const server = await serveRepository(repo);
  const suite = channel === 'stable' ? 'trixie' : 'trixie-testing';
  const apt = aptClient(temporaryFolder(), server.read(`apt/coturn-${suite}.sources`));
  await apt.update();
  const dnf = dnfClient(temporaryFolder(), server.read(`dnf/coturn-portable-${channel}.repo`));
  const short = (versions: string[]) => versions.map((version) => version.replace(/\+.*/, '')).sort();
  return { apt: short(await apt.versions('coturn')), dnf: short(await dnf.versions('coturn')) };
}

const both = (...versions: string[]) => ({ apt: versions, dnf: versions });
const pool = (repo: string) => Object.keys(contentOf(repo)).filter((name) => name.includes('/pool/'));

describe('turnbuild promote', () => {
  it('brings a release from testing to stable without storing packages', async () => {
    const { repo, run } = await repositoryWith('4.17.0', '4.18.0');
    const before = pool(repo);
    const { code, stdout } = await run('promote', ['4.17.0']);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('stable now has coturn 4.17.0+turnbuild-1.');
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.17.0'));
    expect(await versionsIn(repo, 'testing')).toEqual(both('4.17.0', '4.18.0'));
    expect((await run('promote', ['4.18.0+turnbuild-1'])).code).toBe(0);
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.17.0', '4.18.0'));
    expect(pool(repo)).toEqual(before);
  });

  it('rolls a channel back, and forth again', async () => {
    const { repo, run } = await repositoryWith('4.17.0', '4.18.0');
    for (const version of ['4.17.0', '4.18.0', '4.17.0'])
      expect((await run('promote', [version])).code).toBe(0);
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.17.0'));
    expect((await run('promote', ['4.18.0'])).code).toBe(0);
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.17.0', '4.18.0'));
  });

  it('takes the newest revision', async () => {
    const { repo, out, publish, run } = await repositoryWith('4.18.0');
    packagedRelease(out, { version: '4.18.0', revision: 2, targets: TARGETS });
    expect((await publish()).code).toBe(0);
    expect((await run('promote', ['4.18.0'])).stdout).toContain('4.18.0+turnbuild-2');
    expect(await versionsIn(repo, 'stable')).toEqual(both('4.18.0'));
  });

  it('changes nothing when it is repeated, and plans like publish', async () => {
    const { dir, repo, run } = await repositoryWith('4.18.0');
    const file = join(dir, 'promote.json');
    writeFileSync(file, (await run('promote', ['4.18.0', '--dry-run', '--json'])).stdout);
    expect(existsSync(join(repo, 'apt/dists/trixie'))).toBe(false);
    expect((await run('promote', ['4.18.0', '--plan', file])).code).toBe(0);
    const before = contentOf(repo);
    expect((await run('promote', ['4.18.0'])).stdout).toContain('Everything is published already.');
    expect(contentOf(repo)).toEqual(before);
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
    expect(await versionsIn(repo, 'testing')).toEqual(both('4.17.0'));
    expect(await versionsIn(repo, 'stable')).toEqual(both());
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
    ])
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[RELEASE_WITHDRAWN]'),
      });
    expect(contentOf(repo)).toEqual(before);
    expect((await run('promote', ['4.17.0'])).code).toBe(0);
  });

  it('needs a reason, and a release that is published', async () => {
    const { run } = await repositoryWith('4.18.0');
    const missing = await run('withdraw', ['4.18.0']);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('[ARGUMENT_MISSING]') });
    const unknown = await run('withdraw', ['4.19.0', '--reason', 'x']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('[RELEASE_UNKNOWN]') });
  });
});
