import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { openGcs } from '../../src/io/bucket/gcs.ts';
import { ATTRIBUTES, simulatedBucket, TOKEN } from '../support/gcs/bucket.ts';
import type { Fault } from '../support/gcs/faults.ts';
import { startGcs } from '../support/gcs/simulator.ts';
import { errorOf } from '../support/sandbox.ts';

const content = { bytes: Buffer.from('content') };
const QUICK = { attempts: 2 };

describe('an error of Google Cloud Storage', () => {
  const refusals: [string, Fault, string, RegExp, RegExp][] = [
    ['401', { status: 401, message: 'Invalid Credentials' }, 'CREDENTIALS_REFUSED', /rejected/, /login/],
    [
      '403',
      { status: 403, message: 'x does not have storage.objects.delete access' },
      'STORE_ACCESS_DENIED',
      /x does not have/,
      /^Grant storage\.objects\.delete on/,
    ],
    [
      '403 without a message',
      { status: 403, message: '' },
      'STORE_ACCESS_DENIED',
      /access is denied/,
      /^Grant storage\.objects\.create on/,
    ],
    ['404', { status: 404 }, 'STORE_NOT_FOUND', /bucket does not exist/, /Check the name/],
    [
      'billing',
      { status: 403, reason: 'accountDisabled' },
      'STORE_FAILED',
      /billing is disabled/,
      /billing account/,
    ],
    [
      'billing in words',
      {
        status: 403,
        reason: 'forbidden',
        message: 'The project to be billed is associated with a closed billing account.',
      },
      'STORE_FAILED',
      /billing is disabled/,
      /billing account/,
    ],
    [
      'requester pays',
      {
        status: 400,
        reason: 'required',
        message: 'Bucket is a requester pays bucket but no user project provided.',
      },
      'STORE_ACCESS_DENIED',
      /Requester Pays is enabled/,
      /GOOGLE_CLOUD_QUOTA_PROJECT/,
    ],
    ['quota', { status: 403, reason: 'quotaExceeded' }, 'STORE_FULL', /quota/, /quota/],
    [
      'retention',
      { status: 403, reason: 'retentionPolicyNotMet' },
      'STORE_FAILED',
      /retention policy/,
      /Remove it/,
    ],
    ['429', { status: 429 }, 'STORE_UNREACHABLE', /too many requests/, /again later/],
    ['503', { status: 503 }, 'STORE_UNREACHABLE', /overloaded or down \(503\)$/, /again later/],
    [
      '400',
      { status: 400, message: 'Invalid argument.' },
      'STORE_FAILED',
      /answered 400: Invalid argument\.$/,
      /report/,
    ],
    ['501', { status: 501, message: 'No.' }, 'STORE_FAILED', /answered 501: No\.$/, /report/],
    ['409', { status: 409, message: 'Conflict' }, 'STORE_FAILED', /answered 409: Conflict$/, /report/],
    ['wrong digest', 'damaged', 'STORE_FAILED', /arrived damaged/, /again/],
    ['lost connection', 'reset-before', 'STORE_UNREACHABLE', /connection was lost/, /network/],
    ['no answer', 'silence-before', 'STORE_UNREACHABLE', /no answer arrived in time/, /network/],
  ];
  it.each(refusals)('has a code, a reason and a hint: %s', async (_, fault, code, message, hint) => {
    const { gcs, bucket } = await simulatedBucket({ fault: () => fault }, { ...QUICK, stallMs: 100 });
    const error = await errorOf(bucket.put('key.asc', content, ATTRIBUTES, 'absent'));
    expect([error.code, error.message, error.hint]).toEqual([
      code,
      expect.stringMatching(message),
      expect.stringMatching(hint),
    ]);
    expect(error.message).toMatch(/^Cannot store key\.asc in gs:\/\/packages\/coturn: /);
    expect(JSON.stringify([error.message, error.hint, error.cause])).not.toContain(TOKEN);
    expect(gcs.objects.size).toBe(0);
    const isTemporary = /401|429|503|digest|connection|answer$/.test(_);
    expect(gcs.calls.length).toBe(isTemporary ? 2 : 1);
  });

  it('names a bucket that does not exist, in every call', async () => {
    const { gcs } = await simulatedBucket();
    const bucket = await openGcs('others', '', {
      endpoint: gcs.url,
      authorize: async () => ({ authorization: `Bearer ${TOKEN}` }),
    });
    const calls: (() => Promise<unknown>)[] = [
      () => bucket.get('file', 1),
      () => bucket.head('file'),
      () => bucket.list(''),
      () => bucket.put('file', content, ATTRIBUTES, undefined),
      () => bucket.remove('file'),
    ];
    for (const call of calls) {
      const { code, message } = await errorOf(call());
      expect([code, message]).toEqual([
        'STORE_NOT_FOUND',
        expect.stringMatching(/^Cannot .* in gs:\/\/others: the bucket does not exist$/),
      ]);
    }
  });

  it('says that nothing listens, or that the name is unknown', async () => {
    const gcs = await startGcs();
    await gcs.stop();
    const open = (endpoint: string) =>
      openGcs('packages', '', { endpoint, authorize: async () => ({}), ...QUICK, backoffMs: 1 });
    const refused = await errorOf((await open(gcs.url)).list('apt'));
    expect([refused.code, refused.message]).toEqual([
      'STORE_UNREACHABLE',
      `Cannot list apt/* in gs://packages: the connection was refused (${new URL(gcs.url).host})`,
    ]);
    const unknown = await errorOf((await open('http://storage.invalid')).list('apt'));
    expect([unknown.code, unknown.message]).toEqual([
      'STORE_UNREACHABLE',
      expect.stringMatching(/the name lookup failed: E\w+ \(storage\.invalid\)$/),
    ]);
  });

  it('does not show a header that cannot be sent', async () => {
    const authorize = async () => ({ authorization: `Bearer ${TOKEN}\0` });
    const { bucket } = await simulatedBucket({}, { authorize });
    const error = await errorOf(bucket.list('apt'));
    expect([error.code, error.message, error.cause]).toEqual([
      'STORE_UNREACHABLE',
      'Cannot list coturn/apt/* in gs://packages/coturn: the request failed',
      undefined,
    ]);
  });

  it('ends the repetitions when the command is interrupted', async () => {
    const end = new AbortController();
    const { gcs, bucket } = await simulatedBucket(
      {
        fault: ({ operation }) => {
          if (operation === 'objects.list') setTimeout(() => end.abort(), 10);
          return 'silence-before';
        },
      },
      { signal: end.signal, stallMs: 60_000 },
    );
    await expect(bucket.list('')).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(bucket.head('file')).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(gcs.calls.length).toBe(1);
  });
});

describe('docs/policies/publish-gcs.yaml', () => {
  const { includedPermissions } = parse(readFileSync('docs/policies/publish-gcs.yaml', 'utf8')) as {
    includedPermissions: string[];
  };

  async function everything(permissions: readonly string[]) {
    const gcs = await startGcs({ permissions });
    onTestFinished(() => gcs.stop());
    gcs.tokens.issued.add(TOKEN);
    const bucket = await openGcs('packages', '', {
      endpoint: gcs.url,
      authorize: async () => ({ authorization: `Bearer ${TOKEN}` }),
      chunkBytes: 256 * 1024,
    });
    await bucket.hasConditions();
    const first = await bucket.put('file', content, ATTRIBUTES, 'absent');
    await bucket.put('file', { bytes: Buffer.alloc(300_000) }, ATTRIBUTES, { version: String(first) });
    await bucket.list('');
    await bucket.head('file');
    expect(await bucket.get('none', 10)).toBeUndefined();
    await bucket.get('file', 300_000);
    await bucket.remove('file');
    return gcs;
  }

  it('has exactly the permissions that the calls need', async () => {
    const { calls, violations } = await everything(includedPermissions);
    const needed = new Set(calls.flatMap(({ permissions }) => permissions));
    expect([...needed].sort()).toEqual([...includedPermissions].sort());
    expect(violations).toEqual([]);
  });

  it.each(includedPermissions)('must have %s', async (permission) => {
    const error = await errorOf(everything(includedPermissions.filter((each) => each !== permission)));
    // Without the permission to list, the service does not say whether an object exists.
    expect([error.code, error.hint]).toEqual([
      'STORE_ACCESS_DENIED',
      expect.stringMatching(`^Grant ${permission} on the bucket\\.`),
    ]);
  });
});
