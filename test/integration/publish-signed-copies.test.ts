import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { poolPath } from '../../src/publish/dnf/layout.ts';
import { fastTimers } from '../support/github/fast-timers.mjs';
import { githubPlace } from '../support/github/place.ts';
import { type PackagedOptions, packagedRelease } from '../support/packaged-release.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { turnbuildHere } from '../support/turnbuild-here.ts';

const DEB = 'coturn_4.18.0+turnbuild-1.deb13_amd64.deb';
const RPM = 'coturn-4.18.0+turnbuild-1.x86_64.rpm';

afterAll(fastTimers());

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

/** A release with .rpm packages, GitHub, and a folder for a dnf repository. */
async function place(options: PackagedOptions = {}) {
  const { github, dir, out, run } = await githubPlace([], turnbuildHere);
  const release = packagedRelease(out, { targets: { portable: 'rpm' }, ...options });
  cpSync(out, `${out}.built`, { recursive: true });
  const repo = join(dir, 'repo');
  const env = { GNUPGHOME: keys.home };
  return {
    github,
    dir,
    out,
    repo,
    release,
    publish: (to: 'dnf' | 'github' | 'dnf,github', more: readonly string[] = ['--sign-with', key]) => {
      const stored = ['--repo', repo, '--url', 'http://packages.example.org'];
      if (to === 'github') return run('publish', more, env);
      // GitHub is a destination already.
      if (to === 'dnf,github') return run('publish', ['--to', 'dnf', ...stored, ...more], env);
      return turnbuildHere(['publish', '--to', to, '--out', out, ...stored, ...more], { cwd: dir, env });
    },
    /** The release's folder as another machine has it. */
    anew: () => {
      rmSync(out, { recursive: true });
      cpSync(`${out}.built`, out, { recursive: true });
    },
    asset: (name: string) =>
      github.repository.releases[0]?.assets.find((each) => each.name === name)?.content ?? Buffer.of(),
    pooled: () => readFileSync(join(repo, poolPath(RPM))),
  };
}

/** Digests that a manifest says users get, by path. */
function published(text: string | Buffer): Map<string, string | undefined> {
  const { steps } = parseManifest('manifest.json', text.toString(), sha256Text);
  return new Map(
    steps.flatMap(({ outputs }) => outputs.map((each) => [each.path, each.published?.sha256] as const)),
  );
}

describe('a signed .rpm', () => {
  it('is the same everywhere if GitHub has it', async () => {
    const { publish, anew, asset, pooled } = await place();
    expect(await publish('github')).toMatchObject({ code: 0 });
    anew();
    expect(await publish('dnf,github')).toMatchObject({ code: 0, stderr: '' });
    expect(pooled()).toEqual(asset(RPM));
  });

  it('is the same everywhere if the pool has it', async () => {
    const { publish, anew, asset, pooled } = await place();
    expect(await publish('dnf')).toMatchObject({ code: 0 });
    anew();
    expect(await publish('dnf,github')).toMatchObject({ code: 0, stderr: '' });
    expect(asset(RPM)).toEqual(pooled());
  });

  it('stays as each destination has it', async () => {
    const { publish, anew, asset, pooled } = await place();
    expect(await publish('dnf')).toMatchObject({ code: 0 });
    anew();
    expect(await publish('github')).toMatchObject({ code: 0 });
    const before = [pooled(), asset(RPM)];
    expect(before[0]).not.toEqual(before[1]);
    anew();
    expect((await publish('dnf,github')).stdout).toContain('Nothing to change.');
    expect([pooled(), asset(RPM)]).toEqual(before);
  });
});

describe('a manifest', () => {
  it('names the digests of its own destination', async () => {
    const { publish, release, repo, asset, pooled } = await place({ complete: true });
    const own = () => published(readFileSync(join(release, 'manifest.json')));
    expect(await publish('dnf')).toMatchObject({ code: 0 });
    expect(own().get(RPM)).toBe(sha256Bytes(pooled()));
    expect(await publish('github', [])).toMatchObject({ code: 0, stderr: '' });
    for (const [path, digest] of published(asset('manifest.json')))
      expect([path, digest ?? sha256Bytes(readFileSync(join(release, path)))]).toEqual([
        path,
        sha256Bytes(asset(path)),
      ]);
    expect(await publish('dnf', ['--sign-with', key, '--channel', 'stable'])).toMatchObject({ code: 0 });
    // There is no bill of materials of the signed package any more.
    for (const found of [own(), published(readFileSync(join(repo, 'releases/stable.json')))]) {
      expect(found.get(RPM)).toBe(sha256Bytes(pooled()));
      expect(found.get(`${RPM}.cdx.json`)).toBe(undefined);
    }
  });
});

describe('a release on GitHub', () => {
  it('keeps bills of materials that another version has made', async () => {
    const { github, publish, asset } = await place({ targets: { 'debian-13': 'deb13' }, complete: true });
    expect(await publish('github', [])).toMatchObject({ code: 0 });
    for (const each of github.repository.releases[0]?.assets ?? [])
      if (each.name.endsWith('.cdx.json')) each.content = Buffer.from('{}');
    const again = await publish('github', ['--channel', 'stable']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(asset(`${DEB}.cdx.json`).toString()).toBe('{}');
  });

  it('has the keys of all its packages', async () => {
    const { github, dir, publish, asset } = await place({ targets: { 'debian-13': 'deb13' } });
    const other = keys.createKey('Other <other@example.org>');
    const file = join(dir, 'other.asc');
    writeFileSync(file, keys.gpg(['--armor', '--export', other]));
    expect(await publish('github', ['--sign-with', key, '--extra-keys', file])).toMatchObject({ code: 0 });
    const keyFile = join(dir, 'key.asc');
    writeFileSync(keyFile, asset('key.asc'));
    const shown = keys.gpg(['--show-keys', '--with-colons', keyFile]).toString();
    for (const each of [key, other]) expect(shown).toContain(each);
    const downloads = temporaryFolder();
    for (const { name, content } of github.repository.releases[0]?.assets ?? [])
      writeFileSync(join(downloads, name), content);
    const verify = (signer: string) =>
      turnbuildHere(['verify-artifact', join(downloads, DEB), '--signed-by', signer], { cwd: dir });
    expect(await verify(key)).toMatchObject({ code: 0 });
    expect(await verify(other)).toMatchObject({ code: 1 });
  });
});
