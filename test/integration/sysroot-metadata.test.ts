import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readRepositoryState } from '../../src/io/archive-state.ts';
import { serve } from '../support/http-server.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const SCRIPT = fileURLToPath(new URL('../../recipes/docker/sysroot/metadata.sh', import.meta.url));
const repomd = (hash: string) => `<?xml version="1.0"?>
<repomd><revision>1790000000</revision>
  <data type="primary">
    <checksum type="sha256">${hash}</checksum><open-checksum type="sha256">${'e'.repeat(64)}</open-checksum>
  </data>
  <data type="filelists"><checksum type="sha256">${'f'.repeat(64)}</checksum></data>
</repomd>
`;

/** The metadata that turnbuild read from two repositories, and dnf's cache with the same or with other metadata. */
async function prepare(shown: { first?: string; second?: string } = {}) {
  const texts: Record<string, string> = { first: repomd('a'.repeat(64)), second: repomd('b'.repeat(64)) };
  const server = await serve((request, response) => response.end(texts[request.url?.split('/')[1] ?? '']));
  const addresses = ['first', 'second'].map((name) => `${server.url}/${name}`);
  const { metadata = [] } = await readRepositoryState(addresses, { cacheDir: temporaryFolder(), retries: 0 });
  const cache = temporaryFolder();
  for (const [index, name] of (['first', 'second'] as const).entries()) {
    const text = shown[name] ?? texts[name] ?? '';
    const dir = join(cache, `repository-${index + 1}-0123456789abcdef`, 'repodata');
    mkdirSync(dir, { recursive: true });
    if (text !== 'none') writeFileSync(join(dir, 'repomd.xml'), text);
  }
  const env = { SYSROOT_REPOSITORIES: addresses.join(' '), SYSROOT_METADATA: metadata.join(' ') };
  return { env, cache, addresses };
}

const run = (command: string, env: Record<string, string>) =>
  spawnSync('sh', ['-euc', `fail() { echo "$1: $2"; exit 1; }; . ${SCRIPT}; ${command}`], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
  });

describe('check_metadata', () => {
  test('accepts the metadata that turnbuild has read', async () => {
    const { env, cache } = await prepare();
    const { status, stdout, stderr } = run(`check_metadata /nowhere ${cache}`, env);
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });

  test.each(['first', 'second'] as const)('refuses different metadata of the %s repository', async (name) => {
    const { env, cache } = await prepare({ [name]: repomd('c'.repeat(64)) });
    const { status, stdout } = run(`check_metadata ${cache}`, env);
    // The message has the repository's number, because its URL may contain a password.
    const number = name === 'first' ? 1 : 2;
    expect(stdout).toBe(
      `REPOSITORY_CHANGED: repository ${number} gave dnf a different repomd.xml than turnbuild\n`,
    );
    expect(status).toBe(1);
  });

  test('refuses metadata that is missing in the cache of dnf or from turnbuild', async () => {
    const { env, cache } = await prepare({ second: 'none' });
    expect(run(`check_metadata ${cache}`, env).stdout).toMatch(
      /^SYSROOT_FAILED: dnf's cache has no repomd.xml of repository 2/,
    );
    const other = await prepare();
    const without = run(`check_metadata ${other.cache}`, { ...other.env, SYSROOT_METADATA: '' });
    expect(without.stdout).toMatch(/^REPOSITORY_CHANGED/);
  });
});

test('signed prints 1 for repositories that the recipe declares as signed', () => {
  const signed = (env: Record<string, string>) => run('signed 1; signed 2; signed 3', env).stdout;
  expect(signed({})).toBe('0\n0\n0\n');
  expect(signed({ SYSROOT_SIGNED: '0 1 0' })).toBe('0\n1\n0\n');
});
