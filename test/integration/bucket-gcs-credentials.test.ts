import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openGcs } from '../../src/io/bucket/gcs.ts';
import { applicationDefault } from '../../src/io/bucket/gcs-auth.ts';
import { fetch } from '../../src/io/fetch.ts';
import { type GcsOptions, startGcs } from '../support/gcs/simulator.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const SUBJECT_TOKEN = 'eyJ.planted.subject-token';

beforeEach(() => {
  // No credentials of this machine.
  vi.stubEnv('HOME', temporaryFolder());
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
  vi.stubEnv('STORAGE_EMULATOR_HOST', undefined);
  vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function prepare(options: GcsOptions = {}) {
  const gcs = await startGcs({ key: publicKey, subjectToken: SUBJECT_TOKEN, ...options });
  onTestFinished(() => gcs.stop());
  // The library asks this host for tokens of a service account, whatever its file says.
  const send: typeof fetch = (url, init) =>
    fetch(url.replace('https://oauth2.googleapis.com', gcs.url), init);
  const authorize = applicationDefault('gs://packages', send);
  const bucket = await openGcs('packages', '', { endpoint: gcs.url, authorize, backoffMs: 1, attempts: 3 });
  const list = () => bucket.list('');
  const operations = () => gcs.calls.map(({ operation }) => operation);
  return { gcs, bucket, list, operations };
}

/** Writes a file of credentials and names it in the environment. */
function given(content: object | string): string {
  const file = join(temporaryFolder(), 'credentials.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file);
  return file;
}

const serviceAccount = () => ({
  type: 'service_account',
  project_id: 'example',
  private_key_id: 'id',
  private_key: PEM,
  client_email: 'publisher@example.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
});

/** What google-github-actions/auth writes. */
const federation = (url: string) => ({
  type: 'external_account',
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/github',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: `${url}/v1/token`,
  credential_source: {
    url: `${url}/oidc`,
    headers: { Authorization: 'Bearer planted-request-token' },
    format: { type: 'json', subject_token_field_name: 'value' },
  },
});

/** The whole error as text. */
const textOf = ({ code, message, hint, cause }: Awaited<ReturnType<typeof errorOf>>) =>
  [code, message, hint, cause].join('\n');

describe('Application Default Credentials', () => {
  it('of a service account: one token for all requests', async () => {
    const { gcs, list, operations } = await prepare();
    given(serviceAccount());
    expect([await list(), await list()]).toEqual([[], []]);
    expect(operations()).toEqual(['token', 'objects.list', 'objects.list']);
    expect(gcs.violations).toEqual([]);
  });

  it('that expire early are renewed, once for all requests that were rejected', async () => {
    const { gcs, list, operations } = await prepare();
    given(serviceAccount());
    await list();
    gcs.tokens.issued.clear();
    expect(await Promise.all([list(), list()])).toEqual([[], []]);
    expect(operations().filter((each) => each === 'token')).toHaveLength(2);
  });

  it('of workload identity federation, as in GitHub Actions', async () => {
    const { gcs, list, operations } = await prepare();
    given(federation(gcs.url));
    expect(await list()).toEqual([]);
    expect(operations()).toEqual(['oidc', 'token', 'objects.list']);
    expect(gcs.violations).toEqual([]);
  });

  it('of the metadata server', async () => {
    const { gcs, list, operations } = await prepare();
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
    vi.stubEnv('GCE_METADATA_HOST', new URL(gcs.url).host);
    expect(await list()).toEqual([]);
    expect(operations()).toEqual(['token', 'objects.list']);
    expect(gcs.violations).toEqual([]);
  });

  it('that are not there', async () => {
    const { list, operations } = await prepare();
    const error = await errorOf(list());
    expect([error.code, error.message]).toEqual(['CREDENTIALS_MISSING', 'No credentials for gs://packages']);
    expect(error.hint).toContain('GOOGLE_APPLICATION_CREDENTIALS');
    expect(operations()).toEqual([]);
  });

  it.each([
    '{',
    '',
    '{}',
    '[]',
    '{"type":"service_account"}',
    '{"type":"service_account","client_email":"x"}',
  ])('that cannot be read: %s', async (content) => {
    const { list } = await prepare();
    const file = given(content);
    const error = await errorOf(list());
    expect([error.code, error.message]).toEqual([
      'CREDENTIALS_MISSING',
      `The credentials for gs://packages cannot be read: ${file}`,
    ]);
  });

  it('whose file does not exist', async () => {
    const { list } = await prepare();
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nonexistent/credentials.json');
    await expect(list()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' });
  });

  it('that are rejected: another key, or a wrong clock', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const cases: [GcsOptions, string, RegExp, RegExp][] = [
      [{ key: other }, 'CREDENTIALS_REFUSED', /Invalid JWT Signature/, /key or login still exists/],
      [{ skewMs: 7_200_000 }, 'CLOCK_WRONG', /clock differs too much/, /NTP/],
      [{ skewMs: -7_200_000 }, 'CLOCK_WRONG', /clock differs too much/, /NTP/],
    ];
    for (const [options, code, message, hint] of cases) {
      const { list, operations } = await prepare(options);
      given(serviceAccount());
      const error = await errorOf(list());
      expect([error.code, error.message, error.hint]).toEqual([
        code,
        expect.stringMatching(message),
        expect.stringMatching(hint),
      ]);
      expect(operations().filter((each) => each === 'objects.list')).toEqual([]);
      expect(textOf(error)).not.toMatch(/PRIVATE KEY|eyJ|planted/);
    }
  });

  it('of a job that the provider does not accept', async () => {
    const { gcs, list } = await prepare({
      fault: ({ operation }) =>
        operation === 'token'
          ? { status: 403, reason: 'unauthorized_client', message: `rejected ${SUBJECT_TOKEN}` }
          : undefined,
    });
    given(federation(gcs.url));
    const error = await errorOf(list());
    expect([error.code, error.hint]).toEqual([
      'CREDENTIALS_REFUSED',
      expect.stringContaining('workload identity federation'),
    ]);
    expect(textOf(error)).not.toMatch(/eyJ|planted/);
  });

  it('behind a proxy that does not exist', async () => {
    given(serviceAccount());
    vi.stubEnv('https_proxy', 'http://127.0.0.1:9');
    const bucket = await openGcs('packages', '', { authorize: applicationDefault('gs://packages') });
    const { code, message } = await errorOf(bucket.list(''));
    expect([code, message]).toEqual(['PROXY_FAILED', expect.stringContaining('127.0.0.1:9')]);
  });

  it('whose token comes after a failure, or not at all', async () => {
    let failures = 2;
    const { list } = await prepare({
      fault: ({ operation }) => (operation === 'token' && failures-- > 0 ? { status: 503 } : undefined),
    });
    given(serviceAccount());
    expect(await list()).toEqual([]);
    const away = await prepare({ fault: () => 'reset-before' });
    given(serviceAccount());
    const error = await errorOf(away.list());
    expect([error.code, error.message]).toEqual([
      'STORE_UNREACHABLE',
      expect.stringMatching(/^Cannot get a token for gs:\/\/packages: the connection was lost \([\w.:]+\)$/),
    ]);
  });
});

describe('an emulator', () => {
  it.each(['', 'http://'])('is used without credentials: %sHOST:PORT', async (scheme) => {
    const gcs = await startGcs({ isAnonymous: true });
    onTestFinished(() => gcs.stop());
    given(serviceAccount());
    vi.stubEnv('STORAGE_EMULATOR_HOST', `${scheme}${new URL(gcs.url).host}`);
    expect(await (await openGcs('packages', '')).list('')).toEqual([]);
    expect(gcs.calls.map(({ operation, hasToken }) => [operation, hasToken])).toEqual([
      ['objects.list', false],
    ]);
  });

  it.each(['http://', 'http://a b', 'http://host/path?x=1'])('with an invalid address: %s', async (word) => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', word);
    await expect(openGcs('packages', '')).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});
