import { Violation } from './refusal.ts';

type Json = Record<string, unknown>;

/** Fields that can be selected, in an object and in a page of a list. */
const KNOWN =
  /^(?:kind|id|name|bucket|generation|metageneration|contentType|cacheControl|storageClass|size|updated|md5Hash|crc32c|etag|metadata|items|prefixes|nextPageToken)$/;

/** A partial response: "Partial responses" of Cloud Storage, `a,b(c,d)`. @throws Violation for an unknown field */
export function selectFields(found: object, fields: string | null): object {
  if (fields === null) return found;
  const selected: Json = {};
  for (const [, name = '', inner] of parts(fields)) {
    if (!KNOWN.test(name)) throw new Violation(`Invalid field selection ${name}`);
    const value = (found as Json)[name];
    if (value === undefined) continue;
    const pick = (each: unknown) => (inner === undefined ? each : selectFields(each as object, inner));
    selected[name] = Array.isArray(value) ? value.map(pick) : pick(value);
  }
  return selected;
}

function parts(fields: string): RegExpMatchArray[] {
  const found = [...fields.matchAll(/([a-zA-Z\d]+)(?:\(([^()]*)\))?(?:,|$)/g)];
  if (found.map(([text]) => text).join('') !== fields || found.length === 0)
    throw new Violation(`Invalid field selection ${fields}`);
  return found;
}
