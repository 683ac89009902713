import { expect, onTestFinished } from 'vitest';
import type { Bucket } from '../../../src/io/bucket/bucket.ts';
import { type GcsSettings, openGcs } from '../../../src/io/bucket/gcs.ts';
import { type GcsOptions, type GcsSimulator, startGcs } from './simulator.ts';

/** Looks like a token, so that it must be nowhere else. */
export const TOKEN = 'ya29.planted-token-of-a-test';
export const ATTRIBUTES = { contentType: 'text/plain', cacheControl: 'no-cache' };

/** A simulator of the running test, and a bucket in it whose client has a token. */
export async function simulatedBucket(
  options: GcsOptions = {},
  settings: GcsSettings = {},
): Promise<{ gcs: GcsSimulator; bucket: Bucket }> {
  const gcs = await startGcs(options);
  gcs.tokens.issued.add(TOKEN);
  onTestFinished(async () => {
    await gcs.stop();
    expect(gcs.violations).toEqual([]);
  });
  const bucket = await openGcs('packages', 'coturn', {
    endpoint: gcs.url,
    authorize: async () => ({ authorization: `Bearer ${TOKEN}` }),
    backoffMs: 2,
    stallMs: 5000,
    ...settings,
  });
  return { gcs, bucket };
}
