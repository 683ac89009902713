import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import { releaseDigest } from '../../src/manifest/published.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { type PackagedOptions, packagedRelease } from '../support/packaged-release.ts';
import { contentOf, PUBLIC_URL, publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const { keys, key, place } = publishing('dnf');

const release = (out: string, options: PackagedOptions = {}) =>
  packagedRelease(out, { targets: { portable: 'rpm' }, ...options });

const manifestIn = (file: string) => parseManifest(file, readFileSync(file, 'utf8'), sha256Text);

async function client(repo: string, architecture = 'x86_64', change = (text: string) => text) {
  const server = await serveRepository(repo);
  return dnfClient(temporaryFolder(), change(server.read('dnf/coturn-portable-testing.repo')), architecture);
}

/** The folder of the metadata that the mirror list points to. */
function stateOf(repo: string): string {
  const line = readFileSync(join(repo, 'dnf/testing/portable/x86_64/mirrorlist'), 'utf8').trim();
  return join(repo, new URL(line).pathname);
}

describe('turnbuild publish --to dnf', () => {
  it('publishes signed packages that dnf finds, verifies and downloads', async () => {
    const { out, repo, publish } = place();
    const dir = release(out, { architectures: ['arm64', 'x86_64'] });
    expect(await publish()).toMatchObject({ code: 0, stderr: '' });
    for (const architecture of ['x86_64', 'aarch64']) {
      const dnf = await client(repo, architecture);
      expect(await dnf.versions('coturn')).toEqual(['4.18.0+turnbuild-1']);
      const file = await dnf.download('coturn');
      const name = `coturn-4.18.0+turnbuild-1.${architecture}.rpm`;
      expect(readFileSync(file)).toEqual(readFileSync(join(dir, 'signed', name)));
      // The package itself stays as it was built.
      expect(readFileSync(file)).not.toEqual(readFileSync(join(dir, name)));
    }
    expect(existsSync(join(repo, 'dnf/testing/portable/source/repodata/repomd.xml'))).toBe(true);
  });

  it('publishes debug symbols, and records both digests of signed packages', async () => {
    const { out, repo, publish } = place();
    const dir = release(out, { complete: true });
    const before = releaseDigest(manifestIn(join(dir, 'manifest.json')), sha256Text);
    expect(await publish()).toMatchObject({ code: 0, stderr: '' });
    const dnf = await client(repo);
    expect(await dnf.download('coturn-debuginfo')).toContain(
      'coturn-debuginfo-4.18.0+turnbuild-1.x86_64.rpm',
    );
    for (const file of [join(dir, 'manifest.json'), join(repo, 'releases/testing.json')]) {
      const manifest = manifestIn(file);
      const rpms = manifest.steps.flatMap(({ outputs }) =>
        outputs.filter(({ path }) => path.endsWith('.rpm')),
      );
      expect(rpms).toHaveLength(3);
      for (const { path, sha256, published } of rpms) {
        const pooled = readFileSync(join(repo, 'dnf/pool', path));
        expect(published).toEqual({ size: pooled.length, sha256: sha256Bytes(pooled) });
        expect(sha256).toBe(sha256Bytes(readFileSync(join(dir, path))));
        expect(published?.sha256).not.toBe(sha256);
      }
      expect(releaseDigest(manifest, sha256Text)).toBe(before);
    }
    expect((await publish()).stdout).toContain('Nothing to change.');
    // The packages are as they were verified, so they are published to another channel, too.
    expect(await publish(['--channel', 'stable'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('serves clients with a plain baseurl', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    const plain = (text: string) => text.replaceAll(/^mirrorlist=(.*)\/mirrorlist$/gm, 'baseurl=$1');
    const dnf = await client(repo, 'x86_64', plain);
    await dnf.download('coturn');
    expect(await dnf.versions('coturn')).toEqual(['4.18.0+turnbuild-1']);
  });

  it('is mirrored by reposync, which writes nothing outside of the mirror', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    expect(await (await client(repo)).mirror()).toEqual([
      'coturn-testing/pool/coturn-4.18.0+turnbuild-1.x86_64.rpm',
    ]);
  });

  it('says relative to the plain base where packages are, so that a copy of the repository needs no other URL', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    const elsewhere = await serveRepository(repo);
    const plain = (text: string) =>
      text
        .replaceAll(/^mirrorlist=(.*)\/mirrorlist$/gm, 'baseurl=$1')
        .replaceAll(PUBLIC_URL, elsewhere.url)
        .replaceAll(/^proxy=.*\n/gm, '');
    expect(await (await client(repo, 'x86_64', plain)).download('coturn')).toContain('4.18.0');
    expect(elsewhere.requests.some((request) => request.includes('/dnf/pool/coturn-4.18.0'))).toBe(true);
  });

  it('brings a repository of an earlier version up to date', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    // Then the state had the same metadata as the plain base.
    const base = 'dnf/testing/portable/x86_64';
    rmSync(stateOf(repo), { recursive: true });
    cpSync(join(repo, base, 'repodata'), join(repo, `${base}-0123456789abcdef/repodata`), {
      recursive: true,
    });
    writeFileSync(join(repo, base, 'mirrorlist'), `${PUBLIC_URL}/${base}-0123456789abcdef/\n`);
    const dnf = await client(repo);
    await expect(dnf.mirror()).rejects.toThrow('is outside of download path');
    expect(await publish()).toMatchObject({ code: 0, stderr: '' });
    expect(await dnf.mirror()).toHaveLength(1);
    expect((await publish()).stdout).toContain('Nothing to change.');
  });

  it('repairs the plain base', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    const before = contentOf(repo);
    const repomd = 'dnf/testing/portable/x86_64/repodata/repomd.xml';
    writeFileSync(join(repo, repomd), '<repomd/>');
    expect(await publish()).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(repo)).toEqual(before);
  });

  it('adds a version to those that are published', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    const dnf = await client(repo);
    expect(await dnf.versions('coturn')).toEqual(['4.18.0+turnbuild-1']);
    release(out, { version: '4.19.0' });
    expect((await publish()).code).toBe(0);
    expect((await dnf.versions('coturn')).sort()).toEqual(['4.18.0+turnbuild-1', '4.19.0+turnbuild-1']);
    expect(await dnf.download('coturn')).toContain('4.19.0');
  });

  it('changes nothing when a release is published again', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    const names = Object.keys(contentOf(repo));
    const times = () => names.map((name) => statSync(join(repo, name)).mtimeMs);
    const before = times();
    const { code, stdout } = await publish();
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing to change.');
    expect(times()).toEqual(before);
  });

  it('uses the signature of an earlier run, also of another machine', async () => {
    const { out, repo, publish } = place();
    const dir = release(out);
    await publish();
    const before = contentOf(repo);
    rmSync(join(dir, 'signed'), { recursive: true });
    expect(await publish()).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(repo)).toEqual(before);
  });

  it('uses the published signature if the release has another one', async () => {
    const [one, two] = [place(), place()];
    const dir = release(one.out);
    cpSync(one.out, two.out, { recursive: true });
    // Both machines sign. Then one of them publishes.
    await one.publish(['--dry-run']);
    await two.publish(['--dry-run']);
    await one.publish();
    cpSync(one.repo, two.repo, { recursive: true });
    expect(await two.publish(['--channel', 'stable'])).toMatchObject({ code: 0, stderr: '' });
    const name = 'signed/coturn-4.18.0+turnbuild-1.x86_64.rpm';
    expect(readFileSync(join(two.out, '4.18.0', name))).toEqual(readFileSync(join(dir, name)));
  });

  it('points clients to another URL when it changes', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish(['--url', 'https://old.example.org']);
    expect((await publish()).code).toBe(0);
    const text = (path: string) => readFileSync(join(repo, path), 'utf8');
    for (const path of ['dnf/testing/portable/x86_64/mirrorlist', 'dnf/coturn-portable-testing.repo'])
      expect(text(path)).not.toContain('old.example.org');
    expect(await (await client(repo)).download('coturn')).toContain('4.18.0');
  });

  it('keeps the packages of targets apart', async () => {
    const { out, repo, publish } = place();
    release(out, { targets: { portable: 'rpm', el9: 'rpm.el9' } });
    expect((await publish(['--target', 'portable'])).code).toBe(0);
    expect(existsSync(join(repo, 'dnf/testing/el9'))).toBe(false);
    expect((await publish(['--target', 'el9'])).code).toBe(0);
    expect(existsSync(join(repo, 'dnf/testing/el9/x86_64/mirrorlist'))).toBe(true);
  });

  it('replaces a signature that is damaged, or of another key', async () => {
    const { out, repo, publish } = place();
    const dir = release(out);
    const other = keys().createKey('Others <others@example.org>');
    await publish(['--dry-run', '--sign-with', other]);
    const [name = ''] = readdirSync(join(dir, 'signed')).filter((file) => !file.endsWith('.src.rpm'));
    appendFileSync(join(dir, 'signed', name.replace('x86_64', 'src')), 'x');
    expect(await publish()).toMatchObject({ code: 0 });
    expect(await (await client(repo)).download('coturn')).toContain('4.18.0');
  });

  it('signs with --dry-run, and changes nothing else', async () => {
    const { dir, out, repo, publish } = place();
    const own = release(out);
    const before = readdirSync(dir, { recursive: true }).map(String).sort();
    const { code, stdout } = await publish(['--dry-run', '--verbose']);
    expect(code).toBe(0);
    expect(stdout).toContain('dnf/pool/coturn-4.18.0+turnbuild-1.x86_64.rpm');
    const after = readdirSync(dir, { recursive: true }).map(String).sort();
    const signed = join(own, 'signed').slice(dir.length + 1);
    expect(after.filter((name) => !name.startsWith(signed))).toEqual(before);
    expect(existsSync(repo)).toBe(false);
  });

  describe('refuses, before it changes anything,', () => {
    /** A repository with 4.18.0, and the release 4.19.0. */
    async function withRepository() {
      const own = place();
      release(own.out);
      await own.publish();
      release(own.out, { version: '4.19.0' });
      return own;
    }

    async function refusal(own: ReturnType<typeof place>, more: readonly string[] = []): Promise<string> {
      const before = contentOf(own.repo);
      const { code, stderr } = await own.publish(more);
      expect(code).toBe(1);
      expect(contentOf(own.repo)).toEqual(before);
      return stderr;
    }

    it('another content of a published version', async () => {
      const own = await withRepository();
      const dir = release(own.out, { content: 'other' });
      rmSync(join(dir, 'signed'), { recursive: true });
      expect(await refusal(own, ['4.18.0'])).toContain('[PUBLISHED_DIFFERS]');
    });

    it('a repository that another key has signed', async () => {
      const own = await withRepository();
      const other = keys().createKey('Strangers <strangers@example.org>');
      expect(await refusal(own, ['--sign-with', other])).toContain('[SIGNING_KEY_DIFFERS]');
      rmSync(join(own.repo, 'key.asc'));
      expect(await refusal(own, ['--sign-with', other])).toContain('[DNF_SIGNATURE_INVALID]');
    });

    it('a repomd.xml that was tampered with', async () => {
      const own = await withRepository();
      appendFileSync(join(stateOf(own.repo), 'repodata/repomd.xml'), '<!-- -->');
      expect(await refusal(own)).toContain('[DNF_SIGNATURE_INVALID]');
    });

    it.each(['damaged', 'missing'])('metadata that are %s', async (how) => {
      const own = await withRepository();
      const folder = join(stateOf(own.repo), 'repodata');
      const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('-other.xml.gz'));
      if (how === 'missing') rmSync(join(folder, name));
      else appendFileSync(join(folder, name), 'x');
      expect(await refusal(own)).toContain('[DNF_METADATA_DAMAGED]');
    });

    it("another program's repository", async () => {
      const own = await withRepository();
      writeFileSync(
        join(own.repo, 'dnf/testing/portable/x86_64/mirrorlist'),
        'https://packages.example.org/el9/\n',
      );
      expect(await refusal(own)).toContain('[DNF_FOREIGN]');
      const other = await withRepository();
      const folder = join(stateOf(other.repo), 'repodata');
      const text = readFileSync(join(folder, 'repomd.xml'), 'utf8').replace('type="other"', 'type="modules"');
      writeFileSync(join(folder, 'repomd.xml'), text);
      rmSync(join(folder, 'repomd.xml.asc'));
      keys().gpg([
        ...['--pinentry-mode', 'loopback', '-u', key(), '--armor', '--detach-sign'],
        join(folder, 'repomd.xml'),
      ]);
      expect(await refusal(other)).toContain('[DNF_FOREIGN]');
    });

    it('a key that rpm cannot verify', async () => {
      const own = await withRepository();
      const curve = keys().createKey('Curve <curve@example.org>', 'nistp256');
      const stderr = await refusal(own, ['--sign-with', curve]);
      expect(stderr).toContain('uses the curve nistp256');
      expect(stderr).toContain('[SIGNING_KEY_UNSUITABLE]');
    });
  });

  it('a damaged package is refused by dnf, so that the tests above mean something', async () => {
    const { out, repo, publish } = place();
    release(out);
    await publish();
    const name = 'coturn-4.18.0+turnbuild-1.x86_64.rpm';
    const pool = join(repo, 'dnf/pool');
    writeFileSync(join(pool, name), readFileSync(join(out, '4.18.0', name)));
    await expect((await client(repo)).download('coturn')).rejects.toThrow(/checksum|mirror/i);
    // The metadata list the unsigned package, and are signed.
    const base = join(repo, 'dnf/testing/portable/x86_64');
    execFileSync('createrepo_c', ['--quiet', '--no-database', '--location-prefix', '../../../pool/', pool]);
    rmSync(join(base, 'repodata'), { recursive: true });
    cpSync(join(pool, 'repodata'), join(base, 'repodata'), { recursive: true });
    keys().gpg([
      '--pinentry-mode',
      'loopback',
      '-u',
      key(),
      '--armor',
      '--detach-sign',
      join(base, 'repodata/repomd.xml'),
    ]);
    const plain = (text: string) => text.replaceAll(/^mirrorlist=(.*)\/mirrorlist$/gm, 'baseurl=$1');
    await expect((await client(repo, 'x86_64', plain)).download('coturn')).rejects.toThrow(/not signed|GPG/);
  });
});
