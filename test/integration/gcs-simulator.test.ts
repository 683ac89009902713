import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Storage, type StorageOptions } from '@google-cloud/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openGcs } from '../../src/io/bucket/gcs.ts';
import { sha256Bytes } from '../../src/io/files.ts';
import { TOKEN } from '../support/gcs/bucket.ts';
import { crc32c } from '../support/gcs/crc32c.ts';
import { type GcsOptions, startGcs } from '../support/gcs/simulator.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const CHUNK = 256 * 1024;

/** The official client has an older google-auth-library of its own. */
const { resolve } = createRequire(import.meta.url);
const { OAuth2Client } = createRequire(resolve('@google-cloud/storage'))('google-auth-library') as {
  OAuth2Client: new () => NonNullable<StorageOptions['authClient']> & { setCredentials(given: object): void };
};

/** Google's own client of the simulator. */
async function official(options: GcsOptions = {}) {
  const gcs = await startGcs({
    permissions: ['buckets.get', 'objects.get', 'objects.list', 'objects.create', 'objects.delete'].map(
      (name) => `storage.${name}`,
    ),
    ...options,
  });
  onTestFinished(() => gcs.stop());
  gcs.tokens.issued.add(TOKEN);
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: TOKEN, expiry_date: Date.now() + 3_600_000 });
  const storage = new Storage({
    apiEndpoint: gcs.url,
    useAuthWithCustomEndpoint: true,
    authClient,
    projectId: 'example',
  });
  return { gcs, bucket: storage.bucket('packages') };
}

describe('the simulator of Cloud Storage, with the official client', () => {
  it('has the bucket, and no other', async () => {
    const { gcs, bucket } = await official();
    expect(await bucket.exists()).toEqual([true]);
    expect(await bucket.storage.bucket('others').exists()).toEqual([false]);
    expect(gcs.violations).toEqual([]);
  });

  it('stores, describes, lists, reads and deletes, and both clients check the digests', async () => {
    const { gcs, bucket } = await official({ pageSize: 2 });
    for (const name of ['a/x +~', 'a/y', 'a/z', 'b'])
      await bucket.file(name).save(`content of ${name}`, {
        resumable: false,
        validation: name === 'b' ? 'md5' : 'crc32c',
        metadata: { cacheControl: 'no-cache', contentType: 'text/plain', metadata: { sha256: 'x' } },
      });
    const [files] = await bucket.getFiles({ prefix: 'a/' });
    expect(files.map(({ name }) => name)).toEqual(['a/x +~', 'a/y', 'a/z']);
    const [, , page] = await bucket.getFiles({ delimiter: '/', autoPaginate: false });
    expect(page).toMatchObject({ prefixes: ['a/'] });
    const [metadata] = await bucket.file('a/x +~').getMetadata();
    expect(metadata).toMatchObject({
      name: 'a/x +~',
      size: '17',
      contentType: 'text/plain',
      cacheControl: 'no-cache',
      metadata: { sha256: 'x' },
    });
    const [content] = await bucket.file('a/x +~').download({ validation: 'crc32c' });
    expect(String(content)).toBe('content of a/x +~');
    await bucket.file('a/y').delete();
    expect(await bucket.file('a/y').exists()).toEqual([false]);
    await expect(bucket.file('a/y').delete()).rejects.toMatchObject({ code: 404 });
    expect(gcs.violations).toEqual([]);
  });

  it('lets everyone read what is there, and does not say what is missing', async () => {
    const { gcs, bucket } = await official();
    await bucket.file('file').save('content', { resumable: false });
    const status = async (name: string) => (await fetch(`${gcs.url}/packages/${name}`)).status;
    expect([await status('file'), await status('none')]).toEqual([200, 403]);
  });

  it('enforces generations', async () => {
    const { gcs, bucket } = await official();
    const save = (ifGenerationMatch: number | string) =>
      bucket.file('file').save('content', {
        resumable: false,
        preconditionOpts: { ifGenerationMatch: ifGenerationMatch as number },
      });
    await save(0);
    await expect(save(0)).rejects.toMatchObject({ code: 412 });
    const [{ generation = '' }] = await bucket.file('file').getMetadata();
    await save(generation);
    await expect(save(generation)).rejects.toMatchObject({ code: 412 });
    await expect(
      bucket.file('file').delete({ ifGenerationMatch: generation as number }),
    ).rejects.toMatchObject({ code: 412 });
    expect(gcs.violations).toEqual([]);
  });

  it('takes resumable uploads, in one request and in chunks, with lost connections', async () => {
    const content = randomBytes(3 * CHUNK + 5);
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, content);
    let uploads = 0;
    const { gcs, bucket } = await official({
      // For these, the official client sends no token to another endpoint, whatever `useAuthWithCustomEndpoint` says.
      isAnonymous: true,
      fault: ({ operation }) => (operation === 'upload' && ++uploads === 3 ? 'reset-before' : undefined),
    });
    // It repeats only what has a condition.
    const options = { resumable: true, preconditionOpts: { ifGenerationMatch: 0 } };
    await bucket.upload(file, { destination: 'whole', ...options });
    await bucket.upload(file, { destination: 'chunks', chunkSize: CHUNK, ...options });
    for (const name of ['whole', 'chunks'])
      expect(sha256Bytes(gcs.objects.get(name)?.bytes ?? '')).toBe(sha256Bytes(content));
    // One, then four, one again, and a status query.
    expect(uploads).toBe(7);
    expect(gcs.violations).toEqual([]);
  });

  it('is the same bucket for our client', async () => {
    const { gcs, bucket } = await official();
    const own = await openGcs('packages', '', {
      endpoint: gcs.url,
      authorize: async () => ({ authorization: `Bearer ${TOKEN}` }),
      chunkBytes: CHUNK,
    });
    const content = randomBytes(CHUNK + 1);
    await own.put('own +~', { bytes: content }, { contentType: 'a/b', cacheControl: 'no-store' }, 'absent');
    const [read] = await bucket.file('own +~').download({ validation: 'md5' });
    expect(sha256Bytes(read)).toBe(sha256Bytes(content));
    expect((await bucket.file('own +~').getMetadata())[0]).toMatchObject({
      contentType: 'a/b',
      cacheControl: 'no-store',
      metadata: { sha256: sha256Bytes(content) },
    });
    await bucket.file('theirs').save('content', { resumable: false });
    expect(String((await own.get('theirs', 7))?.bytes)).toBe('content');
    expect(await own.head('theirs')).toMatchObject({ size: 7, sha256: undefined });
    expect((await own.list('')).sort()).toEqual(['own +~', 'theirs']);
  });
});

describe('the simulator of Cloud Storage refuses', () => {
  const json = { 'content-type': 'application/json' };
  const session = { ...json, 'x-upload-content-length': String(2 * CHUNK) };
  async function asked(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string | Buffer,
  ) {
    const { gcs } = await official();
    const authorization = `Bearer ${TOKEN}`;
    const open = await fetch(`${gcs.url}/upload/storage/v1/b/packages/o?uploadType=resumable&name=x`, {
      method: 'POST',
      headers: { authorization, ...session },
      body: '{}',
    });
    const url = path === 'SESSION' ? (open.headers.get('location') ?? '') : `${gcs.url}${path}`;
    const response = await fetch(url, {
      method,
      headers: { authorization, ...headers },
      ...(body === undefined ? {} : { body: body as string }),
    });
    const text = await response.text();
    return { status: response.status, text, violations: gcs.violations.length };
  }
  const OBJECTS = '/storage/v1/b/packages/o';
  const INSERT = `/upload${OBJECTS}?uploadType=resumable&name=x`;

  it.each<[string, string, string, Record<string, string>?, (string | Buffer)?]>([
    ['an unknown path', 'GET', '/storage/v1/b/packages/acl'],
    ['another method', 'PATCH', `${OBJECTS}/x`],
    ['an unknown parameter', 'GET', `${OBJECTS}?banana=1`],
    ['a repeated parameter', 'GET', `${OBJECTS}?prefix=a&prefix=b`],
    ['an unknown field', 'GET', `${OBJECTS}?fields=banana`],
    ['a plus sign in a path', 'GET', `${OBJECTS}/a+b`],
    ['an unknown field of a body', 'POST', INSERT, json, '{"banana":1}'],
    ['a field of another type', 'POST', INSERT, json, '{"metadata":{"a":1}}'],
    ['an upload without a name', 'POST', `/upload${OBJECTS}?uploadType=resumable`, json, '{}'],
    [
      'a chunk that is not a multiple',
      'PUT',
      'SESSION',
      { 'content-range': `bytes 0-999/${2 * CHUNK}` },
      Buffer.alloc(1000),
    ],
    [
      'a chunk at another place',
      'PUT',
      'SESSION',
      { 'content-range': `bytes ${CHUNK}-${2 * CHUNK - 1}/${2 * CHUNK}` },
      Buffer.alloc(CHUNK),
    ],
    [
      'a chunk with another length',
      'PUT',
      'SESSION',
      { 'content-range': `bytes 0-${CHUNK - 1}/${2 * CHUNK}` },
      Buffer.alloc(CHUNK - 1),
    ],
    [
      'another size than was announced',
      'PUT',
      'SESSION',
      { 'content-range': `bytes 0-${CHUNK - 1}/${3 * CHUNK}` },
      Buffer.alloc(CHUNK),
    ],
    [
      'half a multipart body',
      'POST',
      `/upload${OBJECTS}?uploadType=multipart&name=x`,
      { 'content-type': 'multipart/related; boundary=b' },
      '--b\r\ncontent-type: application/json\r\n\r\n{}\r\n',
    ],
  ])('%s', async (_, method, path, headers = {}, body) => {
    const { status, violations } = await asked(method, path, headers, body);
    expect([status >= 400 && status < 500, violations]).toEqual([true, 1]);
  });

  it('a request without a token, and wrong digests', async () => {
    const { status } = await asked('GET', OBJECTS, { authorization: 'Bearer other' });
    expect(status).toBe(401);
    for (const [field, words] of [
      ['md5Hash', 'MD5 hash'],
      ['crc32c', 'CRC32C'],
    ]) {
      const parts = [`{"name":"x","${field}":"AAAA"}`, 'content'].map(
        (part, index) =>
          `--b\r\ncontent-type: ${index === 0 ? 'application/json' : 'a/b'}\r\n\r\n${part}\r\n`,
      );
      const type = { 'content-type': 'multipart/related; boundary=b' };
      const found = await asked(
        'POST',
        `/upload${OBJECTS}?uploadType=multipart`,
        type,
        `${parts.join('')}--b--`,
      );
      expect([found.status, found.text.includes(`${words} \\"AAAA\\" doesn't match`)]).toEqual([400, true]);
    }
  });

  it('knows CRC-32C', () => {
    // The check value of the CRC catalogue.
    expect(crc32c(Buffer.from('123456789'))).toBe(Buffer.from('e3069283', 'hex').toString('base64'));
  });
});
