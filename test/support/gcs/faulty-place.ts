import { onTestFinished } from 'vitest';
import { bucketStore } from '../../../src/io/bucket/bucket-store.ts';
import { openGcs } from '../../../src/io/bucket/gcs.ts';
import { CHUNK_UNIT } from '../../../src/io/bucket/gcs-upload.ts';
import { type CallPlan, callPlan, type Outcome } from '../schedules/failure.ts';
import type { FaultyPlace } from '../schedules/place.ts';
import { checkedDigest, WatchedObjects } from '../schedules/watched.ts';
import { GCS_FAILURES } from './failures.ts';
import type { Fault } from './faults.ts';
import type { GcsObject } from './objects.ts';
import { startGcs } from './simulator.ts';

/** A bucket of the simulator. Packages are uploaded in chunks, and requests need a token, which is a new one after status 401. */
export async function gcsFaultyPlace(): Promise<FaultyPlace<Fault, ReadonlyMap<string, GcsObject>>> {
  const objects = new WatchedObjects<GcsObject>('coturn/');
  let plan: CallPlan<Fault> = callPlan(new Map());
  const gcs = await startGcs({
    pageSize: 20,
    objects,
    fault: ({ operation, name, contentRange, isBeginning }) => {
      const what = [operation, name, ...(contentRange === undefined ? [] : [contentRange])].join(' ');
      const outcome = plan.next(what);
      // The answer that there is no object has no digest.
      if (outcome === 'damaged' && operation === 'objects.get' && !objects.has(name)) plan.wasHarmless(what);
      // Only contents have digests.
      if (outcome !== 'damaged' || !isBeginning) return faultOf(outcome);
      plan.wasHarmless(what);
      return undefined;
    },
  });
  onTestFinished(() => gcs.stop());
  const authorize = async () => {
    const token = `ya29.${gcs.tokens.issued.size}`;
    gcs.tokens.issued.add(token);
    return { authorization: `Bearer ${token}` };
  };
  return {
    name: 'Cloud Storage',
    failures: GCS_FAILURES,
    save: () => new Map(objects),
    restore(saved, { keepsOld } = { keepsOld: true }) {
      gcs.violations.length = 0;
      objects.reset(
        new Map([...saved].map(([name, object]) => [name, { ...object, updated: new Date(0) }])),
        keepsOld,
      );
    },
    content: () =>
      objects.content(({ bytes, resource: { contentType, cacheControl, metadata } }) => [
        ...[contentType, cacheControl, checkedDigest(bytes, metadata?.sha256)],
      ]),
    isLocked: () => objects.has('coturn/.lock'),
    broken: () => [...objects.broken(), ...gcs.violations],
    async open(next, times) {
      plan = next;
      gcs.calls.length = 0;
      gcs.sessions.clear();
      const settings = { endpoint: gcs.url, backoffMs: 0, stallMs: next.stallMs, chunkBytes: CHUNK_UNIT };
      return bucketStore(await openGcs('packages', 'coturn', { ...settings, authorize }), times);
    },
  };
}

/** A process that was killed sends and receives nothing more. */
function faultOf(outcome: Outcome<Fault>): Fault | undefined {
  if (outcome === 'killed' || outcome === 'dead') return 'reset-before';
  return outcome === 'killed-after' ? 'reset-after' : outcome;
}
