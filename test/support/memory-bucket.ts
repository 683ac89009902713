import { readFileSync } from 'node:fs';
import type { Bucket, ObjectAttributes } from '../../src/io/bucket/bucket.ts';
import { sha256Bytes } from '../../src/io/files.ts';

/** A bucket in memory, which enforces conditions. */
export interface MemoryBucket extends Bucket {
  objects: Map<
    string,
    {
      bytes: Buffer;
      version: string;
      attributes: ObjectAttributes;
      sha256: string | undefined;
      /** When it was stored, in milliseconds since 1970. */
      modified: number;
    }
  >;
  /** Called before each call, e.g. to fail. */
  before: (call: string, key: string) => void;
  /** Called after each put has taken effect, e.g. to lose its answer. @returns true if the answer is lost, and the call repeated */
  losesAnswer: (key: string) => boolean;
}

/** @param hasConditions false: like a service that ignores them */
export function memoryBucket({ hasConditions = true } = {}): MemoryBucket {
  let versions = 0;
  const objects: MemoryBucket['objects'] = new Map();
  const bucket: MemoryBucket = {
    address: 'memory://bucket',
    objects,
    before: () => {},
    losesAnswer: () => false,
    hasConditions: async () => hasConditions,
    async get(key) {
      bucket.before('get', key);
      const found = objects.get(key);
      return found && { bytes: found.bytes, version: found.version };
    },
    async head(key) {
      bucket.before('head', key);
      const found = objects.get(key);
      return found && { size: found.bytes.length, sha256: found.sha256, version: found.version };
    },
    async list(folder) {
      const inside = [...objects.keys()].filter((key) => key.startsWith(`${folder}/`));
      return [...new Set(inside.map((key) => key.slice(folder.length + 1).split('/')[0] ?? ''))];
    },
    async listAll(folder) {
      const inside = [...objects].filter(([key]) => key.startsWith(`${folder}/`));
      return inside.map(([path, { bytes, modified, version }]) => ({
        path,
        size: bytes.length,
        modified,
        version,
      }));
    },
    async put(key, content, attributes, condition, before) {
      await before?.();
      bucket.before('put', key);
      const found = objects.get(key);
      const holds =
        condition === undefined ||
        (condition === 'absent' ? found === undefined : found?.version === condition.version);
      if (hasConditions && !holds) return undefined;
      const bytes = 'file' in content ? readFileSync(content.file) : Buffer.from(content.bytes);
      versions += 1;
      const version = String(versions);
      objects.set(key, { bytes, version, attributes, sha256: sha256Bytes(bytes), modified: Date.now() });
      if (bucket.losesAnswer(key)) return bucket.put(key, content, attributes, condition, before);
      return version;
    },
    async remove(key, version, before) {
      await before?.();
      bucket.before('remove', key);
      const found = objects.get(key);
      if (hasConditions && version !== undefined && found !== undefined && found.version !== version)
        return false;
      objects.delete(key);
      return true;
    },
  };
  return bucket;
}
