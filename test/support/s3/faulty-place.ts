import { bucketStore } from '../../../src/io/bucket/bucket-store.ts';
import { openS3 } from '../../../src/io/bucket/s3.ts';
import { type CallPlan, callPlan, type Outcome } from '../schedules/failure.ts';
import type { FaultyPlace } from '../schedules/place.ts';
import { checkedDigest, WatchedObjects } from '../schedules/watched.ts';
import { S3_FAILURES } from './failures.ts';
import type { FaultKind } from './faults.ts';
import type { S3Object, S3Objects } from './operations.ts';
import { s3Simulator } from './simulator.ts';

/** A bucket like one of AWS, in the simulator. Its environment must be set. */
export async function s3FaultyPlace(): Promise<
  FaultyPlace<FaultKind, S3Objects> & { env: Record<string, string> }
> {
  const objects = new WatchedObjects<S3Object>('coturn/');
  let plan: CallPlan<FaultKind> = callPlan(new Map());
  const fault = (what: string) => {
    const outcome = plan.next(what);
    const [operation, key = ''] = what.split(' ');
    // The answer that there is no object has no checksum.
    if (outcome === 'damaged' && operation === 'GetObject' && !objects.has(key)) plan.wasHarmless(what);
    return faultOf(outcome);
  };
  const simulator = await s3Simulator({ pageSize: 20, objects, fault });
  return {
    name: 'S3',
    env: simulator.env,
    failures: S3_FAILURES,
    save: () => new Map(objects),
    restore(saved, { keepsOld } = { keepsOld: true }) {
      const old = [...saved].map(([key, object]) => [key, { ...object, modified: new Date(0) }] as const);
      objects.reset(new Map(old), keepsOld);
    },
    content: () =>
      objects.content(({ bytes, contentType, cacheControl, metadata }) => [
        ...[contentType, cacheControl, checkedDigest(bytes, metadata.sha256)],
      ]),
    isLocked: () => objects.has('coturn/.lock'),
    broken: () => [...objects.broken(), ...simulator.unknown],
    async open(next, times) {
      plan = next;
      const options = { stallMs: next.stallMs, pauseMs: 0, isCompatible: false };
      const { signal } = new AbortController();
      return bucketStore(await openS3('packages', 'coturn', { signal, ...options }), times);
    },
  };
}

/** A process that was killed sends and receives nothing more. */
function faultOf(outcome: Outcome<FaultKind>): FaultKind | undefined {
  if (outcome === 'killed' || outcome === 'dead') return 'cut-before';
  return outcome === 'killed-after' ? 'cut-after' : outcome;
}
