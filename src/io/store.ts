import type { FolderLock } from './folder-lock.ts';

/** What a store has under a name. */
export interface StoredFile {
  /** In bytes. */
  size: number;
  /** Of the content, lower-case hex. */
  sha256: string;
}

/** A file in a listing. */
export interface StoredName {
  path: string;
  /** In bytes. */
  size: number;
  /** When it was last stored, in milliseconds since the epoch. */
  modified: number;
}

/** The content of a file to be stored: a local file, or bytes. @property sha256 lower-case hex; if given, other content is refused */
export type Content = ({ file: string } | { bytes: Uint8Array }) & { sha256?: string | undefined };

/** A run that locks a store. */
export interface StoreUse {
  /** Identifies it for people: everyone who may read the store may see it. */
  run: string;
  signal: AbortSignal;
  /** Called with what the user should know. */
  tell: (line: string) => void;
}

/** A place for files that clients download: a folder behind a web server, or a bucket. Paths are relative, with slashes. */
export interface Store {
  /** Its address, for messages. */
  address: string;
  /** How many files are best stored at a time; undefined: one. */
  atOnce?: number;
  /** The content of a file; undefined if there is none. @throws FILE_ERROR if it has more than `maxBytes` */
  read(path: string, maxBytes: number): Promise<Buffer | undefined>;
  /** Size and digest of a file; undefined if there is none. */
  describe(path: string): Promise<StoredFile | undefined>;
  /** The names of the files in a folder; none if it does not exist. */
  list(folder: string): Promise<string[]>;
  /** All files in a folder and its subfolders; none if it does not exist. */
  listAll(folder: string): Promise<StoredName[]>;
  /** Stores a new file completely or not at all. @returns false if the name is taken; nothing has changed then @throws ARTIFACT_CHANGED */
  create(path: string, content: Content): Promise<boolean>;
  /**
   * Stores a file in place of another one. Clients see either of them, never a part.
   * @throws ARTIFACT_CHANGED; PUBLISH_LOCK_LOST or PUBLISH_CONFLICT if another run has changed it since this one has the lock
   */
  replace(path: string, content: Content): Promise<void>;
  /** Removes a file, or nothing if there is none. @throws PUBLISH_LOCK_LOST, PUBLISH_CONFLICT as for `replace` */
  remove(path: string): Promise<void>;
  /**
   * Locks the store for one run. Until it is released, changes of files that clients start from are refused if another run has changed them:
   * see `replace`.
   * @throws PUBLISH_LOCKED if another run is using it
   */
  lock(run: StoreUse): Promise<FolderLock>;
}
