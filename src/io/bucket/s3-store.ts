import type { BucketPlace } from '../open-store.ts';
import type { Store } from '../store.ts';
import { bucketStore } from './bucket-store.ts';
import { openS3 } from './s3.ts';

/** Opens a repository in a bucket of Amazon S3 or a compatible service. @throws the errors of `openS3` */
export async function openS3Store({ bucket, prefix }: BucketPlace, signal: AbortSignal): Promise<Store> {
  return bucketStore(await openS3(bucket, prefix, { signal }), { aliasOf: spaced });
}

/**
 * The name under which S3 looks for a package whose name contains a plus sign: S3 takes an unescaped plus in a URL's path for a space. apt
 * escapes it, dnf and browsers do not (github.com/rpm-software-management/createrepo_c/issues/215).
 */
export function spaced(path: string): string | undefined {
  return path.includes('/pool/') && path.includes('+') ? path.replaceAll('+', ' ') : undefined;
}
