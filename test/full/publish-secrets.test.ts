import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../support/broken-network.ts';
import { startGcs } from '../support/gcs/simulator.ts';
import { NAME, OWNER, simulateGithub, TOKEN } from '../support/github/simulator.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { filesIn, findSecrets } from '../support/planted-secrets.ts';
import { proxy } from '../support/proxy.ts';
import { S3Refusal } from '../support/s3/refusal.ts';
import { SECRET_KEY } from '../support/s3/signature.ts';
import { s3Simulator } from '../support/s3/simulator.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { REQUEST_TOKEN, startSigstore } from '../support/sigstore/services.ts';
import { turnbuild } from '../support/turnbuild.ts';
import { watchedPrograms } from '../support/watched-programs.ts';

const FAST = `--import ${fileURLToPath(new URL('../support/fast-waits.mjs', import.meta.url))}`;
const PASSPHRASE = 'planted-passphrase-of-the-key';
const PROXY_PASSWORD = 'planted-passw0rd-of-the-proxy';
const SESSION_TOKEN = 'planted-session-token/of+aws==';
/** An RSA key of 3,072 bits has its secret numbers in the first 35 lines of its armor; the rest is public. */
const SECRET_LINES = 30;
/** Whatever makes programs and libraries talk. */
const TALKATIVE = {
  DEBUG: '*',
  GOOGLE_SDK_NODE_LOGGING: '*',
  ACTIONS_STEP_DEBUG: 'true',
  RUNNER_DEBUG: '1',
  NODE_ENV: 'development',
};

let keys: SigningHome;
let key: string;
let secretKey: string;
let secretLines: string;
beforeAll(() => {
  keys = createSigningHome();
  const args = ['--pinentry-mode', 'loopback', '--passphrase', PASSPHRASE];
  keys.gpg([...args, '--quick-gen-key', 'Locked <locked@example.org>', 'rsa3072', 'sign', '2y']);
  secretKey = keys.gpg([...args, '--armor', '--export-secret-keys']);
  // Both exports end in the same lines.
  const known = new Set(keys.gpg(['--armor', '--export']).split('\n'));
  secretLines = secretKey
    .split('\n')
    .filter((line) => !known.has(line))
    .slice(0, SECRET_LINES)
    .join('\n');
  key = /^fpr:{9}([0-9A-F]+):/m.exec(keys.gpg(['--with-colons', '--list-secret-keys']))?.[1] ?? '';
});
afterAll(() => keys.remove());

/** A release, and commands whose traces are searched for secrets. */
function place(secrets: Record<string, string>, env: Record<string, string>, content = 'data') {
  const dir = temporaryFolder();
  const [out, tmp, cache] = ['dist', 'tmp', 'cache'].map((name) => join(dir, name));
  for (const each of [tmp, cache]) mkdirSync(each ?? '', { mode: 0o700 });
  const programs = watchedPrograms(join(dir, 'bin'));
  packagedRelease(out ?? '', { content, targets: { 'debian-13': 'deb13', portable: 'rpm' } });
  const planted: Record<string, string> = {
    ...{ 'the signing key': secretLines, 'its passphrase': PASSPHRASE, ...secrets },
  };
  const found: string[] = [];
  const run = async (args: readonly string[]) => {
    const result = await turnbuild(
      [
        ...args,
        '--sign-with',
        key,
        '--out',
        out ?? '',
        ...(args[0] === 'attest' ? [] : ['--verbose']),
        '--json',
      ],
      {
        cwd: dir,
        env: {
          ...{ TURNBUILD_SIGNING_KEY: secretKey, TURNBUILD_SIGNING_PASSPHRASE: PASSPHRASE },
          ...{ NODE_OPTIONS: FAST, PATH: programs.path, TMPDIR: tmp ?? '', TURNBUILD_CACHE: cache ?? '' },
          ...{ ...TALKATIVE, ...env },
        },
      },
    );
    found.push(
      ...findSecrets(planted, {
        'standard output': result.stdout,
        'standard error': result.stderr,
        'the process list': programs.seen(),
        ...filesIn(out ?? ''),
        ...filesIn(cache ?? ''),
        ...filesIn(tmp ?? ''),
      }),
    );
    return result;
  };
  return { dir, run, planted, found, programs };
}

const COMMANDS = [['publish'], ['promote', '4.18.0'], ['withdraw', '4.18.0', '--reason', 'test']];

describe('no trace has a secret', () => {
  it('of S3', async () => {
    const simulator = await s3Simulator({ pageSize: 1000 });
    const secrets = { 'the AWS key': SECRET_KEY, 'the AWS session': SESSION_TOKEN };
    const own = place(secrets, { ...simulator.env, AWS_SESSION_TOKEN: SESSION_TOKEN });
    const to = ['--to', 'apt,dnf', '--repo', 's3://packages/coturn', '--url', 'https://packages.example.org'];
    // As Amazon S3 does: ExpiredToken has the token.
    const said = new S3Refusal(400, 'ExpiredToken', `Expired: ${SESSION_TOKEN} ${SECRET_KEY}`, {
      'Token-0': SESSION_TOKEN,
    });
    const other = new S3Refusal(418, 'Teapot', `No ${SESSION_TOKEN} ${SECRET_KEY}`);
    const calls = [
      ...[/^ListObjectsV2/, /^GetObject/, /^HeadObject/],
      ...[/^PutObject .*\.lock/, /^PutObject .*pool/, /^DeleteObject/],
    ];
    for (const [index, on] of calls.entries()) {
      simulator.faults.set({ on, kind: index % 2 === 0 ? said : other, times: 3 });
      const { code, stderr } = await own.run(['publish', ...to]);
      expect({ on, code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/\[(?:CREDENTIALS_REFUSED|STORE_FAILED)\]\n$/),
      });
    }
    simulator.faults.set();
    for (const words of COMMANDS) expect((await own.run([...words, ...to])).code).toBe(0);
    own.found.push(
      ...findSecrets(
        own.planted,
        Object.fromEntries([...simulator.objects].map(([path, { bytes }]) => [path, bytes])),
      ),
    );
    expect(own.found).toEqual([]);
    expect(own.programs.seen()).toContain('createrepo_c');
  });

  it('of GitHub and sigstore', async () => {
    const github = await simulateGithub();
    const services = await startSigstore();
    onTestFinished(() => services.close());
    const secrets = { 'the GitHub token': TOKEN, 'the request token': REQUEST_TOKEN };
    const own = place(secrets, {
      ...{ GITHUB_API_URL: github.url, GITHUB_TOKEN: TOKEN, GH_TOKEN: TOKEN },
      ...services.environment(),
    });
    const attest = ['attest', '--sigstore'];
    const identity = () =>
      Object.fromEntries(services.tokens.map((token, index) => [`identity token ${index}`, token]));
    for (const path of ['/token', '/api/v2/signingCert', '/api/v1/log'])
      for (const status of [401, 500]) {
        services.failures.push(...Array.from({ length: 8 }, () => ({ path, status })));
        await own.run(attest);
        services.failures.length = 0;
        Object.assign(own.planted, identity());
      }
    expect((await own.run(attest)).code).toBe(0);
    Object.assign(own.planted, identity());
    const to = ['--to', 'github', '--github-repo', `${OWNER}/${NAME}`];
    for (const on of ['GET repository', 'GET releases', 'POST release', 'POST upload', 'PATCH release'])
      for (const status of [422, 500]) {
        github.fail({
          on,
          how: { status, message: `Bad ${TOKEN}, Authorization: token ${TOKEN}` },
          times: 1,
        });
        await own.run(['publish', ...to]);
      }
    for (const words of COMMANDS) expect((await own.run([...words, ...to])).code).toBe(0);
    own.found.push(
      ...findSecrets(own.planted, {
        releases: JSON.stringify(github.repository.releases.map(({ body, name, tag }) => [body, name, tag])),
        ...Object.fromEntries(
          github.repository.releases.flatMap(({ assets }) =>
            assets.map(({ name, content }) => [name, content]),
          ),
        ),
      }),
    );
    expect(own.found).toEqual([]);
  });

  it('of Google Cloud Storage, through a proxy with a password', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    let failing: { on: string; status: number } | undefined;
    const gcs = await startGcs({
      key: publicKey,
      fault: ({ operation, path }) => {
        if (failing?.on !== operation) return undefined;
        const said = `${[...gcs.tokens.issued].join(' ')} https://host${path}?upload_id=${[...gcs.sessions.keys()].join()}`;
        return { status: failing.status, message: `Refused: ${said}` };
      },
    });
    onTestFinished(() => gcs.stop());
    // The service as the client knows it: with TLS, behind a proxy.
    const names = ['storage.googleapis.com', 'oauth2.googleapis.com'];
    const { key: tlsKey, certificate } = selfSigned(
      -1,
      365,
      names.map((name) => `DNS:${name}`),
    );
    const front = createServer(
      { key: readFileSync(tlsKey), cert: readFileSync(certificate) },
      (request, response) => {
        const { method, url, headers } = request;
        const onward = forward(`${gcs.url}${url}`, { method, headers }, (answer) => {
          const location = answer.headers.location?.replace(gcs.url, 'https://storage.googleapis.com');
          response.writeHead(answer.statusCode ?? 500, { ...answer.headers, ...(location && { location }) });
          answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
      },
    );
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void front.close());
    const { port } = front.address() as AddressInfo;
    const { address } = await proxy({
      hosts: Object.fromEntries(names.map((name) => [`${name}:443`, port])),
      login: `user:${PROXY_PASSWORD}`,
    });
    const credentials = join(temporaryFolder(), 'credentials.json');
    writeFileSync(
      credentials,
      JSON.stringify({
        ...{ type: 'service_account', project_id: 'example', private_key_id: 'id', private_key: pem },
        client_email: 'publisher@example.iam.gserviceaccount.com',
        token_uri: 'https://oauth2.googleapis.com/token',
      }),
    );
    const login = `http://user:${PROXY_PASSWORD}@${address}`;
    const own = place(
      { "Google's private key": pem, "the proxy's password": PROXY_PASSWORD },
      {
        ...{ GOOGLE_APPLICATION_CREDENTIALS: credentials, NODE_EXTRA_CA_CERTS: certificate },
        ...{ HTTPS_PROXY: login, HTTP_PROXY: login, METADATA_SERVER_DETECTION: 'none' },
      },
      // Large enough for an upload in chunks, whose session has a secret address.
      randomBytes(5 * 1024 ** 2).toString('hex'),
    );
    const sessions: string[] = [];
    const to = ['--to', 'apt', '--repo', 'gs://packages/coturn'];
    const run = async (words: readonly string[]) => {
      const result = await own.run([...words, ...to]);
      sessions.push(...gcs.sessions.keys());
      const later = Object.fromEntries(
        [...gcs.tokens.issued, ...sessions].map((secret, index) => [`token or session ${index}`, secret]),
      );
      Object.assign(own.planted, later);
      own.found.push(...findSecrets(later, { output: result.stdout + result.stderr }));
      return result;
    };
    for (const on of ['token', 'objects.list', 'objects.get', 'objects.insert', 'upload', 'objects.delete'])
      for (const status of [401, 503]) {
        failing = { on, status };
        await run(['publish']);
      }
    failing = undefined;
    const last = await run(['publish']);
    expect(last).toMatchObject({ code: 0 });
    for (const words of COMMANDS) expect((await run(words)).code).toBe(0);
    own.found.push(
      ...findSecrets(
        own.planted,
        Object.fromEntries([...gcs.objects].map(([path, { bytes }]) => [path, bytes])),
      ),
    );
    expect(gcs.calls.some(({ operation }) => operation === 'upload')).toBe(true);
    expect(own.found).toEqual([]);
  });
});
