import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { identityToken, signKeyless, sigstoreServices } from '../../src/io/sigstore.ts';
import { PAYLOAD_TYPE } from '../../src/publish/trust/statement.ts';
import { snapshot } from '../support/sandbox.ts';
import { createSigningHome } from '../support/signing-home.ts';
import { type Attested, attestedRelease, DEB, NAME } from '../support/sigstore/attested.ts';
import {
  COMMIT,
  ISSUER,
  REPOSITORY,
  REQUEST_TOKEN,
  type SigstoreServices,
  startSigstore,
  WORKFLOW,
} from '../support/sigstore/services.ts';
import { PROGRAM, turnbuild } from '../support/turnbuild.ts';

const IDENTITY = `https://github.com/${REPOSITORY}/${WORKFLOW}`;
const ROOT = ['--trusted-root', 'root.json'];
const SIGNED = [...ROOT, '--repository', REPOSITORY];
const BUNDLE = `${NAME}.provenance.sigstore.json`;

/** Options of unshare(1) that run a program without a network; undefined if none is permitted here. Root needs no user namespace. */
const OFFLINE = [
  ['--user', '--map-root-user', '--net'],
  ...(process.getuid?.() === 0 ? [['--net']] : []),
].find((options) => spawnSync('unshare', [...options, 'true']).status === 0);
/** For a test's title. */
const NO_UNSHARE = OFFLINE === undefined ? ' (skipped: unshare --net is not permitted here)' : '';
if (OFFLINE === undefined)
  console.log('trust-keyless.test.ts skips a test: unshare --net is not permitted here');

let services: SigstoreServices;
/** Only read by tests. */
let signed: Attested;
beforeAll(async () => {
  services = await startSigstore();
  signed = attestedRelease(services.trustedRoot);
  expect(await signed.attest(['--sigstore'], services.environment())).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => {
  services.close();
  rmSync(signed.cwd, { recursive: true });
});

/** A release that a test may change. */
function release(): Attested {
  const own = attestedRelease(services.trustedRoot);
  onTestFinished(() => rmSync(own.cwd, { recursive: true, force: true }));
  return own;
}

const bundleText = () => readFileSync(join(signed.trust, BUNDLE), 'utf8');

describe('turnbuild attest --sigstore', () => {
  it('signs each statement with the identity of the workflow', () => {
    expect(readdirSync(signed.trust).sort()).toEqual([
      'SHA256SUMS',
      `${NAME}.provenance.json`,
      BUNDLE,
      `${NAME}.tests.json`,
      `${NAME}.tests.sigstore.json`,
    ]);
    const { mediaType, dsseEnvelope } = JSON.parse(bundleText());
    expect(mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
    expect(Buffer.from(dsseEnvelope.payload, 'base64')).toEqual(
      readFileSync(join(signed.trust, `${NAME}.provenance.json`)),
    );
  });

  it('keeps secrets to itself, from the bundled program', async () => {
    const { cwd, trust } = release();
    const { code, stdout } = await turnbuild(['attest', '--sigstore'], { cwd, env: services.environment() });
    expect(code).toBe(0);
    const written = readdirSync(trust).map((name) => readFileSync(join(trust, name), 'utf8'));
    for (const secret of [REQUEST_TOKEN, ...services.tokens])
      for (const text of [stdout, ...written]) expect(text).not.toContain(secret);
    expect(services.tokens.length).toBeGreaterThan(1);
  });

  it('signs nothing again, but what has changed', async () => {
    const { trust, attest } = release();
    await attest(['--sigstore'], services.environment());
    const before = snapshot(trust);
    const requests = services.requests.length;
    expect((await attest(['--sigstore'], services.environment())).code).toBe(0);
    expect(snapshot(trust)).toEqual(before);
    expect(services.requests).toHaveLength(requests);
    writeFileSync(join(trust, 'old.sigstore.json'), '{}');
    writeFileSync(join(trust, BUNDLE), bundleText().replace(/"payload":"..../, '"payload":"AAAA'));
    const { stdout } = await attest(['--sigstore'], services.environment());
    expect(stdout.match(/^sign .*$/gm)).toEqual([`sign ${NAME}.provenance.json`]);
    expect(readdirSync(trust)).not.toContain('old.sigstore.json');
  });

  it.each<[string, (bundle: string) => string]>([
    [
      'a changed signature',
      (text) => text.replace(/"sig":"[^"]*"/, `"sig":"${Buffer.from('x').toString('base64')}"`),
    ],
    ['no signature', (text) => text.replace(/"signatures":\[[^\]]*\]/, '"signatures":[]')],
    ['nothing but the statement', (text) => JSON.stringify({ dsseEnvelope: JSON.parse(text).dsseEnvelope })],
  ])('does not keep a bundle with %s', async (_, change) => {
    const { trust, attest, verify } = release();
    await attest(['--sigstore'], services.environment());
    const file = join(trust, BUNDLE);
    const changed = change(readFileSync(file, 'utf8'));
    expect(changed).not.toBe(readFileSync(file, 'utf8'));
    writeFileSync(file, changed);
    const { stdout } = await attest(['--sigstore'], services.environment());
    expect(stdout.match(/^sign .*$/gm)).toEqual([`sign ${NAME}.provenance.json`]);
    expect((await verify(SIGNED)).code).toBe(0);
  });

  it('does not keep bundles of another deployment than the public one, unless it is named', async () => {
    const { attest } = release();
    await attest(['--sigstore'], services.environment());
    const { ACTIONS_ID_TOKEN_REQUEST_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL } = services.environment();
    services.failures.push({ path: '/token', status: 401 });
    const env = { ACTIONS_ID_TOKEN_REQUEST_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL } as Record<string, string>;
    const { stdout, stderr } = await attest(['--sigstore'], env);
    expect(stdout).toContain(`sign ${NAME}.provenance.json`);
    expect(stderr).toContain('[OIDC_TOKEN_FAILED]');
  });

  it('keeps what a key has signed, and the other way round, as long as it fits', async () => {
    const keys = createSigningHome();
    onTestFinished(() => keys.remove());
    const key = keys.createKey('Packages <packages@example.org>');
    const { trust, attest, verify } = release();
    const env = { GNUPGHOME: keys.home, ...services.environment() };
    await attest(['--sign-with', key], env);
    await attest(['--sigstore'], env);
    const both = snapshot(trust);
    const signatures = ['SHA256SUMS.asc', 'key.asc', BUNDLE, `${NAME}.tests.sigstore.json`];
    expect(readdirSync(trust)).toEqual(expect.arrayContaining(signatures));
    expect((await verify([...SIGNED, '--signed-by', key])).code).toBe(0);
    await attest(['--sign-with', key], env);
    expect(snapshot(trust)).toEqual(both);
    writeFileSync(join(trust, 'SHA256SUMS.asc'), 'x');
    await attest(['--sigstore'], env);
    expect(readdirSync(trust)).not.toContain('SHA256SUMS.asc');
    expect(readdirSync(trust)).not.toContain('key.asc');
    expect(readdirSync(trust)).toContain(BUNDLE);
  });

  it.each([
    ['/token', 401, 'OIDC_TOKEN_FAILED'],
    ['/api/v2/signingCert', 400, 'SIGSTORE_FAILED'],
    ['/api/v1/log/entries', 400, 'SIGSTORE_FAILED'],
  ])('is finished by a second run after %s has answered %i', async (path, status, code) => {
    const { attest, verify } = release();
    services.failures.push({ path, status });
    const { code: exit, stderr } = await attest(['--sigstore'], services.environment());
    expect(exit).toBe(1);
    expect(stderr).toContain(`[${code}]`);
    expect(stderr).toContain(String(status));
    for (const secret of [REQUEST_TOKEN, ...services.tokens]) expect(stderr).not.toContain(secret);
    expect((await attest(['--sigstore'], services.environment())).code).toBe(0);
    expect((await verify(SIGNED)).code).toBe(0);
  });

  it.each(['/token', '/api/v2/signingCert', '/api/v1/log/entries'])('retries %s', async (path) => {
    const { attest } = release();
    services.failures.push({ path, status: 503 });
    expect(await attest(['--sigstore'], services.environment())).toMatchObject({ code: 0, stderr: '' });
  });

  it('says which permission a job lacks', async () => {
    const { code, stderr } = await release().attest(['--sigstore'], {
      ACTIONS_ID_TOKEN_REQUEST_URL: '',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: '',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('`id-token: write`');
    expect(stderr).toContain('[OIDC_TOKEN_MISSING]');
  });
});

describe('turnbuild verify-artifact', () => {
  it('says who signed, from which commit, what it was built from, and what it passed', async () => {
    const { code, stdout, stderr } = await signed.verify(SIGNED);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Verified: ${DEB}\n`);
    for (const words of [
      `signed by   a workflow run of https://github.com/${REPOSITORY}\n`,
      `workflow ${WORKFLOW.replace('@', `\n${' '.repeat(14)}at `)}\n`,
      `identity issued by ${ISSUER}`,
      `commit ${COMMIT}`,
      '1 passed; none failed',
    ])
      expect(stdout).toContain(words);
    expect(stdout).toContain('coturn 4.18.0, revision 1, for debian-13 x86_64');
  });

  it('prints the same as JSON, from the bundled program', async () => {
    const args = ['verify-artifact', signed.file, ...SIGNED, '--json'];
    const { stdout } = await turnbuild(args, { cwd: signed.cwd });
    expect(JSON.parse(stdout)).toMatchObject({
      file: DEB,
      signatures: [
        {
          by: 'identity',
          identity: IDENTITY,
          issuer: ISSUER,
          commit: COMMIT,
          repository: `https://github.com/${REPOSITORY}`,
        },
        { by: 'identity' },
      ],
      provenance: { buildDefinition: { externalParameters: { coturn: '4.18.0' } } },
      tests: { result: 'PASSED' },
    });
  });

  it.skipIf(NO_UNSHARE !== '')(`works without a network${NO_UNSHARE}`, async () => {
    const home = createSigningHome();
    onTestFinished(() => home.remove());
    const key = home.createKey('Packages <packages@example.org>');
    const { cwd, file, attest } = release();
    const env = { ...services.environment(), GNUPGHOME: home.home };
    expect(await attest(['--sigstore', '--sign-with', key], env)).toMatchObject({ code: 0, stderr: '' });
    const args = [...SIGNED, '--signed-by', key];
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      [...(OFFLINE ?? []), process.execPath, PROGRAM, 'verify-artifact', file, ...args],
      { cwd, encoding: 'utf8', env: { ...process.env, CI: 'true', NO_COLOR: '1' } },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('signed by   a workflow run of');
    expect(stdout).toContain(`OpenPGP key ${key}`);
    // The control: the services that have signed are out of reach there.
    const connect = `require('net').connect(${new URL(services.url).port}, '127.0.0.1').on('error', () => process.exit(7))`;
    expect(spawnSync('unshare', [...(OFFLINE ?? []), process.execPath, '-e', connect]).status).toBe(7);
  });

  it('takes the name that GitHub gives an asset, and bundles beside it', async () => {
    const { cwd, trust, file, attest, verify } = release();
    await attest(['--sigstore'], services.environment());
    const renamed = join(cwd, DEB.replaceAll(/[+~]/g, '.'));
    copyFileSync(file, renamed);
    copyFileSync(join(trust, BUNDLE), join(cwd, BUNDLE));
    const { code, stdout } = await verify(SIGNED, renamed);
    expect(code).toBe(0);
    expect(stdout).toContain('not proved: no test result was found');
  });

  it.each([
    ['the exact identity', ['--identity', IDENTITY, '--issuer', ISSUER]],
    ['a pattern', ['--identity-regexp', 'https://github\\.com/example/.*', '--issuer', ISSUER]],
  ])('accepts %s', async (_, args) => {
    expect((await signed.verify([...ROOT, ...args])).code).toBe(0);
  });

  it.each<[string, string[], string, number]>([
    ['no expected signer', ROOT.slice(2), 'SIGNER_MISSING', 2],
    ['a trusted root without an expected signer', ROOT, 'SIGNER_MISSING', 2],
    ['another repository', [...ROOT, '--repository', 'example/other'], 'SIGNER_DIFFERS', 1],
    [
      'the start of an identity',
      [...ROOT, '--identity', IDENTITY.slice(0, -1), '--issuer', ISSUER],
      'SIGNER_DIFFERS',
      1,
    ],
    [
      'a pattern of a part',
      [...ROOT, '--identity-regexp', 'example', '--issuer', ISSUER],
      'SIGNER_DIFFERS',
      1,
    ],
    ['another issuer', [...SIGNED, '--issuer', 'https://example.org'], 'SIGNER_DIFFERS', 1],
    ['an identity without an issuer', [...ROOT, '--identity', IDENTITY], 'ARGUMENT_MISSING', 2],
    ['an issuer alone', [...ROOT, '--issuer', ISSUER], 'ARGUMENT_MISSING', 2],
    ['an invalid repository', [...ROOT, '--repository', 'example'], 'OPTION_INVALID', 2],
    [
      'a pattern that is invalid alone',
      [...ROOT, '--identity-regexp', 'x)|(?:https', '--issuer', ISSUER],
      'OPTION_INVALID',
      2,
    ],
    ['an invalid pattern', [...ROOT, '--identity-regexp', '(', '--issuer', ISSUER], 'OPTION_INVALID', 2],
    ['a missing bundle', [...SIGNED, '--bundle', 'none.json'], 'ARGUMENT_INVALID', 2],
    ['the public deployment', ['--repository', REPOSITORY], 'BUNDLE_UNTRUSTED', 1],
    [
      'a key as well, which has not signed',
      [...SIGNED, '--signed-by', 'A'.repeat(40)],
      'SIGNATURE_MISSING',
      1,
    ],
  ])('refuses %s', async (_, args, code, exit) => {
    const { code: actual, stdout, stderr } = await signed.verify(args);
    expect({ actual, stdout }).toEqual({ actual: exit, stdout: '' });
    expect(stderr).toContain(`[${code}]`);
    expect(stderr).not.toMatch(/internal error|TypeError/);
  });

  it("refuses a package of any other repository that called the publisher's workflow", async () => {
    const { attest, verify } = release();
    const claims = { repository: 'attacker/fork', workflowRepository: REPOSITORY };
    await attest(['--sigstore'], services.environment(claims));
    const other = ['--issuer', ISSUER];
    for (const args of [
      ['--identity', IDENTITY],
      ['--identity-regexp', 'https://github\\.com/example/.*'],
    ]) {
      const { code, stdout, stderr } = await verify([...ROOT, ...other, ...args]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('[SIGNER_DIFFERS]');
      expect(stderr).toContain('pass --repository');
    }
    expect((await verify([...ROOT, '--repository', REPOSITORY])).stderr).toContain('[SIGNER_DIFFERS]');
    const alone = await verify([...ROOT, '--repository', claims.repository]);
    const [hint = ''] = /--repository \S+ --identity '\S+'/.exec(alone.stderr) ?? [];
    expect(hint).not.toBe('');
    const { code, stdout } = await verify([...ROOT, ...hint.replaceAll("'", '').split(' ')]);
    expect(code).toBe(0);
    expect(stdout).toContain('a workflow run of https://github.com/attacker/fork\n');
    expect(stdout).toContain(`of https://github.com/${REPOSITORY} at refs/heads/main\n`);
  });

  it('is not blocked by what others have put beside the file', async () => {
    const { dir, attest, verify, trust } = release();
    await attest(['--sigstore'], services.environment({ repository: 'attacker/fork' }));
    const foreign = join(dir, 'foreign.sigstore.json');
    copyFileSync(join(trust, BUNDLE), foreign);
    copyFileSync(foreign, join(trust, 'a.sigstore.json'));
    expect((await verify(SIGNED)).stderr).toContain('[SIGNER_DIFFERS]');
    for (const name of readdirSync(signed.trust)) copyFileSync(join(signed.trust, name), join(trust, name));
    const token = await identityToken(services.environment());
    const kind = JSON.parse(readFileSync(join(trust, `${NAME}.tests.json`), 'utf8'));
    const unknown = JSON.stringify({ ...kind, predicateType: 'https://example.org/other' });
    const bundle = await signKeyless(Buffer.from(unknown), PAYLOAD_TYPE, token, {
      ...sigstoreServices(services.environment()),
    });
    writeFileSync(join(trust, 'b.sigstore.json'), bundle);
    symlinkSync('nowhere', join(trust, 'c.sigstore.json'));
    mkdirSync(join(trust, 'd.sigstore.json'));
    truncateSync(writable(join(trust, 'e.sigstore.json')), 17 * 1024 ** 2);
    // A folder of downloads may have folders that nobody may read.
    mkdirSync(join(dir, 'private/deep'), { recursive: true });
    expect(await verify(SIGNED)).toMatchObject({ code: 0, stderr: '' });
    for (const [file, code] of [
      [foreign, 'SIGNER_DIFFERS'],
      [join(trust, 'b.sigstore.json'), 'STATEMENT_UNKNOWN'],
      [join(trust, 'e.sigstore.json'), 'FILE_ERROR'],
    ] as const)
      expect((await verify([...SIGNED, '--bundle', file])).stderr).toContain(`[${code}]`);
  });

  function writable(file: string): string {
    writeFileSync(file, '');
    return file;
  }

  it('refuses a file that is not there', async () => {
    const { code, stderr } = await signed.verify(SIGNED, 'none.deb');
    expect(code).toBe(2);
    expect(stderr).toContain('[ARTIFACT_NOT_FOUND]');
  });

  it('refuses another file, also under the name of the signed one', async () => {
    const { dir, cwd, trust, verify } = signed;
    const bundle = [...SIGNED, '--bundle', join(trust, BUNDLE)];
    const other = join(cwd, DEB);
    writeFileSync(other, 'other');
    for (const file of [other, join(dir, 'manifest.json')]) {
      const { code, stderr } = await verify(bundle, file);
      expect(code).toBe(1);
      expect(stderr).toContain('[ARTIFACT_NOT_ATTESTED]');
      expect(stderr).toContain('is about other files');
    }
    expect((await verify(SIGNED, join(dir, 'manifest.json'))).stderr).toContain('[SIGNATURE_MISSING]');
  });

  it('refuses an old package under a new name', async () => {
    const { dir, file, trust, verify } = signed;
    const newer = join(dir, DEB.replace('4.18.0', '4.19.0'));
    copyFileSync(file, newer);
    const { code, stderr } = await verify([...SIGNED, '--bundle', join(trust, BUNDLE)], newer);
    rmSync(newer);
    expect(code).toBe(1);
    expect(stderr).toContain('[ARTIFACT_RENAMED]');
  });
});
