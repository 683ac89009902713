import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { acquireLease, LOCK_KEY } from '../../../../src/io/bucket/lease.ts';
import { memoryBucket } from '../../../support/memory-bucket.ts';

const TIMES = { periodMs: 600, renewMs: 40, pollMs: 5 };
const SINCE = '2026-11-28T12:00:00.000Z';
const signal = new AbortController().signal;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function place(options: { hasConditions?: boolean } = {}) {
  const bucket = memoryBucket(options);
  const told: string[] = [];
  let runs = 0;
  const acquire = (stop = signal) => {
    runs += 1;
    const use = { run: `run-${runs}`, signal: stop, tell: (line: string) => told.push(line) };
    return acquireLease(bucket, use, TIMES);
  };
  const version = () => bucket.objects.get(LOCK_KEY)?.version;
  /** Another run takes the lock, although this one has it. */
  const steal = () =>
    bucket.put(
      LOCK_KEY,
      { bytes: Buffer.from(`{"run":"other","since":"${SINCE}","until":"${SINCE}"}`) },
      { contentType: '', cacheControl: '' },
      undefined,
    );
  return { bucket, told, acquire, version, steal };
}

// In CI, it has a number.
beforeEach(() => {
  vi.stubEnv('GITHUB_RUN_ID', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the lock of a bucket', () => {
  it('is renewed until it is released', async () => {
    const { bucket, acquire, version, told } = place();
    const lease = await acquire();
    const first = version();
    await vi.waitFor(() => expect(version()).not.toBe(first));
    await lease.requireHeld();
    await lease.release();
    expect([version(), told]).toEqual([undefined, []]);
    bucket.before = () => {
      throw new Error('a call after the release');
    };
    await pause(2 * TIMES.renewMs);
  });

  it('refuses a second run as soon as the first renews it, and says who holds it', async () => {
    const { acquire, told } = place();
    const lease = await acquire();
    await expect(acquire()).rejects.toMatchObject({
      code: 'PUBLISH_LOCKED',
      message: expect.stringMatching(
        /is locked by the run run-1, which began at \S+Z, and is still renewing the lock$/,
      ),
    });
    expect(told).toEqual([expect.stringContaining('is locked by the run run-1')]);
    await lease.release();
    await (await acquire()).release();
  });

  it('is taken over only after a whole period without a renewal, by one run', async () => {
    const { acquire, steal, version } = place();
    await steal();
    const started = performance.now();
    const results = await Promise.allSettled([acquire(), acquire()]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(TIMES.periodMs);
    const got = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(got).toHaveLength(1);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'PUBLISH_LOCKED' },
    });
    await got[0]?.release();
    expect(version()).toBeUndefined();
  });

  it('names neither the machine nor the user, because everyone may be able to read it', async () => {
    const { bucket, acquire } = place();
    vi.stubEnv('GITHUB_RUN_ID', '12345');
    const lease = await acquire();
    const { bytes, attributes } = bucket.objects.get(LOCK_KEY) ?? {};
    expect(JSON.parse(String(bytes))).toEqual({
      ...{ run: 'run-1', job: '12345' },
      ...{ since: expect.stringMatching(/^\S+Z$/), until: expect.stringMatching(/^\S+Z$/) },
    });
    expect(attributes?.cacheControl).toBe('no-store');
    await expect(acquire()).rejects.toThrow('is locked by run 12345 of GitHub Actions, run-1, which began');
    await lease.release();
  });

  it('is taken over whatever it contains', async () => {
    const { bucket, acquire, told } = place();
    const bytes = Buffer.from('\u001b[31m not JSON');
    await bucket.put(LOCK_KEY, { bytes }, { contentType: '', cacheControl: '' }, undefined);
    await (await acquire()).release();
    expect(told).toEqual([expect.stringContaining('is locked by an unknown run (.lock)')]);
  });

  it('that another run has taken stops this one before its next change', async () => {
    const { acquire, steal, version } = place();
    const lease = await acquire();
    await steal();
    const other = version();
    await vi.waitFor(() => expect(lease.requireHeld()).rejects.toMatchObject({ code: 'PUBLISH_LOCK_LOST' }));
    await expect(lease.requireHeld()).rejects.toThrow(`the run other, which began at ${SINCE} took it over`);
    await lease.release();
    expect(version()).toBe(other);
  });

  it('is checked at the service after the machine slept', async () => {
    const { acquire, steal } = place();
    const lease = await acquire();
    await steal();
    // No timer has run since.
    const later = Date.now() + 3_600_000;
    const clock = vi.spyOn(Date, 'now').mockReturnValue(later);
    try {
      await expect(lease.requireHeld()).rejects.toMatchObject({ code: 'PUBLISH_LOCK_LOST' });
    } finally {
      clock.mockRestore();
      await lease.release();
    }
  });

  it('survives answers that are lost, and a service that is away for a while', async () => {
    const { bucket, acquire, version } = place();
    // The repeated call is refused because of the first one.
    let repeated = false;
    bucket.losesAnswer = () => {
      repeated = !repeated;
      return repeated;
    };
    const lease = await acquire();
    const first = version();
    await vi.waitFor(() => expect(version()).not.toBe(first));
    bucket.before = () => {
      throw new Error('away');
    };
    await pause(2 * TIMES.renewMs);
    bucket.before = () => {};
    await pause(2 * TIMES.renewMs);
    await lease.requireHeld();
    await lease.release();
    expect(version()).toBeUndefined();
  });

  it('that cannot be removed expires', async () => {
    const { bucket, acquire, told } = place();
    const lease = await acquire();
    bucket.before = () => {
      throw new Error('away');
    };
    await lease.release();
    expect(told).toEqual(['The lock of memory://bucket could not be removed (away). It expires in 0.6 s.']);
  });

  it('is waited for until Ctrl-C', async () => {
    const { acquire, steal } = place();
    await steal();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    await expect(acquire(stop.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('of a service that ignores conditions is not overwritten, and the user is told', async () => {
    const { acquire, steal, told, version } = place({ hasConditions: false });
    const lease = await acquire();
    expect(told).toEqual([expect.stringContaining('ignores conditional requests')]);
    await steal();
    const other = version();
    await vi.waitFor(() => expect(lease.requireHeld()).rejects.toMatchObject({ code: 'PUBLISH_LOCK_LOST' }));
    await lease.release();
    expect(version()).toBe(other);
  });
});
