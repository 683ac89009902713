import { describe, expect, it } from 'vitest';
import { bucketStore } from '../../../../src/io/bucket/bucket-store.ts';
import { LOCK_KEY } from '../../../../src/io/bucket/lease.ts';
import { sha256Text } from '../../../../src/io/files.ts';
import { memoryBucket } from '../../../support/memory-bucket.ts';

const content = (text: string) => ({ bytes: Buffer.from(text), sha256: sha256Text(text) });
const waiting = { signal: new AbortController().signal, tell: () => {} };

describe('a store in a bucket', () => {
  it.each([true, false])('creates a file once (conditions: %s)', async (hasConditions) => {
    const bucket = memoryBucket({ hasConditions });
    const store = bucketStore(bucket);
    expect(await store.create('a', content('first'))).toBe(true);
    expect(await store.create('a', content('second'))).toBe(false);
    expect(String(await store.read('a', 10))).toBe('first');
  });

  it('recognises a file that a lost attempt has created', async () => {
    const bucket = memoryBucket();
    let lost = false;
    bucket.losesAnswer = () => {
      lost = !lost;
      return lost;
    };
    expect(await bucketStore(bucket).create('a', content('first'))).toBe(true);
  });

  it('replaces, describes, lists and removes files', async () => {
    const bucket = memoryBucket();
    const store = bucketStore(bucket);
    for (const text of ['first', 'second']) await store.replace('a/b', content(text));
    expect(await store.describe('a/b')).toEqual({ size: 6, sha256: sha256Text('second') });
    expect(await store.list('a')).toEqual(['b']);
    Object.assign(bucket.objects.get('a/b') ?? {}, { modified: 7 });
    expect(await store.listAll('a')).toEqual([{ path: 'a/b', size: 6, modified: 7 }]);
    await store.remove('a/b');
    expect([await store.describe('a/b'), await store.read('a/b', 1)]).toEqual([undefined, undefined]);
  });

  it('digests an object that another program has stored', async () => {
    const bucket = memoryBucket();
    const store = bucketStore(bucket);
    await store.replace('a', content('first'));
    Object.assign(bucket.objects.get('a') ?? {}, { sha256: undefined });
    expect(await store.describe('a')).toEqual({ size: 5, sha256: sha256Text('first') });
  });

  it('changes nothing after another run has taken its lock', async () => {
    const bucket = memoryBucket();
    const times = { periodMs: 100, renewMs: 50, pollMs: 5 };
    const store = bucketStore(bucket, times);
    const lock = await store.lock(waiting);
    await store.replace('a', content('first'));
    bucket.objects.set(LOCK_KEY, {
      bytes: Buffer.from('{}'),
      version: 'other',
      attributes: { contentType: '', cacheControl: '' },
      sha256: undefined,
      modified: 0,
    });
    for (const change of [
      () => store.replace('a', content('second')),
      () => store.create('b', content('second')),
      () => store.remove('a'),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'PUBLISH_LOCK_LOST' });
    expect([...bucket.objects.keys()]).toEqual([LOCK_KEY, 'a']);
    expect(String(await store.read('a', 10))).toBe('first');
    await lock.release();
  });
});
