import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runProcess } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import { cachedPackage, fetchExtraPackages, parseExtraPackage } from '../../src/run/extra-packages.ts';
import { debOf } from '../support/deb-builder.ts';
import { createSigningKey, type SigningKey } from '../support/debian-mirror.ts';
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

describe('--extra-package-key', () => {
  let key: SigningKey;
  beforeAll(() => {
    key = createSigningKey();
  });
  afterAll(() => key.remove());

  /** A package with this signature beside it, and a fetcher that requires one by the key. */
  function signed(signature: Buffer | undefined, keys: string | Buffer = key.armored) {
    const { file, cache, option } = place(AGENT);
    if (signature !== undefined) writeFileSync(`${file}.sig`, signature);
    const extraPackageKey = join(dirname(file), 'vendor.asc');
    writeFileSync(extraPackageKey, keys);
    const io = createIo(runProcess, new AbortController().signal);
    const fetch = (extraPackage = [option]) =>
      fetchExtraPackages({ options: { extraPackage, extraPackageKey }, io, cache }, ['x86_64']);
    return { file, cache, fetch };
  }

  it('takes a package that was signed with the key, armored or not', async () => {
    const signature = key.sign(AGENT);
    expect(await signed(signature).fetch()).toMatchObject([{ name: 'amazon-ssm-agent' }]);
    expect(await signed(signature, readFileSync(key.keyring)).fetch()).toHaveLength(1);
  });

  it('downloads the signature beside the package', async () => {
    const signature = key.sign(AGENT);
    const server = await serve(({ url }, response) =>
      sendFile(response, url?.endsWith('.sig') ? signature : AGENT),
    );
    const { fetch } = signed(undefined);
    await fetch([`${server.url}/agent.deb@sha256:${digest(AGENT)}`]);
    expect(server.requests).toEqual(['GET /agent.deb', 'GET /agent.deb.sig']);
  });

  it.each([
    ['a signature of another file', () => signed(key.sign(Buffer.from('other'))), 'BAD signature'],
    [
      'a forgeable hash',
      () => signed(key.sign(AGENT, ['--digest-algo', 'SHA1'])),
      'is not signed by a key in',
    ],
    ['no signature at all', () => signed(Buffer.from('no')), 'is not signed by a key in'],
    ['a file without keys', () => signed(key.sign(AGENT), 'no'), 'is not signed by a key in'],
  ])('refuses %s, and leaves nothing of it', async (_, make, message) => {
    const { cache, fetch } = make();
    await expect(fetch()).rejects.toMatchObject({
      code: 'PACKAGE_SIGNATURE_INVALID',
      message: expect.stringContaining(message),
    });
    expect(readdirSync(join(cache, 'packages')).filter((name) => /\.(sig|gpg|part)$/.test(name))).toEqual([]);
  });

  it("refuses another vendor's key", async () => {
    const other = createSigningKey();
    onTestFinished(() => other.remove());
    await expect(signed(other.sign(AGENT)).fetch()).rejects.toMatchObject({
      code: 'PACKAGE_SIGNATURE_INVALID',
    });
  });

  it('refuses a missing signature, a missing key, and a key without packages', async () => {
    await expect(signed(undefined).fetch()).rejects.toMatchObject({ code: 'PACKAGE_SIGNATURE_MISSING' });
    const { file, fetch } = signed(key.sign(AGENT));
    await expect(fetch([])).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    rmSync(join(dirname(file), 'vendor.asc'));
    await expect(fetch()).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });
});
