import { readFileSync } from 'node:fs';
import { TurnbuildError } from '../../src/errors.ts';
import { sha256Bytes } from '../../src/io/files.ts';
import type { Content, Store } from '../../src/io/store.ts';

/** A store in memory. `files` has its contents: path -> bytes. */
export interface MemoryStore extends Store {
  files: Map<string, Buffer>;
  /** Whether a run holds the lock. A run that dies does not release it. */
  isLocked: () => boolean;
  /** Makes all files older. */
  age(days: number): void;
  /** What taking over the lock of a dead process does. */
  unlock(): void;
}

/** @param changed called after each change of a file */
export function memoryStore(
  files: ReadonlyMap<string, Buffer>,
  changed: (files: Map<string, Buffer>) => void,
): MemoryStore {
  const own = new Map(files);
  // What is there from the beginning is old.
  const modified = new Map<string, number>();
  let locked = false;
  const bytesOf = (content: Content) => {
    const bytes = 'file' in content ? readFileSync(content.file) : Buffer.from(content.bytes);
    if (content.sha256 !== undefined && sha256Bytes(bytes) !== content.sha256)
      throw new TurnbuildError('ARTIFACT_CHANGED', 'The content is not the planned one');
    return bytes;
  };
  const put = (path: string, bytes: Buffer) => {
    own.set(path, bytes);
    modified.set(path, Date.now());
    changed(own);
  };
  return {
    files: own,
    isLocked: () => locked,
    age(days) {
      for (const [path, time] of modified) modified.set(path, time - days * 24 * 60 * 60 * 1000);
    },
    unlock() {
      locked = false;
    },
    address: 'memory',
    read: async (path) => own.get(path),
    async describe(path) {
      const bytes = own.get(path);
      return bytes === undefined ? undefined : { size: bytes.length, sha256: sha256Bytes(bytes) };
    },
    async list(folder) {
      const inside = [...own.keys()].filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(inside.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))].sort();
    },
    async listAll(folder) {
      const inside = [...own].filter(([path]) => path.startsWith(`${folder}/`));
      return inside.map(([path, bytes]) => ({ path, size: bytes.length, modified: modified.get(path) ?? 0 }));
    },
    async create(path, content) {
      const bytes = bytesOf(content);
      if (own.has(path)) return false;
      put(path, bytes);
      return true;
    },
    async replace(path, content) {
      put(path, bytesOf(content));
    },
    async remove(path) {
      if (own.delete(path)) changed(own);
    },
    async lock() {
      if (locked) throw new TurnbuildError('PUBLISH_LOCKED', 'Another run is publishing to memory');
      locked = true;
      return {
        release: async () => {
          locked = false;
        },
      };
    },
  };
}
