import type { Content, StoredName } from '../store.ts';

/** An object of a bucket, without its content. */
export interface StoredObject {
  /** In bytes. */
  size: number;
  /** Of the content, lower-case hex; undefined if the service does not keep it. */
  sha256: string | undefined;
  /** What a condition names: S3's ETag, GCS's generation. */
  version: string;
}

/** An object in a listing. */
export interface ListedObject extends StoredName {
  /** As that of a StoredObject. */
  version: string;
}

/** What an object tells clients and caches. */
export interface ObjectAttributes {
  contentType: string;
  cacheControl: string;
}

/** When an object may be written: if no object has its key, or if it still has a version; undefined: always. */
export type WriteCondition = 'absent' | { version: string } | undefined;

/** Checks whether a change may still be made. */
export type BeforeAttempt = () => Promise<void>;

/**
 * The calls of an object store that turnbuild needs. Keys are relative to the prefix that it was opened with. Each call retries what the
 * service calls temporary; a failed call is a TurnbuildError that names the bucket, the call and the permission that it needs.
 */
export interface Bucket {
  /** E.g. `s3://packages/coturn`. */
  address: string;
  /** Whether the service keeps its promise for conditional writes. Without it, two runs at a time cannot be refused. */
  hasConditions(): Promise<boolean>;
  /** An object with its content; undefined if there is none. @throws FILE_ERROR if it has more than `maxBytes` */
  get(key: string, maxBytes: number): Promise<{ bytes: Buffer; version: string } | undefined>;
  /** An object without its content; undefined if there is none. */
  head(key: string): Promise<StoredObject | undefined>;
  /** Names directly in a folder: of objects and folders, without slashes. */
  list(folder: string): Promise<string[]>;
  /** All objects in a folder and its subfolders. */
  listAll(folder: string): Promise<ListedObject[]>;
  /**
   * Stores an object completely or not at all, and has the service check its digest.
   * @returns the new version; undefined if the condition does not hold, also when it was this call's own earlier attempt that stored it (read it
   * back to find out)
   * @param before called before each attempt. If it throws, nothing more is sent.
   * @throws ARTIFACT_CHANGED if the content is not that of its sha256
   */
  put(
    key: string,
    content: Content,
    attributes: ObjectAttributes,
    condition: WriteCondition,
    before?: BeforeAttempt,
  ): Promise<string | undefined>;
  /**
   * Removes an object, or nothing if there is none.
   * @param version undefined: any
   * @param before as for `put`
   * @returns false if it has another version than the given one
   */
  remove(key: string, version?: string, before?: BeforeAttempt): Promise<boolean>;
}
