import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { PUBLIC_URL, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { turnbuild } from '../support/turnbuild.ts';

const PASSPHRASE = 'correct horse battery';

let keys: SigningHome;
let key: string;
let secret: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
  secret = keys.gpg(['--pinentry-mode', 'loopback', '--armor', '--export-secret-keys', key]);
});
afterAll(() => keys.remove());

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };

/** A project with a release, and its `turnbuild publish`. */
function project(settings: string) {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'turnbuild.yaml'), settings);
  const release = packagedRelease(join(dir, 'dist'), { targets: TARGETS });
  // Other processes have GnuPG homes in the shared folder.
  const TMPDIR = temporaryFolder();
  const publish = (env: Record<string, string>, more: readonly string[] = []) =>
    turnbuild(['publish', ...more], { cwd: dir, env: { GNUPGHOME: join(dir, 'no-keys'), TMPDIR, ...env } });
  /** What `publish` has left behind. */
  const temporary = () => readdirSync(TMPDIR);
  return { dir, release, publish, temporary };
}

const settings = (more = '') => `publish:\n  to: [apt, dnf]\n  repo: packages\n  url: ${PUBLIC_URL}\n${more}`;

async function versions(dir: string): Promise<string[]> {
  const server = await serveRepository(join(dir, 'packages'));
  const apt = aptClient(temporaryFolder(), server.read('apt/coturn-trixie-testing.sources'));
  await apt.update();
  return apt.versions('coturn');
}

describe('a project', () => {
  it('names the repository and the key', async () => {
    const { dir, publish } = project(settings(`  signWith: "${key}"\n  origin: Example\n`));
    expect(await publish({ GNUPGHOME: keys.home })).toMatchObject({ code: 0, stderr: '' });
    expect(await versions(dir)).toEqual(['4.18.0+turnbuild-1~deb13']);
    expect(readFileSync(join(dir, 'packages/apt/dists/trixie-testing/InRelease'), 'utf8')).toContain(
      'Origin: Example\n',
    );
  });

  it('is overridden by options, and says what is missing', async () => {
    const { publish } = project(settings());
    const { code, stderr } = await publish({ GNUPGHOME: keys.home });
    expect(code).toBe(2);
    expect(stderr).toContain('--sign-with is missing');
    expect(stderr).toContain('under `publish` in turnbuild.yaml');
    const elsewhere = ['--sign-with', key, '--repo', join(temporaryFolder(), 'other'), '--dry-run'];
    expect((await publish({ GNUPGHOME: keys.home }, elsewhere)).stdout).toContain('/other\n');
  });
});

describe('a subkey that expires', () => {
  it('is replaced by the next one, for packages that are published already, too', async () => {
    const own = createSigningHome();
    try {
      const primary = own.createKey('Rotating <rotating@example.org>');
      const add = (expires: string) =>
        own.gpg(['--pinentry-mode', 'loopback', '--quick-add-key', primary, 'ed25519', 'sign', expires]);
      const expires = Date.now() + 15_000;
      add('seconds=15');
      const { dir, publish } = project(settings(`  signWith: "${primary}"\n`));
      const env = { GNUPGHOME: own.home };
      expect(await publish(env)).toMatchObject({ code: 0, stderr: '' });
      await new Promise((resolve) => setTimeout(resolve, expires + 1000 - Date.now()));
      // Without a valid signature, clients refuse the repository.
      await expect(versions(dir)).rejects.toThrow();
      add('1y');
      expect(await publish(env)).toMatchObject({ code: 0, stderr: '' });
      expect(await versions(dir)).toEqual(['4.18.0+turnbuild-1~deb13']);
      const server = await serveRepository(join(dir, 'packages'));
      const dnf = dnfClient(temporaryFolder(), server.read('dnf/coturn-portable-testing.repo'));
      expect(await dnf.versions('coturn')).toEqual(['4.18.0+turnbuild-1']);
      expect((await publish(env)).stdout).toContain('Nothing to change.');
    } finally {
      own.remove();
    }
  });
});

describe('TURNBUILD_SIGNING_KEY', () => {
  /** What turnbuild printed and wrote, which must not contain the key or its passphrase. */
  async function signed(env: Record<string, string>) {
    const { dir, release, publish, temporary } = project(settings());
    const result = await publish(env);
    const journal = result.code === 0 ? readFileSync(join(release, 'publish.jsonl'), 'utf8') : '';
    const text = result.stdout + result.stderr + journal;
    expect(text).not.toContain('PRIVATE KEY');
    expect(text).not.toContain(PASSPHRASE);
    for (const line of (env.TURNBUILD_SIGNING_KEY ?? '').split('\n').filter((each) => each.length > 30))
      expect(text).not.toContain(line);
    expect(temporary()).toEqual([]);
    return { dir, ...result };
  }

  it('signs packages and indices, and leaves nothing behind', async () => {
    const { dir, code } = await signed({ TURNBUILD_SIGNING_KEY: secret });
    expect(code).toBe(0);
    expect(await versions(dir)).toEqual(['4.18.0+turnbuild-1~deb13']);
  });

  it('can have a passphrase', async () => {
    const own = createSigningHome();
    try {
      const args = ['--pinentry-mode', 'loopback', '--passphrase', PASSPHRASE];
      own.gpg([...args, '--quick-gen-key', 'Locked <locked@example.org>', 'ed25519', 'sign', '2y']);
      const locked = own.gpg([...args, '--armor', '--export-secret-keys']);
      const right = { TURNBUILD_SIGNING_KEY: locked, TURNBUILD_SIGNING_PASSPHRASE: PASSPHRASE };
      expect((await signed(right)).code).toBe(0);
      const wrong = await signed({ TURNBUILD_SIGNING_KEY: locked });
      expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('[SIGNING_FAILED]') });
    } finally {
      own.remove();
    }
  });

  it.each([
    ['is not a key', () => 'secret'],
    ['is a public key', () => keys.gpg(['--armor', '--export', key])],
  ])('is refused if it %s', async (_, text) => {
    const { code, stderr } = await signed({ TURNBUILD_SIGNING_KEY: text() });
    expect(code).toBe(1);
    expect(stderr).toContain('does not contain exactly one secret key');
    expect(stderr).toContain('[SIGNING_KEY_INVALID]');
  });

  it('can be in a file', async () => {
    const file = join(temporaryFolder(), 'key.asc');
    writeFileSync(file, secret, { mode: 0o600 });
    const { dir, code } = await signed({ TURNBUILD_SIGNING_KEY_FILE: file });
    expect(code).toBe(0);
    expect(await versions(dir)).toEqual(['4.18.0+turnbuild-1~deb13']);
  });

  it('in a file is refused, naming the file, if it is no secret key, is missing, or is given twice', async () => {
    const file = join(temporaryFolder(), 'key.asc');
    const missing = await signed({ TURNBUILD_SIGNING_KEY_FILE: file });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain(file);
    writeFileSync(file, keys.gpg(['--armor', '--export', key]));
    const { code, stderr } = await signed({ TURNBUILD_SIGNING_KEY_FILE: file });
    expect(code).toBe(1);
    expect(stderr).toContain(`${file} does not contain exactly one secret key`);
    const twice = await signed({ TURNBUILD_SIGNING_KEY: secret, TURNBUILD_SIGNING_KEY_FILE: file });
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('[OPTION_INVALID]') });
  });
});
