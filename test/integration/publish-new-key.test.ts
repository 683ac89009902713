import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publicationPlace, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };
let keys: SigningHome;
let old: string;
let next: string;
beforeAll(() => {
  keys = createSigningHome();
  old = keys.createKey('Old <old@example.org>');
  next = keys.createKey('Next <next@example.org>');
});
afterAll(() => keys.remove());

/** An apt or dnf repository that the old key has signed. */
async function signedByOld(to: string) {
  const { dir, out, repo, run } = publicationPlace(to, { home: keys.home, key: old });
  packagedRelease(out, { targets: TARGETS });
  expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
  const file = (fingerprint: string) => {
    const path = join(dir, `${fingerprint}.asc`);
    writeFileSync(path, keys.gpg(['--armor', '--export', fingerprint]));
    return path;
  };
  const sign = (verb: string, key: string, extra?: string) =>
    run(verb, ['--sign-with', key, ...(extra === undefined ? [] : ['--extra-keys', file(extra)])]);
  return { out, repo, run, file, sign };
}

const keysIn = (repo: string) =>
  [
    ...keys
      .gpg(['--with-colons', '--show-keys'], readFileSync(join(repo, 'key.asc'), 'utf8'))
      .matchAll(/^pub:.*\nfpr:{9}(\w+):/gm),
  ].map(([, each]) => each);

it('replaces the key of an apt repository without a gap', async () => {
  const { out, repo, sign } = await signedByOld('apt');
  const server = await serveRepository(repo);
  const client = () => aptClient(temporaryFolder(), server.read('apt/coturn-trixie-testing.sources'));
  const first = client();
  await first.update();
  // 1. Clients learn the next key while the old one signs.
  expect(await sign('refresh', old, next)).toMatchObject({ code: 0, stderr: '' });
  expect(keysIn(repo)).toEqual([old, next]);
  expect((await sign('refresh', old, next)).stdout).toContain('Nothing to change.');
  await first.update();
  const prepared = client();
  await prepared.update();
  // 2. The next key signs. Nothing else is needed on prepared machines; others refuse.
  expect(await sign('refresh', next, old)).toMatchObject({ code: 0, stderr: '' });
  await prepared.update();
  await client().update();
  await expect(first.update()).rejects.toThrow(/NO_PUBKEY/);
  packagedRelease(out, { version: '4.19.0', targets: TARGETS });
  expect(await sign('publish', next, old)).toMatchObject({ code: 0, stderr: '' });
  // 3. The old key goes.
  const { code, stdout } = await sign('refresh', next);
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`loses the key ${old}`),
  });
  expect(keysIn(repo)).toEqual([next]);
  await prepared.update();
  expect(await prepared.versions('coturn')).toHaveLength(2);
  await client().update();
});

it('replaces the key of a dnf repository, whose packages keep the old signature', async () => {
  const { out, repo, sign } = await signedByOld('dnf');
  const server = await serveRepository(repo);
  const client = () => dnfClient(temporaryFolder(), server.read('dnf/coturn-portable-testing.repo'));
  const first = client();
  expect(await first.versions('coturn')).toEqual(['4.18.0+turnbuild-1']);
  expect(await sign('refresh', old, next)).toMatchObject({ code: 0, stderr: '' });
  const signedBefore = readFileSync(join(repo, 'dnf/testing/portable/x86_64/repodata/repomd.xml.asc'));
  expect(await sign('refresh', next, old)).toMatchObject({ code: 0, stderr: '' });
  for (const each of [first, client()]) await each.download('coturn');
  // As a run leaves it that is killed in between.
  const plain = join(repo, 'dnf/testing/portable/x86_64/repodata/repomd.xml.asc');
  writeFileSync(plain, signedBefore);
  expect(await sign('refresh', next, old)).toMatchObject({ code: 0, stderr: '' });
  const verified = keys.gpg(['--status-fd', '1', '--verify', plain, plain.replace(/\.asc$/, '')]);
  expect(verified).toContain(`VALIDSIG ${next}`);
  packagedRelease(out, { version: '4.19.0', targets: TARGETS });
  expect(await sign('publish', next, old)).toMatchObject({ code: 0, stderr: '' });
  for (const each of [first, client()])
    expect(await each.download('coturn')).toContain('coturn-4.19.0+turnbuild-1.x86_64.rpm');
  expect((await sign('publish', next, old)).stdout).toContain('Nothing to change.');
});

it('refuses keys that the user did not name', async () => {
  const { repo, run, sign, file } = await signedByOld('apt');
  const before = readFileSync(join(repo, 'key.asc'));
  expect(await sign('refresh', next)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('[SIGNING_KEY_DIFFERS]'),
  });
  const secret = `${file(next)}.secret`;
  writeFileSync(secret, keys.gpg(['--armor', '--export-secret-keys', next]));
  expect(await run('refresh', ['--extra-keys', secret])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/--extra-keys has a secret key[\s\S]*\[SIGNING_KEY_INVALID\]/),
  });
  expect(readFileSync(join(repo, 'key.asc'))).toEqual(before);
  // Someone has added a key to the repository. It does not get into what clients copy.
  writeFileSync(join(repo, 'key.asc'), keys.gpg(['--armor', '--export', old, next]));
  expect(await sign('refresh', old)).toMatchObject({ code: 0, stderr: '' });
  expect(keysIn(repo)).toEqual([old]);
});

it('refuses a plan that was made with other keys of clients', async () => {
  const { repo, run, file } = await signedByOld('apt');
  const { code, stdout } = await run('refresh', ['--dry-run', '--json']);
  expect(code).toBe(0);
  const plan = join(repo, '../plan.json');
  writeFileSync(plan, stdout);
  expect(await run('refresh', ['--plan', plan, '--extra-keys', file(next)])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`extra key ${next}[\\s\\S]*\\[PUBLISH_PLAN_STALE\\]`)),
  });
  expect(keysIn(repo)).toEqual([old]);
});

it('replaces a key at once, and says what that means', async () => {
  const { repo, sign } = await signedByOld('apt');
  expect(await sign('refresh', next, old)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(
      `note: Clients that trust only ${old} refuse the repository from now on.`,
    ),
  });
  expect(keysIn(repo)).toEqual([old, next]);
});

it('an older export of the key does not shorten its expiry', async () => {
  const own = createSigningHome();
  const older = createSigningHome();
  try {
    const key = own.createKey('Expiring <expiring@example.org>', 'ed25519', '90d');
    older.gpg(['--import'], own.gpg(['--armor', '--export-secret-keys', key]));
    // A signature of the same second is not newer.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    own.gpg(['--quick-set-expire', key, '3y']);
    const { out, repo, run } = publicationPlace('apt', { home: own.home, key });
    packagedRelease(out);
    expect(await run('publish')).toMatchObject({ code: 0 });
    const expires = () =>
      keys.gpg(['--with-colons', '--show-keys'], readFileSync(join(repo, 'key.asc'), 'utf8')).split(':')[6];
    const before = expires();
    packagedRelease(out, { version: '4.19.0' });
    expect(await run('publish', [], { GNUPGHOME: older.home })).toMatchObject({ code: 0 });
    expect(expires()).toBe(before);
    expect(Number(before)).toBeGreaterThan(Date.now() / 1000 + 2 * 365 * 86_400);
  } finally {
    own.remove();
    older.remove();
  }
});
