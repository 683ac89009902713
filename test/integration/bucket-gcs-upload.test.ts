import { randomBytes } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GcsSettings } from '../../src/io/bucket/gcs.ts';
import { sha256Bytes } from '../../src/io/files.ts';
import { ATTRIBUTES, simulatedBucket, TOKEN } from '../support/gcs/bucket.ts';
import type { Call, Fault } from '../support/gcs/faults.ts';
import type { GcsOptions } from '../support/gcs/simulator.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const UNIT = 256 * 1024;
const CHUNK = 4 * UNIT;

/** A file of four and a half chunks, and a bucket that takes it in chunks. */
async function prepare(
  options: GcsOptions = {},
  size = 4 * CHUNK + CHUNK / 2 + 7,
  settings: GcsSettings = {},
) {
  const { gcs, bucket } = await simulatedBucket(options, { chunkBytes: CHUNK, ...settings });
  const file = join(temporaryFolder(), 'package.deb');
  const content = randomBytes(size);
  writeFileSync(file, content);
  const put = () => bucket.put('package.deb', { file, sha256: sha256Bytes(content) }, ATTRIBUTES, 'absent');
  const uploads = () => gcs.calls.filter(({ operation }) => operation === 'upload');
  const stored = () => sha256Bytes(gcs.objects.get('coturn/package.deb')?.bytes ?? '');
  return { gcs, bucket, file, content, put, uploads, stored, sha256: sha256Bytes(content), size };
}

/** Plants faults in the uploads with these numbers, from 1. */
const planting = (faults: Readonly<Record<number, Fault>>): GcsOptions => {
  let count = 0;
  return { fault: ({ operation }) => (operation === 'upload' ? faults[++count] : undefined) };
};
const bytesOf = (calls: readonly Call[]) => calls.reduce((sum, { received }) => sum + received, 0);

describe('an upload in chunks', () => {
  it('sends each byte once, and no token with them', async () => {
    const { gcs, put, uploads, stored, sha256, size } = await prepare();
    expect(await put()).toMatch(/^\d+$/);
    expect(stored()).toBe(sha256);
    expect(gcs.objects.get('coturn/package.deb')?.resource).toMatchObject({
      ...ATTRIBUTES,
      metadata: { sha256 },
    });
    expect(uploads().map(({ received }) => received)).toEqual([...Array(4).fill(CHUNK), CHUNK / 2 + 7]);
    expect(bytesOf(uploads())).toBe(size);
    expect(uploads().some(({ hasToken }) => hasToken)).toBe(false);
  });

  it('sends contents of exactly one chunk at once, and one byte more in two', async () => {
    for (const [size, sent] of [
      [CHUNK, []],
      [CHUNK + 1, [CHUNK, 1]],
      [2 * CHUNK, [CHUNK, CHUNK]],
    ] as const) {
      const { put, uploads, stored, sha256 } = await prepare({}, size);
      expect(await put()).toMatch(/^\d+$/);
      expect([stored(), uploads().map(({ received }) => received)]).toEqual([sha256, sent]);
    }
  });

  const faults: [string, Fault, number][] = [
    ['a connection lost before a chunk arrived', 'reset-before', CHUNK],
    ['a connection lost within a chunk', 'reset-within', CHUNK / 2],
    ['a lost answer to a chunk', 'reset-after', 0],
    ['a 503 instead of a chunk', { status: 503 }, CHUNK],
    ['a 503 after a chunk', { status: 503, after: true }, 0],
    ['a 429', { status: 429, retryAfter: '0' }, CHUNK],
  ];
  it.each(faults)('continues after %s where the service says', async (_, fault, again) => {
    const { put, uploads, stored, sha256, size } = await prepare(planting({ 3: fault }));
    expect(await put()).toMatch(/^\d+$/);
    expect(stored()).toBe(sha256);
    // Within a chunk, half of it arrived before the connection was lost, and the service kept that.
    const arrived = fault === 'reset-within' ? size : size + again;
    expect(bytesOf(uploads())).toBeLessThanOrEqual(arrived + CHUNK);
    expect(bytesOf(uploads())).toBeGreaterThanOrEqual(arrived);
    expect(bytesOf(uploads()) - size).toBeLessThanOrEqual(CHUNK);
    const [, , , query] = uploads();
    expect([query?.contentRange, query?.received]).toEqual([`bytes */${size}`, 0]);
  });

  it('continues after the first and the last chunk, and during a status query', async () => {
    const { put, uploads, stored, sha256, size } = await prepare(
      planting({ 1: 'reset-before', 2: { status: 500 }, 3: 'reset-before', 9: 'reset-after' }),
    );
    expect(await put()).toMatch(/^\d+$/);
    expect(stored()).toBe(sha256);
    expect(bytesOf(uploads())).toBe(size + CHUNK);
    // The last answer was lost, so the query found the finished object.
    expect(uploads().at(-1)?.contentRange).toBe(`bytes */${size}`);
  });

  it('starts again if the session is lost', async () => {
    for (const status of [404, 410]) {
      const { gcs, put, stored, sha256 } = await prepare(planting({ 3: { status } }));
      expect(await put()).toMatch(/^\d+$/);
      expect(stored()).toBe(sha256);
      expect(gcs.sessions.size).toBe(2);
    }
  });

  it('starts again if the content arrives damaged', async () => {
    const { gcs, put, stored, sha256 } = await prepare(planting({ 2: 'damaged' }));
    expect(await put()).toMatch(/^\d+$/);
    expect(stored()).toBe(sha256);
    expect(gcs.sessions.size).toBe(2);
  });

  it('sends a chunk again that the service did not store', async () => {
    const { put, uploads, stored, sha256, size } = await prepare(planting({ 1: { status: 308 } }));
    expect(await put()).toMatch(/^\d+$/);
    expect([stored(), bytesOf(uploads())]).toEqual([sha256, size + CHUNK]);
  });

  it('asks again if everything is stored, but the object is not there yet', async () => {
    const range = `bytes=0-${4 * CHUNK + CHUNK / 2 + 6}`;
    const { gcs, put, uploads, stored, sha256, size } = await prepare(
      planting({ 5: { status: 308, range, after: true }, 6: { status: 308, range } }),
    );
    expect(await put()).toMatch(/^\d+$/);
    expect([stored(), bytesOf(uploads()), gcs.sessions.size]).toEqual([sha256, size, 1]);
  });

  it.each([
    ['less than before', { status: 308 }],
    ['more than was sent', { status: 308, range: `bytes=0-${4 * CHUNK}` }],
    ['another part', { status: 308, range: `bytes=5-${3 * CHUNK}` }],
  ])('starts again if the service confirms %s', async (_, fault) => {
    const { gcs, put, stored, sha256 } = await prepare(planting({ 3: fault }));
    expect(await put()).toMatch(/^\d+$/);
    expect([stored(), gcs.sessions.size]).toEqual([sha256, 2]);
  });

  it('ends if the service stores nothing', async () => {
    const { put, uploads } = await prepare({
      fault: ({ operation }) => (operation === 'upload' ? { status: 308 } : undefined),
    });
    const { code, message } = await errorOf(put());
    expect([code, message]).toEqual([
      'STORE_FAILED',
      'Cannot store package.deb in gs://packages/coturn: the service stores nothing',
    ]);
    expect(uploads().length).toBe(7);
  });

  it('checks the condition when it begins and when it ends', async () => {
    const { gcs, bucket, put, uploads } = await prepare();
    await bucket.put('package.deb', { bytes: Buffer.from('other') }, ATTRIBUTES, 'absent');
    expect(await put()).toBeUndefined();
    expect(uploads()).toEqual([]);
    const other = gcs.objects.get('coturn/package.deb');
    gcs.objects.clear();
    const late = await prepare({
      fault: ({ contentRange }) => {
        if (contentRange?.startsWith('bytes 0-') && other !== undefined)
          late.gcs.objects.set('coturn/package.deb', other);
        return undefined;
      },
    });
    expect(await late.put()).toBeUndefined();
    expect(String(late.gcs.objects.get('coturn/package.deb')?.bytes)).toBe('other');
  });

  it('ends if no attempt makes progress', async () => {
    const { gcs, put, uploads } = await prepare({
      fault: ({ contentRange }) => (contentRange?.startsWith('bytes 0-') ? 'reset-before' : undefined),
    });
    const error = await errorOf(put());
    expect([error.code, error.message]).toEqual([
      'STORE_UNREACHABLE',
      `Cannot store package.deb in gs://packages/coturn: the connection was lost (${new URL(gcs.url).host})`,
    ]);
    expect(uploads().length).toBeLessThan(20);
  });

  it('notices that the file becomes shorter', async () => {
    const { file, put, gcs, uploads } = await prepare({
      fault: ({ operation }) => {
        if (operation === 'upload') truncateSync(file, CHUNK);
        return undefined;
      },
    });
    await expect(put()).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    expect([gcs.objects.size, gcs.sessions.size, uploads().length]).toEqual([0, 1, 1]);
  });

  it('has a session URI that is in no error', async () => {
    const ends: Fault[] = [
      'reset-before',
      { status: 400 },
      { status: 403 },
      { status: 500 },
      'silence-before',
    ];
    for (const fault of ends) {
      const planted = await prepare(
        {
          fault: ({ operation, contentRange }) =>
            operation !== 'upload' ? undefined : contentRange?.startsWith('bytes *') ? fault : 'reset-before',
        },
        CHUNK + 1,
        { stallMs: 100, attempts: 2 },
      );
      const error = await planted.put().catch((found: unknown) => found);
      const id = [...planted.gcs.sessions.keys()][0] ?? 'none';
      expect(id.length).toBeGreaterThan(100);
      const shown = everythingIn(error);
      expect(shown).toContain('package.deb');
      for (const secret of [id, 'upload_id', TOKEN]) expect(shown).not.toContain(secret);
    }
  });

  it('removes secrets from what the service says', async () => {
    const message = `Session http://127.0.0.1/upload?upload_id=${'x'.repeat(60)} of Bearer ${TOKEN} is invalid`;
    const { put } = await prepare(planting({ 2: { status: 400, message } }));
    const shown = everythingIn(await put().catch((found: unknown) => found));
    expect(shown).toContain('is invalid');
    for (const secret of ['xxxx', TOKEN]) expect(shown).not.toContain(secret);
  });
});

/** All texts of an error: its properties, even hidden ones, and those of its causes. */
function everythingIn(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  return Reflect.ownKeys(value)
    .map((key) => everythingIn(Reflect.get(value, key), seen))
    .join('\n');
}
