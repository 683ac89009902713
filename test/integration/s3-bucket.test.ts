import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../src/io/bucket/bucket.ts';
import { bucketStore } from '../../src/io/bucket/bucket-store.ts';
import { acquireLease, LOCK_KEY } from '../../src/io/bucket/lease.ts';
import { openS3 } from '../../src/io/bucket/s3.ts';
import { connect } from '../../src/io/bucket/s3-client.ts';
import { sha256Text } from '../../src/io/files.ts';
import { ANSWERS, type FaultKind } from '../support/s3/faults.ts';
import { S3Refusal } from '../support/s3/refusal.ts';
import { type SimulatorOptions, s3Simulator } from '../support/s3/simulator.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const signal = new AbortController().signal;
const ATTRIBUTES = { contentType: 'text/plain', cacheControl: 'no-cache' };
const USE = { run: 'run', signal, tell: () => {} };
const TIMES = { stallMs: 300, pauseMs: 10 };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A simulator, and the environment for it. */
async function place(options: SimulatorOptions = {}, more: Record<string, string> = {}) {
  const simulator = await s3Simulator(options);
  for (const [name, value] of Object.entries({ ...simulator.env, ...more })) vi.stubEnv(name, value);
  const open = (prefix = 'repo', bucket = 'packages') => openS3(bucket, prefix, { signal, ...TIMES });
  return { simulator, open };
}

const file = (text: string) => {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, text);
  return { file: path, sha256: sha256Text(text) };
};

describe('a bucket of S3', () => {
  it('stores, describes, reads, lists and removes objects', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    const version = await bucket.put('a/1+2~3.deb', file('content'), ATTRIBUTES, 'absent');
    expect(version).toBeDefined();
    for (const name of ['a/2', 'a/3', 'a/4', 'a/b/5'])
      await bucket.put(name, { bytes: Buffer.from(name) }, ATTRIBUTES, undefined);
    expect(await bucket.head('a/1+2~3.deb')).toEqual({ size: 7, sha256: sha256Text('content'), version });
    expect(await bucket.get('a/1+2~3.deb', 7)).toEqual({ bytes: Buffer.from('content'), version });
    await expect(bucket.get('a/1+2~3.deb', 6)).rejects.toMatchObject({ code: 'FILE_ERROR' });
    expect((await bucket.list('a')).sort()).toEqual(['1+2~3.deb', '2', '3', '4', 'b']);
    expect(await bucket.list('none')).toEqual([]);
    expect([await bucket.head('none'), await bucket.get('none', 1)]).toEqual([undefined, undefined]);
    expect(await bucket.put('a/2', { bytes: Buffer.from('other') }, ATTRIBUTES, 'absent')).toBeUndefined();
    expect(
      await bucket.put('a/2', { bytes: Buffer.from('x') }, ATTRIBUTES, { version: '"0"' }),
    ).toBeUndefined();
    expect([
      await bucket.remove('a/2', '"0"'),
      await bucket.remove('a/2'),
      await bucket.remove('a/2'),
    ]).toEqual([false, true, true]);
    // Contents are signed, for services that ignore checksums.
    const payloads = simulator.calls.map(({ payload }) => payload);
    expect(payloads.filter((payload) => !/^[0-9a-f]{64}$/.test(payload))).toEqual([]);
    expect(simulator.objects.get('repo/a/1+2~3.deb')).toMatchObject({
      ...ATTRIBUTES,
      metadata: { sha256: sha256Text('content') },
    });
    expect(simulator.unknown).toEqual([]);
  });

  it('stores a large file, which the SDK would announce with a header that fetch refuses', async () => {
    const { simulator, open } = await place();
    const large = file('x'.repeat(3 * 1024 ** 2));
    expect(await (await open()).put('large.rpm', large, ATTRIBUTES, 'absent')).toBeDefined();
    expect(simulator.objects.get('repo/large.rpm')?.bytes).toHaveLength(3 * 1024 ** 2);
  });

  it('has no version of an object that does not exist', async () => {
    const bucket = await (await place()).open();
    const content = { bytes: Buffer.from('x') };
    expect(await bucket.put('none', content, ATTRIBUTES, { version: '"0"' })).toBeUndefined();
    await expect(bucket.put('none', content, ATTRIBUTES, undefined)).resolves.toBeDefined();
  });

  it('has a lock whose removal stops the run that had it', async () => {
    const { simulator, open } = await place();
    const lease = await acquireLease(await open(), USE, {
      periodMs: 600,
      renewMs: 40,
      pollMs: 5,
    });
    // Another run took it over, and finished.
    simulator.objects.delete(`repo/${LOCK_KEY}`);
    await vi.waitFor(() =>
      expect(lease.requireHeld()).rejects.toMatchObject({
        code: 'PUBLISH_LOCK_LOST',
        message: expect.stringContaining('it was removed'),
      }),
    );
    await lease.release();
  });

  it('has a lock that is taken although its last holder removes it meanwhile', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    await bucket.put(LOCK_KEY, { bytes: Buffer.from('{}') }, ATTRIBUTES, undefined);
    const put = bucket.put;
    let isFirst = true;
    const racing: Bucket = {
      ...bucket,
      put: (...args) => {
        if (isFirst) simulator.objects.delete(`repo/${LOCK_KEY}`);
        isFirst = false;
        return put(...args);
      },
    };
    const lease = await acquireLease(racing, USE, { periodMs: 50, renewMs: 10_000, pollMs: 5 });
    expect(isFirst).toBe(false);
    await lease.release();
  });

  it.each(['PutObject', 'DeleteObject'])(
    'checks before each attempt whether it may go on: %s',
    async (name) => {
      const { simulator, open } = await place();
      const bucket = await open();
      await bucket.put('a', file('old'), ATTRIBUTES, undefined);
      let attempts = 0;
      const before = async () => {
        attempts += 1;
        if (attempts === 3) throw new Error('not any more');
      };
      const change =
        name === 'PutObject'
          ? () => bucket.put('a', file('new'), ATTRIBUTES, undefined, before)
          : () => bucket.remove('a', undefined, before);
      simulator.faults.set({ on: new RegExp(`^${name} `), kind: ANSWERS.internal, times: 2 });
      await expect(change()).rejects.toThrow('not any more');
      expect([attempts, simulator.faults.happened.length]).toEqual([3, 2]);
      expect(String((await bucket.get('a', 3))?.bytes)).toBe('old');
    },
  );

  it('does not repeat a change after another run has taken the lock', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    const store = bucketStore(bucket, { periodMs: 30, renewMs: 10, pollMs: 5 });
    const lock = await store.lock(USE);
    await store.replace('InRelease', file('old'));
    simulator.faults.set({ on: /InRelease$/, kind: 'hang-before' });
    const change = expect(store.replace('InRelease', file('new'))).rejects.toMatchObject({
      code: 'PUBLISH_LOCK_LOST',
    });
    await vi.waitFor(() => expect(simulator.faults.happened).toHaveLength(1));
    await bucket.put(LOCK_KEY, { bytes: Buffer.from('{}') }, ATTRIBUTES, undefined);
    simulator.faults.release();
    await change;
    expect(String(await store.read('InRelease', 3))).toBe('old');
    await lock.release();
  });

  it('notices a service that ignores conditions', async () => {
    expect(await (await (await place()).open()).hasConditions()).toBe(true);
    const { simulator, open } = await place({ ignoresConditions: true });
    expect(await (await open()).hasConditions()).toBe(false);
    expect(simulator.objects.size).toBe(0);
  });

  it('tries the conditions of two runs at a time on different objects', async () => {
    const { simulator, open } = await place();
    for (const bucket of [await open(), await open()]) expect(await bucket.hasConditions()).toBe(true);
    const removed = simulator.calls.filter(({ action }) => action === 's3:DeleteObject');
    expect(new Set(removed.map(({ resource }) => resource)).size).toBe(2);
    for (const { resource } of removed) expect(resource).toMatch(/\/repo\/\.lock-probe-[0-9a-f-]{36}$/);
  });

  it('does not repeat what the service does not have, and keeps secrets out of its message', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    const secret = 'Bearer abcdefghijklmnopqrstuvwxyz0123456789';
    const kind = new S3Refusal(501, 'NotImplemented', `No such header: ${secret}`);
    simulator.faults.set({ on: /^PutObject/, kind, times: 9 });
    const error = await errorOf(bucket.put('a', file('x'), ATTRIBUTES, undefined));
    expect(error).toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('NotImplemented, 501: No such header: Bearer REDACTED'),
    });
    expect(simulator.faults.happened).toHaveLength(1);
  });

  it('refuses content that is not the expected one', async () => {
    const bucket = await (await place()).open();
    const changed = { ...file('changed'), sha256: sha256Text('content') };
    for (const content of [changed, { bytes: Buffer.from('changed'), sha256: changed.sha256 }])
      await expect(bucket.put('a', content, ATTRIBUTES, undefined)).rejects.toMatchObject({
        code: 'ARTIFACT_CHANGED',
      });
    expect(await bucket.head('a')).toBeUndefined();
  });

  const passing: [string, FaultKind][] = [
    ...(['hang-before', 'hang-after', 'cut-before', 'cut-after', 'cut-body'] as const).map(
      (kind): [string, FaultKind] => [kind, kind],
    ),
    ...(['slowDown', 'internal', 'conflict', 'badDigest', 'timeout'] as const).map(
      (name): [string, FaultKind] => [name, ANSWERS[name]],
    ),
  ];

  it.each(passing)('survives once: %s', async (_, kind) => {
    const { simulator, open } = await place();
    const bucket = await open();
    const calls: Record<string, () => Promise<unknown>> = {
      PutObject: () => bucket.put('a', file('x'.repeat(1000)), ATTRIBUTES, undefined),
      GetObject: async () => String((await bucket.get('a', 1000))?.bytes),
      HeadObject: async () => (await bucket.head('a'))?.size,
      ListObjectsV2: () => bucket.list('none'),
      DeleteObject: () => bucket.remove('a'),
    };
    // Some answers are only those of a write, and only some calls have bodies.
    const isOfPut = [ANSWERS.conflict, ANSWERS.badDigest, ANSWERS.timeout].some((each) => each === kind);
    const withBodies = ['PutObject', 'GetObject', 'ListObjectsV2'];
    const some = String(kind).startsWith('hang') || kind === 'cut-body' ? withBodies : Object.keys(calls);
    const names = isOfPut ? ['PutObject'] : some;
    for (const name of names) {
      if (name !== 'PutObject') await calls.PutObject?.();
      const undisturbed = await calls[name]?.();
      if (name === 'DeleteObject') await calls.PutObject?.();
      simulator.faults.set({ on: new RegExp(`^${name} `), kind });
      expect(await calls[name]?.(), name).toEqual(undisturbed);
      expect(simulator.faults.happened, name).toHaveLength(1);
    }
    expect(simulator.unknown).toEqual([]);
  });

  it.each([
    ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'CREDENTIALS_REFUSED', /SignatureDoesNotMatch/],
    ['an unknown key', { AWS_ACCESS_KEY_ID: 'AKIAOTHER' }, 'CREDENTIALS_REFUSED', /InvalidAccessKeyId/],
    [
      'no credentials',
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
      'CREDENTIALS_MISSING',
      /no AWS credentials/,
    ],
    [
      'a closed port',
      { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:2' },
      'STORE_UNREACHABLE',
      /connection was refused \(127\.0\.0\.1:2\)/,
    ],
    [
      'an unknown host',
      { AWS_ENDPOINT_URL_S3: 'http://s3.invalid' },
      'STORE_UNREACHABLE',
      /name lookup failed: E\w+ \(s3\.invalid\)/,
    ],
  ])('explains %s', async (_, env, code, message) => {
    const { open } = await place({}, env);
    const error = await errorOf(open());
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\.$/),
    });
    expect(`${error.message} ${error.hint}`).not.toContain('wrong');
  });

  it('explains a bucket that does not exist, and one in another region', async () => {
    const { open } = await place();
    expect(await errorOf(open('', 'other'))).toMatchObject({ code: 'STORE_NOT_FOUND' });
    vi.stubEnv('AWS_REGION', 'us-east-1');
    expect(await errorOf(open())).toMatchObject({
      code: 'STORE_FAILED',
      hint: "Set AWS_REGION to the bucket's region.",
    });
  });

  it('reads an object again that arrived damaged', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    await bucket.put('a', file('content'), ATTRIBUTES, undefined);
    simulator.faults.set({ on: /^GetObject /, kind: 'damaged' });
    expect(String((await bucket.get('a', 7))?.bytes)).toBe('content');
    simulator.faults.set({ on: /^GetObject /, kind: 'damaged', times: 9 });
    await expect(bucket.get('a', 7)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('the content arrived damaged'),
    });
  });

  it('removes an object although another change is in progress', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    await bucket.put('a', file('content'), ATTRIBUTES, undefined);
    const kind = new S3Refusal(409, 'OperationAborted', 'A conflicting operation is in progress.');
    simulator.faults.set({ on: /^DeleteObject /, kind });
    expect(await bucket.remove('a')).toBe(true);
    expect(simulator.objects.size).toBe(0);
  });

  it('explains an archived object', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    const kind = new S3Refusal(
      403,
      'InvalidObjectState',
      'The operation is not valid for the storage class.',
    );
    simulator.faults.set({ on: /^GetObject /, kind });
    await expect(bucket.get('a', 7)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: 's3://packages/repo: arn:aws:s3:::packages/repo/a is archived and cannot be read',
    });
  });

  it('survives an error whose text breaks off', async () => {
    const { simulator, open } = await place();
    const bucket = await open();
    simulator.faults.set({ on: /^GetObject /, kind: 'cut-body' });
    expect(await bucket.get('none', 1)).toBeUndefined();
    expect(simulator.faults.happened).toHaveLength(1);
  });

  it('finds the region of a bucket of AWS', async () => {
    await place({}, { AWS_REGION: 'us-east-1' });
    // The simulator is at an IP address, so that the SDK does not put the bucket into the host name.
    const { client } = await connect('packages', '', { isCompatible: false });
    expect(await client.config.region()).toBe('eu-north-1');
  });

  it('knows an endpoint in the AWS profile, and from it that conditions must be tried', async () => {
    const { simulator, open } = await place({ ignoresConditions: true });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined);
    const config = join(temporaryFolder(), 'config');
    writeFileSync(config, `[default]\nendpoint_url = ${simulator.url}\n`);
    vi.stubEnv('AWS_CONFIG_FILE', config);
    expect(await (await open()).hasConditions()).toBe(false);
  });

  it('stops the upload of a file', async () => {
    const { simulator } = await place();
    const stop = new AbortController();
    const bucket = await openS3('packages', '', { signal: stop.signal });
    simulator.faults.set({ on: /^PutObject /, kind: 'hang-before' });
    const upload = bucket.put('a', file('content'), ATTRIBUTES, undefined);
    const failed = expect(upload).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await vi.waitFor(() => expect(simulator.faults.happened).toHaveLength(1));
    stop.abort();
    await failed;
    // The lock is removed nevertheless.
    expect(await bucket.remove('a')).toBe(true);
  });

  it('describes many objects with few connections', async () => {
    const { simulator, open } = await place({ latencyMs: 100 });
    const bucket = await open();
    const names = Array.from({ length: 80 }, (_, index) => `file-${index}`);
    await Promise.all(names.map((name) => bucket.head(name)));
    // 32, and those that are closed late, more on a busy machine. Without a limit: 80.
    expect(simulator.mostConnections()).toBeLessThan(70);
  });

  it('corrects a clock that is wrong', async () => {
    const { open } = await place({ ahead: 3_600_000 });
    const bucket = await open();
    await bucket.put('a', file('content'), ATTRIBUTES, 'absent');
    expect(await bucket.head('a')).toMatchObject({ size: 7 });
  });

  it.each([
    ['apt/pool/a.deb', 'docs/policies/publish-gc-s3.json'],
    [LOCK_KEY, 'docs/policies/publish-s3.json'],
  ])('names the policy that allows to delete %s', async (key, policy) => {
    const { simulator, open } = await place();
    const bucket = await open();
    simulator.faults.set({ on: /^DeleteObject/, kind: ANSWERS.denied });
    expect(await errorOf(bucket.remove(key))).toMatchObject({
      code: 'STORE_ACCESS_DENIED',
      hint: expect.stringContaining(policy),
    });
  });

  it.each([
    ['denied', 'PutObject', 'STORE_ACCESS_DENIED', 's3:PutObject on arn:aws:s3:::packages/repo/a'],
    ['denied', 'HeadObject', 'STORE_ACCESS_DENIED', 's3:GetObject on arn:aws:s3:::packages/repo/a'],
    ['denied', 'DeleteObject', 'STORE_ACCESS_DENIED', 's3:DeleteObject on arn:aws:s3:::packages/repo/a'],
    ['expired', 'GetObject', 'CREDENTIALS_REFUSED', 'have expired'],
    ['expired', '(Head|List)Object', 'CREDENTIALS_REFUSED', 'have expired'],
    ['quota', 'PutObject', 'STORE_FULL', 'no space left'],
    [
      'internal',
      'ListObjectsV2',
      'STORE_UNREACHABLE',
      'overloaded or down (InternalError, 500; s3:ListBucket)',
    ],
    ['conflict', 'PutObject', 'STORE_FAILED', 'ConditionalRequestConflict'],
  ] as const)('explains %s on %s', async (name, operation, code, message) => {
    const { simulator, open } = await place();
    const bucket = await open();
    simulator.faults.set({
      on: new RegExp(`^${operation}`),
      kind: ANSWERS[name],
      times: Number.POSITIVE_INFINITY,
    });
    const call = {
      PutObject: () => bucket.put('a', file('x'), ATTRIBUTES, undefined),
      GetObject: () => bucket.get('a', 1),
      HeadObject: () => bucket.head('a'),
      '(Head|List)Object': () => bucket.head('a'),
      DeleteObject: () => bucket.remove('a'),
      ListObjectsV2: () => bucket.list('a'),
    }[operation];
    expect(await errorOf(call())).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
