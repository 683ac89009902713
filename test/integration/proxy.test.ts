import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { coturnTar } from '../support/coturn-tree.ts';
import { serve } from '../support/http-server.ts';
import { type ProxyOptions, proxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const TARBALL = gzipSync(coturnTar('4.18.0'));
const SHA256 = createHash('sha256').update(TARBALL).digest('hex');
/** Removes the machine's own proxy settings. */
const NONE = Object.fromEntries(
  ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => [
    [name, undefined],
    [name.toUpperCase(), undefined],
  ]),
) as unknown as Record<string, string>;

/** `turnbuild source` of a URL, in a separate folder. */
async function fetchSource(url: string, env: Record<string, string>) {
  const dir = temporaryFolder();
  return turnbuild(['source', '--source', url, '--sha256', SHA256, '--out', 'dist'], {
    cwd: dir,
    env: { ...NONE, TURNBUILD_CACHE: join(dir, 'cache'), ...env },
  });
}

/** A server with the tarball, and a proxy that knows it as mirror.example.org. */
async function prepare(options: Partial<ProxyOptions> = {}, host?: string) {
  const server = await serve((_, response) => response.end(TARBALL), host);
  const port = Number(new URL(server.url).port);
  const hosts = { 'mirror.example.org:80': port, [`127.0.0.2:${port}`]: port };
  return { server, between: await proxy({ hosts, ...options }) };
}

/** GitHub's API with one release, over TLS, for api.example.org. */
async function github() {
  const dir = temporaryFolder();
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=api.example.org', '-addext', 'subjectAltName=DNS:api.example.org'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'].concat(
      subject,
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
    ),
    { stdio: 'ignore' },
  );
  const tokens: (string | undefined)[] = [];
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    tokens.push(request.headers.authorization);
    const known = request.url?.includes('/releases') === true;
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? [{ tag_name: '4.18.0', draft: false, prerelease: false }] : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, cert, tokens };
}

/** `turnbuild plan latest`, which requests the list of releases from GitHub, and then a tag that does not exist. */
const askGithub = (cert: string, env: Record<string, string>) =>
  turnbuild(['plan', 'latest'], {
    env: {
      ...NONE,
      NODE_EXTRA_CA_CERTS: cert,
      GITHUB_API_URL: 'https://api.example.org',
      GITHUB_TOKEN: 's3cret',
      ...env,
    },
  });

describe('an http URL', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('is requested in full from the proxy in %s', async (name) => {
    const { between } = await prepare();
    const run = await fetchSource('http://mirror.example.org/c.tar.gz', {
      [name]: `http://${between.address}`,
    });
    expect(run.code, run.stderr).toBe(0);
    expect(between.requests).toEqual(['GET http://mirror.example.org/c.tar.gz']);
  });

  test('that does not exist fails with the status of the response, and with its text if undici returns it', async () => {
    const server = await serve((_, response) => response.writeHead(404).end());
    const { address } = await proxy({
      hosts: { 'mirror.example.org:80': Number(new URL(server.url).port) },
    });
    const run = await fetchSource('http://mirror.example.org/c.tar.gz', { HTTP_PROXY: `http://${address}` });
    expect(run.stderr).toMatch(/could not be downloaded: the server answered 404( Not Found)?\n/);
  });

  test('is requested with user name and password, percent-encoded in the variable', async () => {
    const { between } = await prepare({ login: 'me:p@ss' });
    const run = await fetchSource('http://mirror.example.org/c.tar.gz', {
      HTTP_PROXY: `http://me:p%40ss@${between.address}`,
    });
    expect(run.code, run.stderr).toBe(0);
  });

  test.each([
    ['the host', '127.0.0.2'],
    ['everything', '*'],
    ['the host in a list', 'a.example.org, 127.0.0.2'],
  ])('is requested directly if NO_PROXY names %s', async (_, value) => {
    const { server, between } = await prepare({}, '127.0.0.2');
    const port = new URL(server.url).port;
    const env = { HTTP_PROXY: `http://${between.address}` };
    expect((await fetchSource(`http://127.0.0.2:${port}/c.tar.gz`, { ...env, NO_PROXY: value })).code).toBe(
      0,
    );
    expect(between.requests).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  test('is requested directly on localhost, but not elsewhere', async () => {
    const { server, between } = await prepare();
    const env = { HTTP_PROXY: `http://${between.address}` };
    expect((await fetchSource(`${server.url}/c.tar.gz`, env)).code).toBe(0);
    expect(between.requests).toEqual([]);
    const { port } = new URL(server.url);
    expect((await fetchSource(`http://127.0.0.2:${port}/c.tar.gz`, env)).code).toBe(0);
    expect(between.requests).toEqual([`GET http://127.0.0.2:${port}/c.tar.gz`]);
  });
});

describe('an https URL', () => {
  test('is requested through a tunnel, so that the proxy sees neither token nor path', async () => {
    const { port, cert, tokens } = await github();
    const between = await proxy({ hosts: { 'api.example.org:443': port }, login: 'me:pass' });
    const run = await askGithub(cert, { HTTPS_PROXY: `http://me:pass@${between.address}` });
    expect(run.stderr).toContain("GitHub does not have coturn's tag 4.18.0");
    expect(new Set(between.requests)).toEqual(new Set(['CONNECT api.example.org:443']));
    expect(tokens).toEqual(['token s3cret', 'token s3cret']);
    expect(between.received()).toContain('CONNECT api.example.org:443 HTTP/1.1');
    expect(between.received()).not.toMatch(/s3cret|repos|turnbuild/);
  });

  test('uses HTTP_PROXY if HTTPS_PROXY is not set', async () => {
    const { port, cert } = await github();
    const between = await proxy({ hosts: { 'api.example.org:443': port } });
    await askGithub(cert, { HTTP_PROXY: `http://${between.address}` });
    expect(new Set(between.requests)).toEqual(new Set(['CONNECT api.example.org:443']));
  });
});

describe('a failing proxy', () => {
  const login = 'me:pa55';
  const cases = [
    ['http', 'http://mirror.example.org/c.tar.gz', 'HTTP_PROXY'],
    ['https', 'https://mirror.example.org/c.tar.gz', 'HTTPS_PROXY'],
  ] as const;

  test.each(cases)('is named with the required setting after one 407 response: %s', async (_, url, name) => {
    const { between } = await prepare({ login: 'somebody:else' });
    const run = await fetchSource(url, { [name]: `http://${login}@${between.address}` });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`The proxy http://${between.address}/ requires a user name and password`);
    expect(run.stderr).toContain('[PROXY_FAILED]');
    expect(run.stderr).toContain('http://USER:PASSWORD@HOST:PORT');
    expect(run.stderr).not.toContain('pa55');
    expect(between.requests).toHaveLength(1);
  });

  test('is named with the host after a 403 response', async () => {
    const { between } = await prepare({ status: 403 });
    const run = await fetchSource('https://mirror.example.org/c.tar.gz', {
      HTTPS_PROXY: `http://${login}@${between.address}`,
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`${between.address}/ refused to connect to mirror.example.org:443 (403)`);
    expect(run.stderr).not.toContain('pa55');
    expect(between.requests).toHaveLength(1);
  });

  test.each(cases)('is named if it refuses connections: %s', async (_, url, name) => {
    const run = await fetchSource(url, { [name]: `http://${login}@127.0.0.1:9` });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/The proxy http:\/\/127\.0\.0\.1:9\/ cannot be reached: .*ECONNREFUSED/);
    expect(run.stderr).toContain('Check HTTPS_PROXY and HTTP_PROXY');
    expect(run.stderr).not.toContain('pa55');
  });

  test('causes the same error for GitHub', async () => {
    const run = await askGithub('/nowhere', { HTTPS_PROXY: 'http://127.0.0.1:9' });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('The proxy http://127.0.0.1:9/ cannot be reached');
    expect(run.stderr).toContain('[PROXY_FAILED]');
  });

  test.each(['foo:bar:baz', 'proxy.example.org:3128', 'socks5://127.0.0.1:1080', 'http://', 'a:pa55@b:c:d'])(
    'is refused if its address is invalid: "%s"',
    async (value) => {
      const run = await fetchSource('https://mirror.example.org/c.tar.gz', { HTTPS_PROXY: value });
      expect(run.code).toBe(2);
      expect(run.stderr).toContain('in HTTPS_PROXY');
      expect(run.stderr).toContain('[PROXY_INVALID]');
      expect(run.stderr).toContain('http://HOST:PORT');
      expect(run.stderr).not.toContain('pa55');
    },
  );

  test('is ignored by a command that uses no network', async () => {
    const run = await turnbuild(['capacity'], { env: { ...NONE, HTTPS_PROXY: 'foo:bar:baz' } });
    expect(run.code, run.stderr).toBe(0);
  });
});
