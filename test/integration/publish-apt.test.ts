import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const { keys, key, place } = publishing('apt');

const SUITE = 'apt/dists/trixie-testing';

/** An apt that trusts the repository's key and knows a suite. */
async function client(repo: string, suite = 'trixie-testing', architecture = 'amd64') {
  const server = await serveRepository(repo);
  return aptClient(temporaryFolder(), server.read(`apt/coturn-${suite}.sources`), architecture);
}

describe('turnbuild publish --to apt', () => {
  it('publishes packages that apt finds, verifies and downloads', async () => {
    const { out, repo, publish } = place();
    const targets = { 'debian-12': 'deb12', 'debian-13': 'deb13', 'ubuntu-24.04': 'ubuntu24.04' };
    const release = packagedRelease(out, { targets, architectures: ['arm64', 'x86_64'] });
    const { code, stdout, stderr } = await publish();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Published coturn 4.18.0+turnbuild-1.');
    for (const [suite, label] of [
      ['trixie-testing', 'deb13'],
      ['bookworm-testing', 'deb12'],
      ['noble-testing', 'ubuntu24.04'],
    ] as const)
      for (const architecture of ['amd64', 'arm64']) {
        const apt = await client(repo, suite, architecture);
        await apt.update();
        expect(await apt.versions('coturn')).toEqual([`4.18.0+turnbuild-1~${label}`]);
        const file = await apt.download('coturn');
        const own = join(release, `coturn_4.18.0+turnbuild-1~${label}_${architecture}.deb`);
        expect(readFileSync(file)).toEqual(readFileSync(own));
      }
  });

  it('adds a version to those that are published, and apt upgrades to it', async () => {
    const { out, repo, publish } = place();
    packagedRelease(out);
    await publish();
    const apt = await client(repo);
    await apt.update();
    packagedRelease(out, { version: '4.19.0' });
    expect((await publish()).code).toBe(0);
    await apt.update();
    expect(await apt.versions('coturn')).toEqual(['4.19.0+turnbuild-1~deb13', '4.18.0+turnbuild-1~deb13']);
  });

  it('serves a client that has the InRelease of an earlier publication', async () => {
    const { out, repo, publish } = place();
    packagedRelease(out);
    await publish();
    const before = readFileSync(join(repo, SUITE, 'InRelease'));
    packagedRelease(out, { version: '4.19.0' });
    await publish();
    // The client has fetched InRelease just before it was replaced.
    const after = readFileSync(join(repo, SUITE, 'InRelease'));
    writeFileSync(join(repo, SUITE, 'InRelease'), before);
    const apt = await client(repo);
    await apt.update();
    expect(await apt.versions('coturn')).toEqual(['4.18.0+turnbuild-1~deb13']);
    writeFileSync(join(repo, SUITE, 'InRelease'), after);
  });

  it('changes nothing when a release is published again', async () => {
    const { out, repo, publish } = place();
    packagedRelease(out);
    await publish();
    const names = Object.keys(contentOf(repo));
    const times = () => names.map((name) => statSync(join(repo, name)).mtimeMs);
    const before = times();
    const { code, stdout } = await publish();
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing to change.');
    expect(times()).toEqual(before);
  });

  it('prints the plan and changes nothing with --dry-run', async () => {
    const { dir, out, repo, publish } = place();
    const release = packagedRelease(out);
    const before = readdirSync(dir, { recursive: true }).sort();
    const { code, stdout } = await publish(['--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}create .* coturn_4\.18\.0\+turnbuild-1~deb13_amd64\.deb$/m);
    const all = await publish(['--dry-run', '--verbose']);
    expect(all.stdout).toContain('apt/pool/main/c/coturn/coturn_4.18.0+turnbuild-1~deb13_amd64.deb');
    expect(readdirSync(dir, { recursive: true }).sort()).toEqual(before);
    expect(existsSync(repo)).toBe(false);
    expect(existsSync(join(release, 'publish.jsonl'))).toBe(false);
  });

  it('performs a plan, and refuses it when another run has published since', async () => {
    const { dir, out, publish } = place();
    packagedRelease(out);
    const file = join(dir, 'publish.json');
    writeFileSync(file, (await publish(['--dry-run', '--json'])).stdout);
    expect((await publish(['--plan', file])).code).toBe(0);
    // Once more: it is done.
    expect((await publish(['--plan', file])).code).toBe(0);
    packagedRelease(out, { version: '4.19.0' });
    await publish();
    const { code, stderr } = await publish(['4.18.0', '--plan', file]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${SUITE}/InRelease was changed by another run since the plan was made`);
    expect(stderr).toContain('[PUBLISH_PLAN_STALE]');
  });

  it('keeps the origin of a repository', async () => {
    const { out, repo, publish } = place();
    packagedRelease(out);
    await publish(['--origin', 'Example Inc.']);
    packagedRelease(out, { version: '4.19.0' });
    expect((await publish()).code).toBe(0);
    expect(readFileSync(join(repo, SUITE, 'InRelease'), 'utf8')).toContain('\nOrigin: Example Inc.\n');
  });

  it('signs with a subkey', async () => {
    const { out, repo, publish } = place();
    packagedRelease(out);
    const primary = keys().createKey('Subkey <subkey@example.org>');
    keys().gpg(['--pinentry-mode', 'loopback', '--quick-add-key', primary, 'rsa3072', 'sign', '1y']);
    expect(await publish(['--sign-with', primary])).toMatchObject({ code: 0, stderr: '' });
    const apt = await client(repo);
    await apt.update();
    expect(await apt.versions('coturn')).toHaveLength(1);
  });

  it('keeps a journal that only its user can read', async () => {
    const { out, publish } = place();
    const release = packagedRelease(out);
    await publish();
    const journal = join(release, 'publish.jsonl');
    expect((statSync(journal).mode & 0o777).toString(8)).toBe('600');
    const records = readFileSync(journal, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const doing = records.flatMap((record) => record.doing?.path ?? []);
    expect(records.flatMap((record) => record.did ?? [])).toEqual(doing);
    // The page and the records for `turnbuild due` come after everything that they promise.
    const last = ['index.html', 'releases/testing.json', 'releases/4.18.0+turnbuild-1.json'];
    expect(doing.slice(-4)).toEqual([`${SUITE}/InRelease`, ...last]);
    expect(records.at(-1)).toMatchObject({ finished: true });
  });

  it('refuses to run beside another publication to the same repository', async () => {
    const { out, repo, publish } = place();
    packagedRelease(out);
    mkdirSync(repo);
    writeFileSync(join(repo, '.lock'), JSON.stringify({ pid: process.pid, host: hostName() }));
    const { code, stderr } = await publish();
    expect(code).toBe(1);
    expect(stderr).toContain(`is publishing to ${repo}`);
    expect(stderr).toContain('[PUBLISH_LOCKED]');
    expect(existsSync(join(repo, 'apt'))).toBe(false);
  });

  describe('refuses, before it changes anything,', () => {
    /** A repository with 4.18.0, and the release 4.19.0. */
    async function withRepository() {
      const own = place();
      packagedRelease(own.out);
      await own.publish();
      packagedRelease(own.out, { version: '4.19.0' });
      return own;
    }

    async function refusal(own: ReturnType<typeof place>, more: readonly string[] = []) {
      const before = contentOf(own.repo);
      const result = await own.publish(more);
      expect(contentOf(own.repo)).toEqual(before);
      return result;
    }

    it('another content of a published version', async () => {
      const own = await withRepository();
      packagedRelease(own.out, { version: '4.18.0', content: 'other' });
      const { code, stderr } = await refusal(own, ['4.18.0']);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[PUBLISHED_DIFFERS]'),
      });
    });

    it('a package that was changed after its verification', async () => {
      const own = await withRepository();
      appendFileSync(join(own.out, '4.19.0/coturn_4.19.0+turnbuild-1~deb13_amd64.deb'), 'x');
      const { code, stderr } = await refusal(own);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[ARTIFACT_CHANGED]'),
      });
    });

    it('a release that is not verified', async () => {
      const own = await withRepository();
      packagedRelease(own.out, {
        version: '4.19.0',
        change: (manifest) => ({
          ...manifest,
          steps: manifest.steps.filter(({ stage }) => stage !== 'verify'),
        }),
      });
      const { code, stderr } = await refusal(own);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[PUBLISH_UNVERIFIED]'),
      });
    });

    it('a repository that another key has signed, also in another channel', async () => {
      const own = await withRepository();
      const other = keys().createKey('Others <others@example.org>');
      for (const channel of ['testing', 'stable']) {
        const { code, stderr } = await refusal(own, ['--sign-with', other, '--channel', channel]);
        expect({ code, stderr }).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('[SIGNING_KEY_DIFFERS]'),
        });
      }
      // Without the key file, the signature itself tells.
      rmSync(join(own.repo, 'key.asc'));
      const { stderr } = await refusal(own, ['--sign-with', other]);
      expect(stderr).toContain('[APT_SIGNATURE_INVALID]');
    });

    it('an InRelease of another suite', async () => {
      const own = await withRepository();
      cpSync(join(own.repo, SUITE), join(own.repo, 'apt/dists/trixie'), { recursive: true });
      const { code, stderr } = await refusal(own, ['--channel', 'stable']);
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('[APT_FOREIGN]') });
      expect(stderr).toContain('is that of the suite "trixie-testing", not of trixie');
    });

    it('another origin', async () => {
      const own = await withRepository();
      const { code, stderr } = await refusal(own, ['--origin', 'Example']);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[ORIGIN_DIFFERS]'),
      });
    });

    it('an InRelease that was tampered with', async () => {
      const own = await withRepository();
      const file = join(own.repo, SUITE, 'InRelease');
      writeFileSync(file, readFileSync(file, 'utf8').replace('Label: coturn', 'Label: c0turn'));
      const { code, stderr } = await refusal(own);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[APT_SIGNATURE_INVALID]'),
      });
    });

    it.each(['damaged', 'missing'])('an index that is %s', async (how) => {
      const own = await withRepository();
      const folder = join(own.repo, SUITE, 'main/binary-amd64');
      const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) =>
        each.isFile(),
      );
      for (const { parentPath, name } of all) {
        if (how === 'missing') rmSync(join(parentPath, name));
        else appendFileSync(join(parentPath, name), 'x');
      }
      const { code, stderr } = await refusal(own);
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[APT_INDEX_DAMAGED]'),
      });
    });

    it("another program's repository", async () => {
      const own = await withRepository();
      const release = readFileSync(join(own.repo, SUITE, 'InRelease'), 'utf8')
        .replace(/^[\s\S]*?\n\n/, '')
        .replace(/\n-----BEGIN[\s\S]*$/, '\n')
        .replaceAll('main/binary', 'contrib/binary');
      const signed = keys().gpg(['--pinentry-mode', 'loopback', '-u', key(), '--clearsign'], release);
      writeFileSync(join(own.repo, SUITE, 'InRelease'), signed);
      const { code, stderr } = await refusal(own);
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('[APT_FOREIGN]') });
    });

    it.each<[string, readonly string[], string, number]>([
      ['an unknown destination', ['--to', 'snap'], 'OPTION_INVALID', 2],
      ['an unknown channel', ['--channel', 'nightly'], 'OPTION_INVALID', 2],
      ['a key ID', ['--sign-with', '0123456789ABCDEF'], 'OPTION_INVALID', 2],
      ['a URL with a password', ['--url', 'https://me:secret@example.org'], 'OPTION_INVALID', 2],
      ['a URL with a password alone', ['--url', 'https://:secret@example.org'], 'OPTION_INVALID', 2],
      ['a URL with a space', ['--url', 'https://example.org/a b'], 'OPTION_INVALID', 2],
      ['a URL with a line break', ['--url', 'https://example.org\nSigned-By: x'], 'OPTION_INVALID', 2],
      ['a URL of another kind', ['--url', 'ftp://example.org'], 'OPTION_INVALID', 2],
      ['an origin with a line break', ['--origin', 'a\nb'], 'OPTION_INVALID', 2],
      ['an unknown key', ['--sign-with', 'A'.repeat(40)], 'SIGNING_KEY_MISSING', 1],
      ['an unknown target', ['--target', 'debian-14'], 'TARGET_UNKNOWN', 2],
      ['a target that the release lacks', ['--target', 'debian-12'], 'PUBLISH_EMPTY', 1],
      ['a missing release', ['4.20.0'], 'MANIFEST_MISSING', 2],
      ['a missing plan', ['--plan', 'none.json'], 'FILE_ERROR', 1],
    ])('%s', async (_, more, code, exit) => {
      const own = place();
      packagedRelease(own.out);
      const { stderr, code: actual } = await own.publish(more);
      expect(actual).toBe(exit);
      expect(stderr).toContain(`[${code}]`);
      expect(stderr).not.toContain('secret@');
      expect(existsSync(own.repo)).toBe(false);
    });

    it.each([
      ['rsa1024', 'is RSA with 1024 bits'],
      ['dsa2048', 'uses algorithm 17'],
    ])('a key of the kind %s', async (algorithm, reason) => {
      const own = place();
      packagedRelease(own.out);
      const weak = keys().createKey(`${algorithm} <${algorithm}@example.org>`, algorithm);
      const { stderr, code } = await own.publish(['--sign-with', weak]);
      expect(code).toBe(1);
      expect(stderr).toContain(reason);
      expect(stderr).toContain('[SIGNING_KEY_UNSUITABLE]');
      expect(existsSync(own.repo)).toBe(false);
    });
  });
});

const hostName = () => execFileSync('hostname', { encoding: 'utf8' }).trim();
