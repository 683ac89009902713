import { TurnbuildError } from '../../errors.ts';
import { sha256Bytes } from '../files.ts';
import type { Store, StoredFile } from '../store.ts';
import { attributesOf, isImmutable } from './attributes.ts';
import type { Bucket, WriteCondition } from './bucket.ts';
import { acquireLease, type Lease, type LeaseTimes } from './lease.ts';
import { digestOf } from './opened-content.ts';

/** Files that are stored at a time. Most of them are small, so each takes about as long as one answer. Cloud Storage's are in memory, up to 8 MiB each. */
const AT_ONCE = 8;

/**
 * A store in a bucket. While it is locked, each change requires that the lock is still this run's. A request may be on its way when the lock is
 * lost. So a file that changes under its name is replaced on condition that it has the version that this run has read since it has the lock.
 * @param times for tests
 */
export function bucketStore(bucket: Bucket, times?: LeaseTimes): Store {
  let lease: Lease | undefined;
  /** While the store is locked: objects as this run has read or written them. */
  const versions = new Map<string, Exclude<WriteCondition, undefined>>();
  /** Repeated attempts may last longer than the lock. */
  const requireHeld = async () => lease?.requireHeld();
  const seen = (path: string, version: string | undefined) => {
    if (lease !== undefined) versions.set(path, version === undefined ? 'absent' : { version });
  };
  const look = async (path: string) => {
    const found = await bucket.head(path);
    seen(path, found?.version);
    return found;
  };
  const get = async (path: string, maxBytes: number) => {
    const found = await bucket.get(path, maxBytes);
    seen(path, found?.version);
    return found?.bytes;
  };

  const describe = async (path: string): Promise<StoredFile | undefined> => {
    const found = await look(path);
    if (found === undefined) return undefined;
    const { size, sha256 } = found;
    if (sha256 !== undefined) return { size, sha256 };
    // Another program has stored it.
    const bytes = await get(path, size);
    return bytes && { size: bytes.length, sha256: sha256Bytes(bytes) };
  };
  /** The condition of a change; undefined: any version may be changed. */
  const conditionFor = async (path: string): Promise<WriteCondition> => {
    if (lease === undefined || !(await bucket.hasConditions())) return undefined;
    if (!versions.has(path)) await look(path);
    return versions.get(path);
  };
  /** The error of a change that the service has refused. */
  const conflict = async (path: string): Promise<TurnbuildError> => {
    await lease?.requireHeld({ isDoubtful: true });
    return new TurnbuildError('PUBLISH_CONFLICT', `Another run has changed ${path} in ${bucket.address}`, {
      hint: 'Nothing of it was overwritten. Make sure that no other run is publishing there, and run the same command again.',
    });
  };

  return {
    address: bucket.address,
    atOnce: AT_ONCE,
    read: get,
    describe,
    list: (folder) => bucket.list(folder),
    async listAll(folder) {
      const found = await bucket.listAll(folder);
      for (const { path, version } of found) seen(path, version);
      return found.map(({ version: _, ...file }) => file);
    },
    async create(path, content) {
      if (!(await bucket.hasConditions()) && (await bucket.head(path)) !== undefined) return false;
      const version = await bucket.put(path, content, attributesOf(path), 'absent', requireHeld);
      if (version !== undefined) {
        seen(path, version);
        return true;
      }
      // An earlier attempt of the call may have stored it, although its answer was lost.
      return content.sha256 !== undefined && (await describe(path))?.sha256 === content.sha256;
    },
    async replace(path, content) {
      // A late request can only store the same content again.
      const condition = isImmutable(path) ? undefined : await conditionFor(path);
      const version = await bucket.put(path, content, attributesOf(path), condition, requireHeld);
      if (version !== undefined) return seen(path, version);
      // An earlier attempt, as above. It is the same call: no other run has the same signature, and equal content is no conflict.
      if ((await describe(path))?.sha256 !== (await digestOf(content))) throw await conflict(path);
    },
    async remove(path) {
      const condition = await conditionFor(path);
      if (condition === 'absent') return;
      if (await bucket.remove(path, condition?.version, requireHeld)) return seen(path, undefined);
      throw await conflict(path);
    },
    async lock(use) {
      const own = await acquireLease(bucket, use, times);
      lease = own;
      return {
        async release() {
          lease = undefined;
          versions.clear();
          await own.release();
        },
      };
    },
  };
}
