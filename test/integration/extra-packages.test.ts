import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import { cachedPackage, fetchExtraPackages, parseExtraPackage } from '../../src/run/extra-packages.ts';
import { debOf } from '../support/deb-builder.ts';
import { sendFile, serve } from '../support/http-server.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const control = (architecture: string, name = 'amazon-ssm-agent') =>
  `Package: ${name}\nVersion: 3.3.1\nArchitecture: ${architecture}\n`;
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const AGENT = debOf(control('amd64'));

/** A folder with a file, the option that names it, and the fetcher. */
function place(bytes: Buffer, sha256 = digest(bytes)) {
  const dir = temporaryFolder();
  const file = join(dir, 'agent.deb');
  writeFileSync(file, bytes);
  const cache = join(dir, 'cache');
  const io = createIo(runProcess, new AbortController().signal);
  const fetch = (...extraPackage: string[]) =>
    fetchExtraPackages({ options: { extraPackage }, io, cache }, ['x86_64']);
  return { file, cache, option: `${file}@sha256:${sha256}`, fetch };
}

describe('--extra-package', () => {
  it('takes a file with its hash into the cache', async () => {
    const { cache, option, fetch } = place(AGENT);
    const sha256 = digest(AGENT);
    expect(await fetch(option)).toEqual([
      { name: 'amazon-ssm-agent', version: '3.3.1', architecture: 'amd64', sha256 },
    ]);
    expect(existsSync(cachedPackage(cache, sha256))).toBe(true);
  });

  it('downloads a URL once', async () => {
    const server = await serve((_, response) => sendFile(response, AGENT));
    const { fetch } = place(AGENT);
    const option = `${server.url}/agent.deb@sha256:${digest(AGENT).toUpperCase()}`;
    await fetch(option);
    expect(await fetch(option)).toMatchObject([{ name: 'amazon-ssm-agent' }]);
    expect(server.requests).toEqual(['GET /agent.deb']);
  });

  it.each([
    ['another file', AGENT, 'PACKAGE_SHA256_MISMATCH', `expected ${'a'.repeat(64)}`],
    ['a package of another architecture', debOf(control('arm64')), 'PACKAGE_FOREIGN', 'for arm64, but'],
    ['a file that is not a package', Buffer.from('no'), 'DEB_INVALID', 'agent.deb is not a valid Debian'],
    ['another coturn', debOf(control('amd64', 'coturn')), 'OPTION_INVALID', 'is coturn'],
  ])('refuses %s', async (_, bytes, code, message) => {
    const wrong = code === 'PACKAGE_SHA256_MISMATCH' ? 'a'.repeat(64) : undefined;
    const { option, fetch, cache } = place(bytes, wrong);
    await expect(fetch(option)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    const left = existsSync(cache) ? readdirSync(cache, { recursive: true }).map(String) : [];
    expect(left.filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('refuses another file from a URL', async () => {
    const server = await serve((_, response) => sendFile(response, AGENT));
    const { fetch, cache } = place(AGENT);
    const sha256 = 'b'.repeat(64);
    await expect(fetch(`${server.url}/agent.deb@sha256:${sha256}`)).rejects.toMatchObject({
      code: 'PACKAGE_SHA256_MISMATCH',
      message: expect.stringContaining(`expected ${sha256}`),
    });
    expect(existsSync(cachedPackage(cache, sha256))).toBe(false);
  });

  it('refuses a missing file, and the same package twice', async () => {
    const { option, fetch } = place(AGENT);
    await expect(fetch(`/nowhere/x.deb@sha256:${'c'.repeat(64)}`)).rejects.toMatchObject({
      code: 'DEB_NOT_FOUND',
    });
    await expect(fetch(option, option)).rejects.toMatchObject({ message: expect.stringContaining('twice') });
  });

  it('accepts a package for all architectures', async () => {
    const { option, fetch } = place(debOf(control('all')));
    expect(await fetch(option)).toMatchObject([{ architecture: 'all' }]);
  });

  it.each(['agent.deb', 'agent.deb@sha256:abc', '@sha256:', `agent.deb@md5:${'a'.repeat(64)}`])(
    'needs a hash: %s',
    (word) => {
      expect(() => parseExtraPackage(word)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    },
  );
});
