import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createGithubSource, type GithubOptions } from '../../src/sources/github.ts';
import { checkLock, pinSource } from '../../src/sources/lock.ts';
import { serve } from '../support/http-server.ts';
import { errorOf } from '../support/sandbox.ts';

const sha = (digit: string) => digit.repeat(40);
const API = '/repos/coturn/coturn';

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** GitHub's API with declared answers. Any other request fails the test, even if the client tolerates the error. */
async function simulate(answers: Record<string, Answer | Answer[]>, options: Partial<GithubOptions> = {}) {
  const undeclared: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    const path = `${request.method} ${request.url}`;
    authorizations.push(request.headers.authorization);
    const declared = answers[path];
    const answer = Array.isArray(declared) ? declared.shift() : declared;
    if (answer === undefined) undeclared.push(path);
    const headers = Object.entries(answer?.headers ?? {}).map(
      ([name, value]) => [name, value.replaceAll('BASE', server.url)] as const,
    );
    response.writeHead(answer?.status ?? (answer === undefined ? 501 : 200), {
      'content-type': 'application/json',
      ...Object.fromEntries(headers),
    });
    response.end(JSON.stringify(answer?.body ?? {}));
  });
  onTestFinished(() => {
    if (undeclared.length > 0)
      throw new Error(`requests that the test has not declared: ${undeclared.join(', ')}`);
  });
  const github = await createGithubSource({ baseUrl: server.url, ...options });
  return { github, server, authorizations };
}

const release = (tag_name: string, more: object = {}) => ({
  tag_name,
  draft: false,
  prerelease: false,
  ...more,
});
const ref = (version: string, object: object): Record<string, Answer> => ({
  [`GET ${API}/git/ref/tags%2F${version}`]: { body: { ref: `refs/tags/${version}`, object } },
});
const commit = (id: string, tree: string): Record<string, Answer> => ({
  [`GET ${API}/git/commits/${id}`]: { body: { sha: id, tree: { sha: tree } } },
});

describe('listVersions', () => {
  test('reads every page and omits drafts, prereleases and image tags', async () => {
    const { github, server } = await simulate({
      [`GET ${API}/releases?per_page=100`]: {
        headers: { link: `<BASE${API}/releases?per_page=100&page=2>; rel="next"` },
        body: [release('4.18.0'), release('docker/4.17.0-r1'), release('4.19.0', { draft: true })],
      },
      [`GET ${API}/releases?per_page=100&page=2`]: {
        body: [release('4.18.0-rc1', { prerelease: true }), release('4.5.1.3'), release('v4')],
      },
    });
    expect(await github.listVersions()).toEqual(['4.18.0', '4.5.1.3']);
    expect(server.requests).toHaveLength(2);
  });
});

test('listVersions refuses an endless list of pages', async () => {
  const path = `${API}/releases?per_page=100`;
  const answer = { headers: { link: `<BASE${path}>; rel="next"` }, body: [release('4.18.0')] };
  const { github, server } = await simulate({ [`GET ${path}`]: Array.from({ length: 20 }, () => answer) });
  expect((await errorOf(github.listVersions())).code).toBe('GITHUB_UNEXPECTED');
  expect(server.requests).toHaveLength(20);
});

describe('a token', () => {
  test('is not sent to another host that a link to the next page names', async () => {
    const elsewhere: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      elsewhere.push(request.headers.authorization);
      response.end('[]');
    });
    const { github } = await simulate(
      {
        [`GET ${API}/releases?per_page=100`]: {
          headers: { link: `<${other.url}/next>; rel="next"` },
          body: [release('4.18.0')],
        },
      },
      { token: 's3cret' },
    );
    const error = await errorOf(github.listVersions());
    expect(error.code).toBe('GITHUB_UNEXPECTED');
    expect(elsewhere).toEqual([]);
  });

  test.each(['{+baseUrl}', '{baseUrl}', ''])(
    'is not sent to a host in a URL template: %j',
    async (prefix) => {
      const elsewhere: (string | undefined)[] = [];
      const other = await serve((request, response) => {
        elsewhere.push(request.headers.authorization);
        response.end('[]');
      });
      const link = `<${prefix}${other.url}/next>; rel="next"`;
      const { github } = await simulate(
        { [`GET ${API}/releases?per_page=100`]: { headers: { link }, body: [release('4.18.0')] } },
        { token: 's3cret' },
      );
      const error = await errorOf(github.listVersions());
      expect(error.code).toMatch(/^GITHUB_/);
      expect(elsewhere).toEqual([]);
    },
  );

  test.each(['notaurl', 'ftp://example.org', ''])(
    'is refused with an invalid API URL: %j',
    async (baseUrl) => {
      const error = await errorOf(createGithubSource({ baseUrl, token: 's3cret' }));
      expect(error.code).toBe('GITHUB_API_INVALID');
    },
  );

  test('is not sent without encryption', async () => {
    const error = await errorOf(
      createGithubSource({ baseUrl: 'http://github.example.org/api', token: 's3cret' }),
    );
    expect(error.code).toBe('GITHUB_INSECURE');
    expect(error.message).not.toContain('s3cret');
  });

  test.each([
    ['me:s3cret@', 'a user name and password'],
    ['s3cret@', 'a user name alone'],
  ])('is not sent without encryption as part of the URL: %s', async (login) => {
    const error = await errorOf(createGithubSource({ baseUrl: `http://${login}github.example.org/api` }));
    expect([error.code, error.exitCode]).toEqual(['GITHUB_INSECURE', 2]);
    expect(error.message).toContain('http://github.example.org is not encrypted');
    expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
  });
});

describe('a redirect', () => {
  const releases = `GET ${API}/releases?per_page=100`;

  test.each([301, 302, 303, 307, 308])('to another origin is refused, not followed: %i', async (status) => {
    const other = await serve((_, response) => response.end(JSON.stringify([release('9.9.9')])));
    const headers = { location: `${other.url}/next` };
    const { github } = await simulate({ [releases]: { status, headers } }, { token: 's3cret' });
    const error = await errorOf(github.listVersions());
    expect(error.code).toBe('GITHUB_UNEXPECTED');
    expect(error.message).toContain(`leads to ${other.url} instead of`);
    expect(other.requests).toEqual([]);
  });

  test('to another path is followed, with the token or the login of the URL', async () => {
    const moved = { [releases]: { status: 301, headers: { location: '/repositories/1/releases' } } };
    const answers = { ...moved, 'GET /repositories/1/releases': { body: [release('4.18.0')] } };
    const token = await simulate(answers, { token: 's3cret' });
    expect(await token.github.listVersions()).toEqual(['4.18.0']);
    expect(token.authorizations).toEqual(['token s3cret', 'token s3cret']);
    const { server, authorizations } = await simulate(answers);
    const baseUrl = server.url.replace('//', '//me:s3cret@');
    expect(await (await createGithubSource({ baseUrl })).listVersions()).toEqual(['4.18.0']);
    const basic = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
    expect(authorizations).toEqual([basic, basic]);
  });

  test.each([
    ['in a circle', 'BASE/repos/coturn/coturn/releases?per_page=100'],
    ['to an invalid URL', 'http://'],
  ])('%s is refused', async (_, location) => {
    const { github } = await simulate({ [releases]: { status: 302, headers: { location } } });
    expect((await errorOf(github.listVersions())).code).toBe('GITHUB_UNEXPECTED');
  });
});

describe('resolveTag', () => {
  const found = { tag: '4.18.0', commit: sha('c'), gitTree: sha('e') };

  test('returns commit, tree and tarball URL of a lightweight tag', async () => {
    const { github, server } = await simulate({
      ...ref('4.18.0', { type: 'commit', sha: sha('c') }),
      ...commit(sha('c'), sha('e')),
    });
    expect(await github.resolveTag('4.18.0')).toEqual({
      ...found,
      tarballUrl: `${server.url}${API}/tarball/${sha('c')}`,
    });
  });

  test('follows an annotated tag to its commit, through another tag, too', async () => {
    const { github } = await simulate({
      ...ref('4.18.0', { type: 'tag', sha: sha('a') }),
      [`GET ${API}/git/tags/${sha('a')}`]: { body: { object: { type: 'tag', sha: sha('b') } } },
      [`GET ${API}/git/tags/${sha('b')}`]: { body: { object: { type: 'commit', sha: sha('c') } } },
      ...commit(sha('c'), sha('e')),
    });
    expect(await github.resolveTag('4.18.0')).toMatchObject(found);
  });

  test('refuses a tag of an object that is not a commit', async () => {
    const { github } = await simulate(ref('4.18.0', { type: 'blob', sha: sha('c') }));
    expect((await errorOf(github.resolveTag('4.18.0'))).code).toBe('GITHUB_UNEXPECTED');
  });

  const withCommit = { type: 'commit', sha: sha('c') };
  test.each<[string, Parameters<typeof simulate>[0]]>([
    ['a web page', { [`GET ${API}/git/ref/tags%2F4.18.0`]: { body: '<html>Sign in</html>' } }],
    ['an empty object', { [`GET ${API}/git/ref/tags%2F4.18.0`]: { body: {} } }],
    ['a list', { [`GET ${API}/git/ref/tags%2F4.18.0`]: { body: [] } }],
    ['a commit that is not a hash', ref('4.18.0', { type: 'commit', sha: '../../main' })],
    [
      'a tag without an object',
      { ...ref('4.18.0', { type: 'tag', sha: sha('a') }), [`GET ${API}/git/tags/${sha('a')}`]: { body: {} } },
    ],
    [
      'a commit without a tree',
      { ...ref('4.18.0', withCommit), [`GET ${API}/git/commits/${sha('c')}`]: { body: {} } },
    ],
  ])('reports a response that does not match the API: %s', async (_, answers) => {
    const { github } = await simulate(answers);
    const { code, message } = await errorOf(github.resolveTag('4.18.0'));
    expect(code).toBe('GITHUB_UNEXPECTED');
    expect(message).toMatch(
      /^GitHub's response about coturn's (tag 4\.18\.0|commit c{40}) does not match the documented API$/,
    );
  });

  test.each([[[{ name: 'without a tag' }]], [[null]]])(
    'reports an invalid list of releases: %j',
    async (body) => {
      const { github } = await simulate({ [`GET ${API}/releases?per_page=100`]: { body } });
      expect((await errorOf(github.listVersions())).code).toBe('GITHUB_UNEXPECTED');
    },
  );

  test('returns a commit that the lock refuses if the tag has moved', async () => {
    const { github } = await simulate({
      [`GET ${API}/git/ref/tags%2F4.18.0`]: [
        { body: { object: { type: 'commit', sha: sha('c') } } },
        { body: { object: { type: 'commit', sha: sha('d') } } },
      ],
      ...commit(sha('c'), sha('e')),
      ...commit(sha('d'), sha('f')),
    });
    const source = async () => {
      const tag = await github.resolveTag('4.18.0');
      return { provider: 'github', sha256: '1'.repeat(64), tree: '2'.repeat(64), epoch: 1, ...tag };
    };
    const lock = pinSource({ schema: 1, sources: {} }, '4.18.0', await source());
    const moved = await source();
    expect((await errorOf(Promise.resolve().then(() => checkLock(lock, '4.18.0', moved)))).code).toBe(
      'SOURCE_TAG_MOVED',
    );
  });

  test('reports an unknown version for 404', async () => {
    const { github } = await simulate({
      [`GET ${API}/git/ref/tags%2F9.9.9`]: { status: 404, body: { message: 'Not Found' } },
    });
    const error = await errorOf(github.resolveTag('9.9.9'));
    expect(error.code).toBe('SOURCE_NOT_FOUND');
    expect(error.message).toContain('9.9.9');
  });
});

describe('a GitHub error', () => {
  const releases = `GET ${API}/releases?per_page=100`;
  const limited = {
    status: 403,
    headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1893456000' },
    body: { message: 'API rate limit exceeded' },
  };

  test('for the rate limit without a token names its reset time and GITHUB_TOKEN', async () => {
    const { github, authorizations } = await simulate({ [releases]: limited });
    const error = await errorOf(github.listVersions());
    expect(error.code).toBe('GITHUB_RATE_LIMITED');
    expect(error.message).toContain('2030-01-01T00:00:00.000Z');
    expect(error.hint).toContain('GITHUB_TOKEN');
    expect(authorizations).toEqual([undefined]);
  });

  test('for the rate limit omits an invalid reset time', async () => {
    const headers = { ...limited.headers, 'x-ratelimit-reset': '1e20' };
    const { github } = await simulate({ [releases]: { ...limited, headers } });
    const error = await errorOf(github.listVersions());
    expect(error.code).toBe('GITHUB_RATE_LIMITED');
    expect(error.message).toBe("GitHub's rate limit for this IP address is exhausted");
  });

  test('for the rate limit of a token does not reveal the token', async () => {
    const { github, authorizations } = await simulate(
      { [releases]: { ...limited, status: 429 } },
      { token: 's3cret' },
    );
    const error = await errorOf(github.listVersions());
    expect(error.code).toBe('GITHUB_RATE_LIMITED');
    expect(error.hint).not.toContain('GITHUB_TOKEN');
    expect(`${error.message} ${error.hint}`).not.toContain('s3cret');
    expect(authorizations).toEqual(['token s3cret']);
  });

  test.each([
    [401, 'GITHUB_TOKEN_INVALID'],
    [403, 'GITHUB_UNREACHABLE'],
    [500, 'GITHUB_UNREACHABLE'],
  ])('for status %i is %s', async (status, code) => {
    const { github } = await simulate({ [releases]: { status, body: { message: 'no' } } });
    expect((await errorOf(github.listVersions())).code).toBe(code);
  });

  test('for an unreachable server suggests the other providers', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const github = await createGithubSource({ baseUrl: `http://127.0.0.1:${port}` });
    const error = await errorOf(github.listVersions());
    expect(error.code).toBe('GITHUB_UNREACHABLE');
    expect(error.hint).toContain('--source debian');
    expect(error.hint).toContain('--source FILE');
  });

  test('for a cancelled request is INTERRUPTED', async () => {
    const cancel = new AbortController();
    cancel.abort();
    const { github } = await simulate({}, { signal: cancel.signal });
    expect(await errorOf(github.listVersions())).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
  });
});
