import { type TurnbuildError, usageError } from '../../errors.ts';

/** A place in Google Cloud Storage. */
export interface GcsAddress {
  bucket: string;
  /** Of all object names: '', or a path that ends with a slash. */
  prefix: string;
}

/** Cloud Storage's rules, without names that look like an IP address: "Bucket naming guidelines". */
const BUCKET = /^(?!goog|\d+\.\d+\.\d+\.\d+$|.*google)[a-z\d][a-z\d._-]{1,220}[a-z\d]$/;
/** Only characters that need no encoding in a URL, because clients download from it. */
const PREFIX = /^(?:[\w~+-][\w.~+-]*\/)*$/;

/** Parses `gs://BUCKET[/PREFIX]`. @throws OPTION_INVALID */
export function parseGcsAddress(word: string): GcsAddress {
  const [, bucket = '', path = ''] = /^gs:\/\/([^/]*)(?:\/(.*?)\/*)?$/s.exec(word) ?? [];
  if (!word.startsWith('gs://')) throw invalid(word, 'expected gs://BUCKET or gs://BUCKET/PREFIX');
  if (!BUCKET.test(bucket) || bucket.split('.').some((part) => part === '' || part.length > 63))
    throw invalid(word, `"${bucket}" is not a bucket name: lower-case letters, digits, "-", "_" and "."`);
  const prefix = path === '' ? '' : `${path}/`;
  if (!PREFIX.test(prefix) || prefix.length > 200)
    throw invalid(
      word,
      'a prefix has at most 200 letters, digits, ".", "_", "~", "+", "-" and single slashes, and no part starts with "."',
    );
  return { bucket, prefix };
}

function invalid(word: string, why: string): TurnbuildError {
  return usageError('OPTION_INVALID', `Invalid address "${word}": ${why}`);
}

/**
 * Encodes an object's name for the path of a URL, as "Encoding URL path parts" of Cloud Storage requires. encodeURIComponent leaves five of
 * the reserved characters.
 */
export function encodedName(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
