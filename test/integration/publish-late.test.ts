import { EventEmitter, once } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import type { Bucket } from '../../src/io/bucket/bucket.ts';
import { bucketStore } from '../../src/io/bucket/bucket-store.ts';
import { LOCK_KEY } from '../../src/io/bucket/lease.ts';
import { openS3 } from '../../src/io/bucket/s3.ts';
import { brokenReferences } from '../support/broken-references.ts';
import { simulatedBucket } from '../support/gcs/bucket.ts';
import { publications, publishing } from '../support/publications.ts';
import { s3Simulator } from '../support/s3/simulator.ts';

const { release, perform } = publications(['apt']);

const TIMES = { periodMs: 5000, renewMs: 100, pollMs: 10 };
const POINTER = 'apt/dists/trixie-testing/InRelease';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A bucket, and what it contains: path -> content. */
interface Place {
  open(): Promise<Bucket>;
  files(): Map<string, Buffer>;
}

async function s3(): Promise<Place> {
  const simulator = await s3Simulator({ pageSize: 1000 });
  for (const [name, value] of Object.entries(simulator.env)) vi.stubEnv(name, value);
  return {
    open: () => openS3('packages', 'coturn', { signal: new AbortController().signal }),
    files: () => contentsOf(simulator.objects),
  };
}

async function gcs(): Promise<Place> {
  const { gcs: simulator, bucket } = await simulatedBucket();
  return { open: async () => bucket, files: () => contentsOf(simulator.objects) };
}

function contentsOf(objects: ReadonlyMap<string, { bytes: Buffer }>): Map<string, Buffer> {
  return new Map([...objects].map(([key, { bytes }]) => [key.replace(/^coturn\//, ''), bytes]));
}

/** A bucket of a machine that falls asleep while its request to store the pointer is on its way. */
function sleeping(bucket: Bucket) {
  const events = new EventEmitter();
  const sent = once(events, 'sent');
  const arrival = once(events, 'arrived');
  let isAsleep = false;
  const own: Bucket = {
    ...bucket,
    async put(key, content, attributes, condition, before) {
      if (isAsleep && key === LOCK_KEY) throw new TurnbuildError('STORE_UNREACHABLE', 'asleep');
      if (key !== POINTER) return bucket.put(key, content, attributes, condition, before);
      await before?.();
      isAsleep = true;
      events.emit('sent');
      await arrival;
      isAsleep = false;
      return bucket.put(key, content, attributes, condition);
    },
  };
  return { bucket: own, sent, arrive: () => events.emit('arrived') };
}

it.each([
  ['S3', s3],
  ['Cloud Storage', gcs],
])(
  'a pointer that arrives after another run has taken the lock and finished is refused: %s',
  async (_, make) => {
    const place = await make();
    const store = async () => bucketStore(await place.open(), TIMES);
    await perform(await store(), publishing(release('4.18.0')));
    const loser = sleeping(await place.open());
    const late = perform(bucketStore(loser.bucket, TIMES), publishing(release('4.19.0'))).catch(
      (error: unknown) => error,
    );
    await loser.sent;
    await perform(await store(), publishing(release('4.20.0')));
    const finished = place.files();
    loser.arrive();
    expect(await late).toMatchObject({
      code: 'PUBLISH_LOCK_LOST',
      hint: expect.stringContaining('run the same command again'),
    });
    const after = place.files();
    expect([...after].filter(([path, bytes]) => finished.get(path)?.equals(bytes) !== true)).toEqual([]);
    expect(brokenReferences(after)).toEqual([]);
    // The next run of the loser adds its release to the winner's.
    await perform(await store(), publishing(release('4.19.0')));
    expect(brokenReferences(place.files())).toEqual([]);
    const record = String(place.files().get('releases/testing.json'));
    expect(JSON.parse(record).packageVersion).toBe('4.20.0+turnbuild-1');
  },
);
