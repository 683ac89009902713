import { sha256Bytes } from '../../../src/io/files.ts';
import { brokenReferences, startedClients } from '../broken-references.ts';
import { contentDigest } from '../published.ts';

/** Objects of a bucket. After each change, it looks whether a client would find everything. */
export class WatchedObjects<T extends { bytes: Buffer }> extends Map<string, T> {
  /** Set only when the map is complete: the constructor of Map calls `set`. */
  readonly #prefix: string;
  #broken: string[] = [];
  #isQuiet = false;
  /** What clients have that started before the changes. */
  #started: ReadonlyMap<string, Buffer> = new Map();

  /** @param prefix of the repository's keys */
  constructor(prefix: string) {
    super();
    this.#prefix = prefix;
  }

  override set(key: string, object: T): this {
    super.set(key, object);
    this.#look(key);
    return this;
  }

  override delete(key: string): boolean {
    const found = super.delete(key);
    this.#look(key);
    return found;
  }

  /** What clients would not have found since `reset`. */
  broken(): readonly string[] {
    return this.#broken;
  }

  /** Replaces everything. @param keepsOld clients that have started from it must find everything, too */
  reset(objects: ReadonlyMap<string, T>, keepsOld = true): void {
    this.#isQuiet = true;
    this.clear();
    for (const [key, object] of objects) this.set(key, object);
    this.#isQuiet = false;
    this.#broken = [];
    this.#started = startedClients(keepsOld ? this.#contents() : new Map());
  }

  /** Without locks: path relative to the repository -> object. */
  files(): Map<string, T> {
    const own = [...this].filter(([key]) => !key.startsWith(`${this.#prefix}.lock`));
    return new Map(own.map(([key, object]) => [key.slice(this.#prefix.length), object]));
  }

  /** Path -> digest of the content, and attributes. */
  content(attributesOf: (object: T) => readonly (string | undefined)[]): Record<string, string> {
    const entries = [...this.files()].map(([path, object]) => {
      const digest = contentDigest(path, object.bytes);
      const isLimited = path.endsWith('/InRelease') && /^Valid-Until: /m.test(object.bytes.toString());
      const words = [digest, ...attributesOf(object), ...(isLimited ? ['expires'] : [])];
      return [path, words.join(' ')] as const;
    });
    return Object.fromEntries(entries.sort());
  }

  #contents(): Map<string, Buffer> {
    return new Map([...this.files()].map(([path, { bytes }]) => [path, bytes]));
  }

  #look(key: string): void {
    if (this.#isQuiet || key.startsWith(`${this.#prefix}.lock`)) return;
    const files = this.#contents();
    const broken = [...brokenReferences(files), ...brokenReferences(files, this.#started)];
    this.#broken.push(...broken.map((problem) => `after ${key}: ${problem}`));
  }
}

/** The digest that turnbuild has stored with a content; `wrong` if it is another content's. */
export const checkedDigest = (bytes: Buffer, sha256: string | undefined) =>
  sha256 === sha256Bytes(bytes) ? '' : `wrong ${sha256}`;
