import { resolve } from 'node:path';
import { usageError } from '../errors.ts';
import type { Bucket } from './bucket/bucket.ts';
import { bucketStore } from './bucket/bucket-store.ts';
import { localStore } from './local-store.ts';
import { shownUrl } from './shown-url.ts';
import type { Store } from './store.ts';

/** A bucket in an address. */
export interface BucketPlace {
  bucket: string;
  /** Folder in the bucket, without slashes around it, or empty. */
  prefix: string;
}

/** Opens a bucket. */
type Opener = (place: BucketPlace, signal: AbortSignal) => Promise<Bucket>;

/** The services by the scheme of an address. */
const SERVICES: Readonly<Record<string, Opener>> = {
  s3: async ({ bucket, prefix }, signal) =>
    (await import('./bucket/s3.ts')).openS3(bucket, prefix, { signal }),
  gs: async ({ bucket, prefix }, signal) =>
    (await import('./bucket/gcs.ts')).openGcs(bucket, prefix, { signal }),
};

/** Whether a word is an address, not the path of a folder. */
export const isAddress = (word: string) => /^[a-z][a-z\d+.-]*:\/\//i.test(word);

/**
 * Opens the repository that a user's word names: a folder, `s3://BUCKET/PREFIX` or `gs://BUCKET/PREFIX`.
 * @param signal stops uploads of files
 * @throws OPTION_INVALID, and the errors of the service
 */
export async function openStore(word: string, signal: AbortSignal): Promise<Store> {
  if (!isAddress(word)) return localStore(resolve(word));
  const [, scheme = '', rest = ''] = /^([^:]+):\/\/(.*)$/s.exec(word) ?? [];
  const open = Object.hasOwn(SERVICES, scheme) ? SERVICES[scheme] : undefined;
  if (open !== undefined) return bucketStore(await open(bucketPlace(word, rest), signal));
  const known = Object.keys(SERVICES).map((each) => `${each}://BUCKET/PREFIX`);
  throw usageError(
    'OPTION_INVALID',
    `Unsupported --repo "${shownUrl(word)}"`,
    `Pass the path of a folder, or an address: ${known.join(', ')}.`,
  );
}

/**
 * The bucket and prefix in an address without its scheme. The prefix becomes a part of URLs that clients use.
 * @throws OPTION_INVALID. Names: "Bucket naming rules" of Amazon S3; Google's are almost the same.
 */
export function bucketPlace(word: string, rest: string): BucketPlace {
  const [bucket = '', ...folders] = rest.replace(/\/$/, '').split('/');
  if (!/^[a-z0-9](?:[a-z0-9_-]|\.(?!\.)){1,61}[a-z0-9]$/.test(bucket) || /^[\d.]+$/.test(bucket))
    throw usageError(
      'OPTION_INVALID',
      `Invalid bucket name in --repo ${shownUrl(word)}`,
      'Bucket names have 3 to 63 lower-case letters, digits, dots, hyphens and underscores, and begin and end with a letter or digit.',
    );
  const invalid = folders.find((each) => !/^[\w.~-]+$/.test(each) || /^\.+$/.test(each));
  if (invalid === undefined) return { bucket, prefix: folders.join('/') };
  throw usageError(
    'OPTION_INVALID',
    `Invalid folder in --repo ${shownUrl(word)}`,
    'Folders in a bucket may have letters, digits, dots, hyphens, underscores and tildes.',
  );
}
