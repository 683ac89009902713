import { sha256Bytes } from '../files.ts';
import type { Store, StoredFile } from '../store.ts';
import { attributesOf } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { acquireLease, type Lease, type LeaseTimes } from './lease.ts';

/**
 * A store in a bucket. While it is locked, each change requires that the lock is still this run's.
 * @param times for tests
 */
export function bucketStore(bucket: Bucket, times?: LeaseTimes): Store {
  let lease: Lease | undefined;
  /** Repeated attempts may last longer than the lock. */
  const requireHeld = async () => lease?.requireHeld();

  const describe = async (path: string): Promise<StoredFile | undefined> => {
    const found = await bucket.head(path);
    if (found === undefined) return undefined;
    const { size, sha256 } = found;
    if (sha256 !== undefined) return { size, sha256 };
    // Another program has stored it.
    const object = await bucket.get(path, size);
    return object && { size: object.bytes.length, sha256: sha256Bytes(object.bytes) };
  };

  return {
    address: bucket.address,
    read: async (path, maxBytes) => (await bucket.get(path, maxBytes))?.bytes,
    describe,
    list: (folder) => bucket.list(folder),
    listAll: (folder) => bucket.listAll(folder),
    async create(path, content) {
      if (!(await bucket.hasConditions()) && (await bucket.head(path)) !== undefined) return false;
      const version = await bucket.put(path, content, attributesOf(path), 'absent', requireHeld);
      if (version !== undefined) return true;
      // An earlier attempt of the call may have stored it, although its answer was lost.
      return content.sha256 !== undefined && (await describe(path))?.sha256 === content.sha256;
    },
    async replace(path, content) {
      await bucket.put(path, content, attributesOf(path), undefined, requireHeld);
    },
    async remove(path) {
      await bucket.remove(path, undefined, requireHeld);
    },
    async lock({ signal, tell }) {
      const own = await acquireLease(bucket, signal, tell, times);
      lease = own;
      return {
        async release() {
          lease = undefined;
          await own.release();
        },
      };
    },
  };
}
