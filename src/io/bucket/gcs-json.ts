import type { ListedObject, StoredObject } from './bucket.ts';

interface ObjectResource {
  name?: unknown;
  size?: unknown;
  generation?: unknown;
  updated?: unknown;
  metadata?: { sha256?: unknown };
}

/** A page of a list. */
export interface Page {
  /** Paths are full names of objects. */
  files: ListedObject[];
  /** Names of folders, which end with a slash. */
  folders: string[];
  next: string | undefined;
}

/** The generation of an object's metadata; undefined if there is none. */
export function generationIn(body: Buffer): string | undefined {
  return generationOf((parsed(body) ?? {}) as ObjectResource);
}

function generationOf({ generation }: ObjectResource): string | undefined {
  return typeof generation === 'string' && /^\d+$/.test(generation) ? generation : undefined;
}

/** An object's metadata; undefined if they are something else. */
export function objectIn(body: Buffer): StoredObject | undefined {
  const { size, metadata } = (parsed(body) ?? {}) as ObjectResource;
  const version = generationIn(body);
  if (version === undefined || typeof size !== 'string' || !/^\d+$/.test(size)) return undefined;
  const sha256 = String(metadata?.sha256 ?? '');
  return { size: Number(size), sha256: /^[\da-f]{64}$/.test(sha256) ? sha256 : undefined, version };
}

/** A page of a list; undefined if it is something else. */
export function pageIn(body: Buffer): Page | undefined {
  const found = parsed(body);
  if (found === undefined) return undefined;
  const { items = [], prefixes = [], nextPageToken } = found as Record<string, unknown>;
  if (!Array.isArray(items) || !Array.isArray(prefixes)) return undefined;
  const files = items.map(fileIn);
  if (!files.every((each) => each !== undefined) || !isStrings(prefixes)) return undefined;
  return { files, folders: prefixes, next: typeof nextPageToken === 'string' ? nextPageToken : undefined };
}

function fileIn(item: ObjectResource | null): ListedObject | undefined {
  const { name, size, updated } = item ?? {};
  const modified = typeof updated === 'string' ? Date.parse(updated) : Number.NaN;
  const version = generationOf(item ?? {});
  const isNamed = typeof name === 'string' && version !== undefined;
  if (!isNamed || !/^\d+$/.test(String(size)) || Number.isNaN(modified)) return undefined;
  return { path: name, size: Number(size), modified, version };
}

function isStrings(values: unknown[]): values is string[] {
  return values.every((each) => typeof each === 'string');
}

/** An object in JSON; undefined if it is something else. */
function parsed(body: Buffer): object | undefined {
  try {
    const found: unknown = JSON.parse(body.toString('utf8'));
    return typeof found === 'object' && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}
