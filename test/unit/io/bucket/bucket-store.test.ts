import { describe, expect, it } from 'vitest';
import { bucketStore } from '../../../../src/io/bucket/bucket-store.ts';
import { LOCK_KEY } from '../../../../src/io/bucket/lease.ts';
import { sha256Text } from '../../../../src/io/files.ts';
import { memoryBucket } from '../../../support/memory-bucket.ts';

const content = (text: string) => ({ bytes: Buffer.from(text), sha256: sha256Text(text) });
const waiting = { run: 'run', signal: new AbortController().signal, tell: () => {} };

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

  describe('while it is locked', () => {
    const times = { periodMs: 60_000, renewMs: 30_000, pollMs: 5 };
    const attributes = { contentType: '', cacheControl: '' };
    /** A locked store. `other` changes an object as a request of another run that arrives late. */
    async function locked(files: Record<string, string>, options: { hasConditions?: boolean } = {}) {
      const bucket = memoryBucket(options);
      for (const [path, text] of Object.entries(files))
        await bucket.put(path, content(text), attributes, undefined);
      const store = bucketStore(bucket, times);
      await store.lock(waiting);
      const other = (path: string, text: string) => bucket.put(path, content(text), attributes, undefined);
      const textOf = (path: string) => bucket.objects.get(path)?.bytes.toString();
      return { bucket, store, other, textOf };
    }

    it.each([
      'apt/dists/trixie/InRelease',
      'apt/dists/trixie/main/binary-amd64/Packages.gz',
      'apt/coturn-trixie.sources',
      'dnf/stable/portable/x86_64/mirrorlist',
      'dnf/stable/portable/x86_64/repodata/repomd.xml',
      'releases/stable.json',
      'withdrawn/4.18.0+turnbuild-1.txt',
      'index.html',
      'key.asc',
    ])('does not replace what another run has changed since it was read: %s', async (path) => {
      const { store, other, textOf } = await locked({ [path]: 'before' });
      await store.read(path, 10);
      await other(path, 'other');
      await expect(store.replace(path, content('own'))).rejects.toMatchObject({
        code: 'PUBLISH_CONFLICT',
        message: `Another run has changed ${path} in memory://bucket`,
      });
      expect(textOf(path)).toBe('other');
    });

    it('does not create what another run has created since it was looked for', async () => {
      const { store, other, textOf } = await locked({});
      await store.describe('index.html');
      await other('index.html', 'other');
      await expect(store.replace('index.html', content('own'))).rejects.toMatchObject({
        code: 'PUBLISH_CONFLICT',
      });
      expect(textOf('index.html')).toBe('other');
    });

    it('does not delete what another run has stored since it was listed', async () => {
      const { store, other, textOf } = await locked({ 'apt/pool/a.deb': 'before' });
      await store.listAll('apt');
      await other('apt/pool/a.deb', 'again');
      await expect(store.remove('apt/pool/a.deb')).rejects.toMatchObject({ code: 'PUBLISH_CONFLICT' });
      expect(textOf('apt/pool/a.deb')).toBe('again');
      await store.remove('none');
    });

    it('says that the lock was lost, if it was', async () => {
      const { store, other } = await locked({ 'index.html': 'before' });
      await store.read('index.html', 10);
      await other(LOCK_KEY, 'other');
      await other('index.html', 'other');
      await expect(store.replace('index.html', content('own'))).rejects.toMatchObject({
        code: 'PUBLISH_LOCK_LOST',
      });
    });

    it('replaces a file several times, and what it has not read before', async () => {
      const { store, textOf } = await locked({ 'index.html': 'before', 'key.asc': 'before' });
      await store.read('index.html', 10);
      for (const text of ['first', 'second']) {
        await store.replace('index.html', content(text));
        await store.replace('key.asc', content(text));
        await store.replace('new', content(text));
      }
      await store.remove('new');
      await store.replace('new', content('third'));
      expect(['index.html', 'key.asc', 'new'].map(textOf)).toEqual(['second', 'second', 'third']);
    });

    it('recognises its own change whose answer was lost', async () => {
      const { bucket, store, other, textOf } = await locked({ 'index.html': 'before' });
      const loses = () => {
        let lost = false;
        bucket.losesAnswer = () => {
          lost = !lost;
          return lost;
        };
      };
      loses();
      await store.replace('index.html', { bytes: Buffer.from('own') });
      bucket.losesAnswer = () => false;
      await store.replace('index.html', content('next'));
      expect(textOf('index.html')).toBe('next');
      await other('index.html', 'other');
      loses();
      await expect(store.replace('index.html', content('own'))).rejects.toMatchObject({
        code: 'PUBLISH_CONFLICT',
      });
    });

    it('stores an index again under its digest, whoever has stored it', async () => {
      const path = `apt/dists/trixie/main/binary-amd64/by-hash/SHA256/${'a'.repeat(64)}`;
      const { store, other, textOf } = await locked({ [path]: 'index' });
      await store.describe(path);
      await other(path, 'index');
      await store.replace(path, content('index'));
      expect(textOf(path)).toBe('index');
    });

    it('does without conditions if the service ignores them', async () => {
      const { store, textOf } = await locked({ 'index.html': 'before' }, { hasConditions: false });
      await store.replace('index.html', content('own'));
      expect(textOf('index.html')).toBe('own');
    });
  });
});
