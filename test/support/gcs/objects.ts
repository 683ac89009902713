import { createHash } from 'node:crypto';
import { crc32c } from './crc32c.ts';
import { preconditionFailed, Refusal, Violation } from './refusal.ts';

/** What a client may set. */
export interface Resource {
  name?: string;
  contentType?: string;
  cacheControl?: string;
  md5Hash?: string;
  crc32c?: string;
  metadata?: Record<string, string>;
}

/** A stored object. */
export interface GcsObject {
  name: string;
  bytes: Buffer;
  generation: string;
  /** When it was stored. */
  updated: Date;
  resource: Resource;
}

/** Fields of an object that a client may set, with their types. */
const WRITABLE: Readonly<Record<keyof Resource, 'string' | 'object'>> = {
  name: 'string',
  contentType: 'string',
  cacheControl: 'string',
  md5Hash: 'string',
  crc32c: 'string',
  metadata: 'object',
};

/** Parses an object's metadata. @throws Violation for a field that is unknown or has another type */
export function parseResource(text: string): Resource {
  let found: unknown;
  try {
    found = JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw new Violation('Parse Error');
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw new Violation('Parse Error');
  for (const [field, value] of Object.entries(found))
    if (typeof value !== WRITABLE[field as keyof Resource] || value === null)
      throw new Violation(`Invalid field "${field}"`);
  const { metadata = {} } = found as Resource;
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string') throw new Violation(`Invalid value of metadata "${key}"`);
  return found as Resource;
}

/** An object's name in a request. @throws Violation if Cloud Storage would not take it */
export function requireName(name: string): string {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > 1024 || /[\r\n]/.test(name) || /^\.{1,2}$/.test(name))
    throw new Violation(`Invalid object name "${name}"`);
  return name;
}

/** @param expected the value of ifGenerationMatch; null: no condition */
export function requireGeneration(found: GcsObject | undefined, expected: string | null): void {
  if (expected === null) return;
  if (!/^\d+$/.test(expected)) throw new Violation(`Invalid ifGenerationMatch "${expected}"`);
  if ((found?.generation ?? '0') !== expected) throw preconditionFailed();
}

export const md5Of = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64');

/** @throws Refusal if the content has other digests than the client says */
export function requireDigests(bytes: Buffer, said: Pick<Resource, 'md5Hash' | 'crc32c'>): void {
  const check = (name: string, expected: string | undefined, found: () => string) => {
    if (expected === undefined || expected === found()) return;
    throw new Refusal(
      400,
      'invalid',
      `Provided ${name} "${expected}" doesn't match calculated ${name} "${found()}".`,
    );
  };
  check('MD5 hash', said.md5Hash, () => md5Of(bytes));
  check('CRC32C', said.crc32c, () => crc32c(bytes));
}

/** An object as the API shows it. */
export function shownObject(
  bucket: string,
  { name, bytes, generation, updated, resource }: GcsObject,
): object {
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    name,
    bucket,
    generation,
    metageneration: '1',
    contentType: resource.contentType ?? 'application/octet-stream',
    ...(resource.cacheControl === undefined ? {} : { cacheControl: resource.cacheControl }),
    storageClass: 'STANDARD',
    updated: updated.toISOString(),
    size: String(bytes.length),
    md5Hash: md5Of(bytes),
    crc32c: crc32c(bytes),
    etag: `"${generation}"`,
    ...(resource.metadata === undefined ? {} : { metadata: resource.metadata }),
  };
}
