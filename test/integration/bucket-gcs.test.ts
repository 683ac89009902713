import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { StoredObject } from '../../src/io/bucket/bucket.ts';
import { CHUNK_UNIT } from '../../src/io/bucket/gcs-upload.ts';
import { acquireLease, LOCK_KEY } from '../../src/io/bucket/lease.ts';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import { ATTRIBUTES, simulatedBucket } from '../support/gcs/bucket.ts';
import { type Fault, QUICK_FAULTS } from '../support/gcs/faults.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const bytes = (text: string) => ({ bytes: Buffer.from(text) });

describe('a bucket of Google Cloud Storage', () => {
  it('stores, describes, reads and removes an object under its prefix', async () => {
    const { gcs, bucket } = await simulatedBucket();
    expect(bucket.address).toBe('gs://packages/coturn');
    expect(await bucket.hasConditions()).toBe(true);
    const version = await bucket.put('apt/key.asc', bytes('content'), ATTRIBUTES, undefined);
    expect(await bucket.head('apt/key.asc')).toEqual({ size: 7, sha256: sha256Text('content'), version });
    const found = await bucket.get('apt/key.asc', 7);
    expect([String(found?.bytes), found?.version]).toEqual(['content', version]);
    expect([...gcs.objects.keys()]).toEqual(['coturn/apt/key.asc']);
    expect(gcs.objects.get('coturn/apt/key.asc')?.resource).toMatchObject(ATTRIBUTES);
    expect(await bucket.remove('apt/key.asc')).toBe(true);
    expect(await bucket.remove('apt/key.asc')).toBe(true);
    expect(await bucket.head('apt/key.asc')).toBeUndefined();
    expect(await bucket.get('apt/key.asc', 7)).toBeUndefined();
    expect(gcs.objects.size).toBe(0);
  });

  it('stores an empty content, and one from a file', async () => {
    const { bucket } = await simulatedBucket();
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'content');
    await bucket.put('empty', bytes(''), ATTRIBUTES, 'absent');
    await bucket.put('file', { file, sha256: sha256Text('content') }, ATTRIBUTES, 'absent');
    expect((await bucket.get('empty', 0))?.bytes.length).toBe(0);
    expect(String((await bucket.get('file', 7))?.bytes)).toBe('content');
  });

  it('stores only if the condition holds', async () => {
    const { bucket } = await simulatedBucket();
    const first = await bucket.put('file', bytes('1'), ATTRIBUTES, 'absent');
    expect(first).toMatch(/^\d+$/);
    expect(await bucket.put('file', bytes('2'), ATTRIBUTES, 'absent')).toBeUndefined();
    const second = await bucket.put('file', bytes('2'), ATTRIBUTES, { version: String(first) });
    expect(await bucket.put('file', bytes('3'), ATTRIBUTES, { version: String(first) })).toBeUndefined();
    expect(await bucket.put('none', bytes('3'), ATTRIBUTES, { version: String(first) })).toBeUndefined();
    expect(await bucket.get('file', 1)).toEqual({ bytes: Buffer.from('2'), version: second });
    expect(await bucket.remove('file', String(first))).toBe(false);
    expect(await bucket.remove('file', String(second))).toBe(true);
    expect(await bucket.remove('file', String(second))).toBe(true);
  });

  it('lists the names directly in a folder, from all pages', async () => {
    const { gcs, bucket } = await simulatedBucket({ pageSize: 3 });
    const names = ['a', 'b+c~d e', 'deb/x', 'deb/y', 'debug', 'z/1/2'];
    for (const name of names) await bucket.put(`pool/${name}`, bytes(name), ATTRIBUTES, 'absent');
    await bucket.put('pool2/other', bytes(''), ATTRIBUTES, 'absent');
    // A tool has created a folder.
    const placeholder = { ...gcs.objects.get('coturn/pool/a'), name: 'coturn/pool/' };
    gcs.objects.set('coturn/pool/', placeholder as never);
    const before = gcs.calls.length;
    expect((await bucket.list('pool')).sort()).toEqual(['a', 'b+c~d e', 'deb', 'debug', 'z']);
    expect(gcs.calls.length - before).toBe(2);
    expect((await bucket.list('')).sort()).toEqual(['pool', 'pool2']);
    expect(await bucket.list('none')).toEqual([]);
  });

  it.each(['a+b', 'a~b', 'a b', "!'()*", 'a/b/c', 'ü', 'a%2Fb', 'a#b?c&d=e', '100%'])(
    'keeps the name %s',
    async (name) => {
      const { gcs, bucket } = await simulatedBucket();
      await bucket.put(name, bytes(name), ATTRIBUTES, 'absent');
      expect([...gcs.objects.keys()]).toEqual([`coturn/${name}`]);
      expect(String((await bucket.get(name, 100))?.bytes)).toBe(name);
      expect((await bucket.head(name))?.size).toBe(Buffer.byteLength(name));
      expect(await bucket.remove(name)).toBe(true);
      expect(gcs.objects.size).toBe(0);
    },
  );

  it('reads no more than it should', async () => {
    const { gcs, bucket } = await simulatedBucket();
    await bucket.put('file', bytes('12345678'), ATTRIBUTES, 'absent');
    await expect(bucket.get('file', 7)).rejects.toMatchObject({
      code: 'FILE_ERROR',
      message: expect.stringContaining('gs://packages/coturn/file is larger than'),
    });
    // The error about a missing one is longer than the limit.
    expect(await bucket.get('none', 7)).toBeUndefined();
    expect(gcs.calls.filter(({ operation }) => operation === 'objects.get')).toHaveLength(2);
  });

  it('describes an object that another tool has stored', async () => {
    const { gcs, bucket } = await simulatedBucket();
    await bucket.put('file', bytes('content'), ATTRIBUTES, 'absent');
    for (const metadata of [undefined, { sha256: 'banana' }, { other: 'x' }]) {
      const found = gcs.objects.get('coturn/file');
      if (found !== undefined) found.resource.metadata = metadata as never;
      expect(await bucket.head('file')).toMatchObject({ size: 7, sha256: undefined });
    }
  });

  it('refuses content that is not the expected one, without a request', async () => {
    const { gcs, bucket } = await simulatedBucket();
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'changed');
    for (const content of [bytes('changed'), { file }])
      await expect(
        bucket.put('file', { ...content, sha256: sha256Text('content') }, ATTRIBUTES, undefined),
      ).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    expect(gcs.calls).toEqual([]);
  });
});

/** Each operation once, against a bucket that has `old` and `doomed`. */
const OPERATIONS = {
  get: async ({ bucket }) => String((await bucket.get('old', 100))?.bytes),
  head: async ({ bucket }) => (await bucket.head('old'))?.sha256,
  list: async ({ bucket }) => (await bucket.list('')).sort(),
  put: async ({ bucket }) => typeof (await bucket.put('new', bytes('new'), ATTRIBUTES, undefined)),
  replace: async ({ bucket }) => typeof (await bucket.put('old', bytes('new'), ATTRIBUTES, undefined)),
  remove: async ({ bucket }) => bucket.remove('doomed'),
  removeVersion: async ({ bucket, doomed }) => bucket.remove('doomed', doomed.version),
} satisfies Record<
  string,
  (given: {
    bucket: Awaited<ReturnType<typeof simulatedBucket>>['bucket'];
    doomed: StoredObject;
  }) => Promise<unknown>
>;

const STATUSES = [408, 429, 500, 502, 503, 504];
const FAULTS: Fault[] = [
  ...QUICK_FAULTS,
  ...STATUSES.flatMap((status) => [{ status }, { status, after: true }]),
  { status: 403, reason: 'rateLimitExceeded' },
];

async function faulty(fault: Fault | undefined, operation: keyof typeof OPERATIONS, settings = {}) {
  let isOn = false;
  const { gcs, bucket } = await simulatedBucket(
    {
      fault: () => {
        const found = isOn ? fault : undefined;
        isOn = false;
        return found;
      },
    },
    settings,
  );
  await bucket.put('old', bytes('old'), ATTRIBUTES, 'absent');
  await bucket.put('doomed', bytes('doomed'), ATTRIBUTES, 'absent');
  const doomed = (await bucket.head('doomed')) as StoredObject;
  isOn = true;
  const result = await OPERATIONS[operation]({ bucket, doomed });
  expect(isOn).toBe(false);
  const state = [...gcs.objects].map(([name, object]) => `${name} ${object.bytes}`).sort();
  return { result, state };
}

describe.each(Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[])('%s', (operation) => {
  it('has the same result after each temporary fault', async () => {
    const undisturbed = await faulty(undefined, operation);
    for (const fault of FAULTS)
      expect({ fault, ...(await faulty(fault, operation)) }).toEqual({ fault, ...undisturbed });
  });
});

describe('Ctrl-C', () => {
  it('stops the upload of a file', async () => {
    const stop = new AbortController();
    const { gcs, bucket } = await simulatedBucket({ fault: () => 'silence-before' }, { signal: stop.signal });
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, 'content');
    const upload = bucket.put('file', { file }, ATTRIBUTES, 'absent');
    const failed = expect(upload).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await vi.waitFor(() => expect(gcs.calls).toHaveLength(1));
    stop.abort();
    await failed;
  });

  it('does not keep a run from removing its lock', async () => {
    const stop = new AbortController();
    const { gcs, bucket } = await simulatedBucket({}, { signal: stop.signal });
    const told: string[] = [];
    const use = { run: 'run', signal: stop.signal, tell: (line: string) => told.push(line) };
    const lease = await acquireLease(bucket, use);
    expect([...gcs.objects.keys()]).toEqual([`coturn/${LOCK_KEY}`]);
    stop.abort();
    await lease.requireHeld();
    await lease.release();
    expect([[...gcs.objects.keys()], told]).toEqual([[], []]);
  });
});

describe('time-outs', () => {
  it.each(['silence-before', 'silence-after'] as const)('%s: the call is repeated', async (fault) => {
    const { state } = await faulty(fault, 'put', { stallMs: 300 });
    expect(state).toEqual(['coturn/doomed doomed', 'coturn/new new', 'coturn/old old']);
  });
});

it.each([
  ['a put', 'objects.insert', 4],
  ['a put in chunks', 'upload', 1],
  ['a removal', 'objects.delete', 4],
] as const)('checks before each attempt of %s whether it may go on', async (name, faulty, chunkUnits) => {
  let faults = 2;
  let isOn = false;
  const { gcs, bucket } = await simulatedBucket(
    {
      fault: ({ operation }) => (isOn && operation === faulty && faults-- > 0 ? { status: 503 } : undefined),
    },
    { chunkBytes: chunkUnits * CHUNK_UNIT },
  );
  const content = (text: string) => ({ bytes: Buffer.from(text.repeat(100_000)) });
  await bucket.put('file', content('old'), ATTRIBUTES, undefined);
  isOn = true;
  let attempts = 0;
  const before = async () => {
    attempts += 1;
    if (attempts === 3) throw new Error('not any more');
  };
  const change =
    name === 'a removal'
      ? bucket.remove('file', undefined, before)
      : bucket.put('file', content('new'), ATTRIBUTES, undefined, before);
  await expect(change).rejects.toThrow('not any more');
  expect(gcs.objects.get('coturn/file')?.bytes).toEqual(content('old').bytes);
  expect([attempts, faults]).toEqual([3, 0]);
});

describe('a condition after a lost answer', () => {
  it.each(['reset-after', 'twice', { status: 503, after: true }] as Fault[])(
    'may not hold any more because of an own earlier attempt: %j',
    async (fault) => {
      let faults = 1;
      const { bucket } = await simulatedBucket({
        fault: ({ operation }) => (operation === 'objects.insert' && faults-- > 0 ? fault : undefined),
      });
      expect(await bucket.put('file', bytes('mine'), ATTRIBUTES, 'absent')).toBeUndefined();
      expect((await bucket.head('file'))?.sha256).toBe(sha256Text('mine'));
    },
  );

  it('that does not hold for a removal tells whether the object is gone', async () => {
    for (const [fault, isGone] of [
      [{ status: 412, after: true }, true],
      [{ status: 412 }, false],
    ] as const) {
      const { bucket } = await simulatedBucket({
        fault: ({ operation }) => (operation === 'objects.delete' ? fault : undefined),
      });
      const version = await bucket.put('file', bytes('mine'), ATTRIBUTES, 'absent');
      expect(await bucket.remove('file', version)).toBe(isGone);
    }
  });

  it('is not needed to repeat a put, which stores the content again', async () => {
    for (const fault of ['reset-before', 'reset-after'] as const) {
      let faults = 0;
      const { gcs, bucket } = await simulatedBucket({ fault: () => (faults-- > 0 ? fault : undefined) });
      // The same content is there already, with other attributes.
      await bucket.put('file', bytes('mine'), { ...ATTRIBUTES, cacheControl: 'old' }, undefined);
      faults = 1;
      const version = await bucket.put('file', bytes('mine'), ATTRIBUTES, undefined);
      expect((await bucket.head('file'))?.version).toBe(version);
      expect(gcs.objects.get('coturn/file')?.resource).toMatchObject(ATTRIBUTES);
    }
  });
});

it('reads 5 MB that arrive whole or not at all', async () => {
  let faults = 3;
  const { bucket } = await simulatedBucket({
    fault: ({ operation }) => (operation === 'objects.get' && faults-- > 0 ? 'reset-within' : undefined),
  });
  const content = randomBytes(5_000_000);
  await bucket.put('file', { bytes: content }, ATTRIBUTES, 'absent');
  const found = await bucket.get('file', content.length);
  expect(sha256Bytes(found?.bytes ?? '')).toBe(sha256Bytes(content));
});
