import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { COMMIT, coturnTar } from '../support/coturn-tree.ts';
import { sendFile, serve } from '../support/http-server.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const API = '/repos/coturn/coturn';
const TREE = 'e'.repeat(40);
const TOKEN = 's3cret';

interface Simulated {
  /** The tag's commit. */
  commit?: string;
  /** Status of the response for the tarball. */
  tarball?: number;
  token?: string;
}

/** GitHub's API with three releases, and `turnbuild source` that uses it. */
async function ask(args: string[], { commit = COMMIT, tarball = 200, token }: Simulated = {}) {
  const dir = temporaryFolder();
  const authorizations: Record<string, string | undefined> = {};
  const answers: Record<string, unknown> = {
    [`${API}/releases?per_page=100`]: ['4.17.0', '4.18.0', '4.17.1'].map((tag_name) => ({
      tag_name,
      draft: false,
      prerelease: false,
    })),
    [`${API}/git/ref/tags%2F4.18.0`]: { object: { type: 'commit', sha: commit } },
    [`${API}/git/commits/${commit}`]: { sha: commit, tree: { sha: TREE } },
  };
  const server = await serve((request, response) => {
    const url = request.url ?? '';
    authorizations[url] = request.headers.authorization;
    if (url === `${API}/tarball/${commit}`) {
      if (tarball === 200) return sendFile(response, gzipSync(coturnTar('4.18.0')));
      response.writeHead(tarball, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795000000' });
      return response.end();
    }
    response.writeHead(answers[url] === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answers[url] ?? { message: 'Not Found' }));
  });
  const files = ['--lock', join(dir, 'lock.json'), '--out', join(dir, 'dist')];
  const env = { GITHUB_API_URL: server.url, TURNBUILD_CACHE: join(dir, 'cache'), GITHUB_TOKEN: token ?? '' };
  const run = await turnbuild(['source', ...args, ...files], { env });
  return { run, dir, authorizations };
}

describe('turnbuild source from GitHub', () => {
  test('downloads the newest release, pins its commit and tree ID, and writes a normalised tarball', async () => {
    const { run, dir, authorizations } = await ask(['latest', '--update-lock', '--json']);
    expect(run.stderr).toBe(`Pinned coturn 4.18.0 in ${join(dir, 'lock.json')}\n`);
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ version: '4.18.0', provider: 'github', commit: COMMIT });
    const { sources } = JSON.parse(readFileSync(join(dir, 'lock.json'), 'utf8'));
    expect(sources['4.18.0']).toMatchObject({ commit: COMMIT, gitTree: TREE });
    expect(existsSync(join(dir, 'dist/4.18.0/work/source/coturn-4.18.0.tar'))).toBe(true);
    expect(new Set(Object.values(authorizations))).toEqual(new Set([undefined]));
  });

  test.each(['v4.18.0', 'V4.18.0', '^v4.17.0'])('accepts the leading v in %s', async (word) => {
    const { run } = await ask([word, '--update-lock', '--json']);
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ version: '4.18.0' });
  });

  test('sends the token with every request, including the tarball, and never prints it', async () => {
    const { run, authorizations } = await ask(['^4.17.0', '--update-lock', '--json'], { token: TOKEN });
    expect(run.code, run.stderr).toBe(0);
    expect(Object.values(authorizations)).toHaveLength(4);
    for (const value of Object.values(authorizations)) expect(value).toMatch(new RegExp(` ${TOKEN}$`));
    expect(run.stdout + run.stderr).not.toContain(TOKEN);
  });

  test('accepts a token with a trailing newline, as read from a file', async () => {
    const { run, authorizations } = await ask(['4.18.0', '--update-lock', '--json'], { token: `${TOKEN}\n` });
    expect(run.code, run.stderr).toBe(0);
    for (const value of Object.values(authorizations)) expect(value).toMatch(new RegExp(` ${TOKEN}$`));
  });

  test.each([`${TOKEN}\nmore`, `${TOKEN}\n\n`, `a ${TOKEN}`, `${TOKEN}\u00e9`, `${TOKEN}\u001b[2J`])(
    'refuses a malformed token without printing it: %j',
    async (token) => {
      const { run, authorizations } = await ask(['4.18.0', '--update-lock'], { token });
      expect(run.stderr).toMatch(
        /GITHUB_TOKEN contains a space, a line break or a non-ASCII character[\s\S]*\[GITHUB_TOKEN_MALFORMED\]/,
      );
      expect(run.code).toBe(2);
      expect(run.stdout + run.stderr).not.toMatch(/s3cret|more/);
      expect(authorizations).toEqual({});
    },
  );

  test.each([
    [undefined, /GITHUB_TOKEN/],
    [TOKEN, /Wait until the limit resets/],
  ])('reports when the rate limit for the tarball resets and what helps (token: %s)', async (token, hint) => {
    const simulated = token === undefined ? { tarball: 403 } : { tarball: 403, token };
    const { run, dir } = await ask(['4.18.0', '--update-lock'], simulated);
    expect(run.stderr).toMatch(/the rate limit is exhausted until 2026-11-18T/);
    expect(run.stderr).toMatch(hint);
    expect(run.stderr).toMatch(/GITHUB_RATE_LIMITED/);
    expect(run.code).toBe(1);
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
  });

  test('refuses a tarball of a different commit than the tag', async () => {
    const { run, dir } = await ask(['4.18.0', '--update-lock'], { commit: 'a'.repeat(40) });
    expect(run.stderr).toMatch(
      /the tarball is of commit .*, but the tag resolved to aaaa[\s\S]*SOURCE_TREE_MISMATCH/,
    );
    expect(run.code).toBe(1);
    expect(existsSync(join(dir, 'dist'))).toBe(false);
  });
});
