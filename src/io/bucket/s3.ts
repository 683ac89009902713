import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, TurnbuildError } from '../../errors.ts';
import { sizeOf } from '../files.ts';
import { tooLarge } from '../regular-file.ts';
import type { Content } from '../store.ts';
import type { Bucket, ListedObject, WriteCondition } from './bucket.ts';
import { digestOf } from './opened-content.ts';
import { ATTEMPTS, connect } from './s3-client.ts';
import { isTemporary, type S3Call, s3Error, statusOf } from './s3-errors.ts';
import { networkError } from './s3-http.ts';
import { checkAttempts, signPayload } from './s3-middleware.ts';

/** Metadata with the digest of an object's content. */
const SHA256 = 'sha256';

/** The object that shows whether a service honours conditions. Two runs at a time must not have the same one. */
const probeKey = () => `.lock-probe-${randomUUID()}`;

export interface S3Options {
  /** Stops uploads of files. */
  signal: AbortSignal;
  /** Milliseconds without any data after which an attempt fails. */
  stallMs?: number;
  /** First pause between two attempts, in milliseconds. Each later pause is doubled. */
  pauseMs?: number;
  /** Whether the service is another one than AWS; by default, the environment tells. For tests. */
  isCompatible?: boolean;
}

/**
 * Opens a bucket of Amazon S3 or a compatible service (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL).
 * @param prefix folder in the bucket, without slashes around it, or empty
 * @throws CREDENTIALS_MISSING, CREDENTIALS_REFUSED, CLOCK_WRONG, STORE_ACCESS_DENIED, STORE_NOT_FOUND, STORE_UNREACHABLE, STORE_FAILED; all
 * calls throw these and STORE_FULL
 */
export async function openS3(
  bucket: string,
  prefix: string,
  { signal, pauseMs = 200, ...options }: S3Options,
): Promise<Bucket> {
  const address = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const place = (key: string) => (prefix === '' ? key : `${prefix}/${key}`);
  /** Makes a call, and explains its error. */
  const call = <T>(action: string, key: string | undefined, work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      const about: S3Call = { address, bucket, key: key === undefined ? undefined : place(key), action };
      throw s3Error(error, about);
    });
  const { sdk, client, isCompatible } = await call('s3:ListBucket', undefined, () =>
    connect(bucket, prefix, options),
  );
  const at = (key: string) => ({ Bucket: bucket, Key: place(key) });
  let conditions: Promise<boolean> | undefined;

  const get: Bucket['get'] = (key, maxBytes) =>
    call('s3:GetObject', key, () =>
      attempts(async () => {
        try {
          const { Body, ContentLength = 0, ETag = '' } = await client.send(new sdk.GetObjectCommand(at(key)));
          const body = Body as Readable;
          if (ContentLength > maxBytes) {
            body.destroy();
            throw tooLarge(`${address}/${key}`, maxBytes);
          }
          return {
            bytes: await contentOf(body, () => tooLarge(`${address}/${key}`, maxBytes), maxBytes),
            version: ETag,
          };
        } catch (error) {
          if ((error as Error).name === 'NoSuchKey') return undefined;
          throw error;
        }
      }, pauseMs),
    );

  const head: Bucket['head'] = (key) =>
    call('s3:GetObject', key, async () => {
      try {
        const found = await client.send(new sdk.HeadObjectCommand(at(key)));
        const sha256 = found.Metadata?.[SHA256];
        return {
          size: found.ContentLength ?? 0,
          sha256: /^[0-9a-f]{64}$/.test(sha256 ?? '') ? sha256 : undefined,
          version: found.ETag ?? '',
        };
      } catch (error) {
        const status = statusOf(error);
        if (status === 404) return undefined;
        // The answer has no body that says why: a call that has one fails with the reason, e.g. expired credentials.
        if (status === 400 || status === 403)
          await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 }));
        throw error;
      }
    });

  const put: Bucket['put'] = (key, content, attributes, condition, before) =>
    call('s3:PutObject', key, async () => {
      const sha256 = content.sha256 ?? (await digestOf(content));
      // Before anything is sent; a file is read twice only if the service refuses it.
      if ('bytes' in content) await requireDigest(content, sha256, `${address}/${key}`);
      const size = 'file' in content ? await sizeOf(content.file) : content.bytes.length;
      const send = async () => {
        await before?.();
        // A stream, so that the SDK does not repeat the call: it can repeat neither conflicts nor files.
        const body = 'file' in content ? createReadStream(content.file) : Readable.from([content.bytes]);
        // Its errors are those of the request.
        body.on('error', () => {});
        const command = new sdk.PutObjectCommand({
          ...at(key),
          Body: body,
          ContentLength: size,
          ContentType: attributes.contentType,
          CacheControl: attributes.cacheControl,
          ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
          Metadata: { [SHA256]: sha256 },
          ...conditionOf(condition),
        });
        signPayload(command, sha256);
        try {
          const { ETag = '' } = await client.send(command, 'file' in content ? { abortSignal: signal } : {});
          return ETag;
        } catch (error) {
          if (statusOf(error) === 412) return undefined;
          // No object has the key, so none has the version ("Conditional writes" of Amazon S3).
          if (typeof condition === 'object' && (error as Error).name === 'NoSuchKey') return undefined;
          if ('file' in content && signal.aborted)
            throw new TurnbuildError('INTERRUPTED', 'Interrupted. Run the same command again to finish.');
          await requireDigest(content, sha256, `${address}/${key}`);
          throw error;
        } finally {
          body.destroy();
        }
      };
      return attempts(send, pauseMs);
    });

  const remove: Bucket['remove'] = (key, version, before) =>
    call('s3:DeleteObject', key, () =>
      attempts(
        async () => {
          try {
            const condition = version === undefined ? {} : { IfMatch: version };
            const command = new sdk.DeleteObjectCommand({ ...at(key), ...condition });
            if (before !== undefined) checkAttempts(command, before);
            await client.send(command);
            return true;
          } catch (error) {
            if (statusOf(error) === 412) return false;
            if (statusOf(error) === 404) return true;
            throw error;
          }
        },
        pauseMs,
        // The SDK repeats everything else.
        (error) => statusOf(error) === 409,
      ),
    );

  /** Compatible services may ignore conditions silently, so they are tried on an object of its own. */
  const probe = async () => {
    if (!isCompatible) return true;
    const content = {
      bytes: Buffer.from('turnbuild tests whether the service honours conditional requests\n'),
    };
    const attributes = { contentType: 'text/plain', cacheControl: 'no-store' };
    const key = probeKey();
    await put(key, content, attributes, undefined);
    const isNew = await put(key, content, attributes, 'absent');
    const isOther = await put(key, content, attributes, { version: '"00000000000000000000000000000000"' });
    await remove(key);
    return isNew === undefined && isOther === undefined;
  };

  return {
    address,
    hasConditions() {
      conditions ??= probe();
      return conditions;
    },
    get,
    head,
    list: (folder) =>
      call('s3:ListBucket', undefined, async () => {
        const start = `${place(folder)}/`;
        const pages = sdk.paginateListObjectsV2(
          { client },
          { Bucket: bucket, Prefix: start, Delimiter: '/' },
        );
        const names: string[] = [];
        for await (const { Contents = [], CommonPrefixes = [] } of pages) {
          const paths = [
            ...Contents.map(({ Key = '' }) => Key),
            ...CommonPrefixes.map(({ Prefix = '' }) => Prefix),
          ];
          names.push(...paths.map((path) => path.slice(start.length).replace(/\/$/, '')).filter(Boolean));
        }
        return names;
      }),
    listAll: (folder) =>
      call('s3:ListBucket', undefined, async () => {
        const start = `${place(folder)}/`;
        const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: start });
        const found: ListedObject[] = [];
        for await (const { Contents = [] } of pages)
          for (const { Key = '', Size = 0, ETag = '', LastModified } of Contents)
            found.push({
              path: `${folder}/${Key.slice(start.length)}`,
              size: Size,
              version: ETag,
              // Unknown: as if it were new, so that it stays.
              modified: LastModified?.getTime() ?? Date.now(),
            });
        // Some tools create an empty object as a folder.
        return found.filter(({ path }) => !path.endsWith('/'));
      }),
    put,
    remove,
  };
}

function conditionOf(condition: WriteCondition): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {};
  return condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.version };
}

/** Makes a call until it succeeds or fails for good. @param mayPass whether an error may pass */
async function attempts<T>(
  work: () => Promise<T>,
  pauseMs: number,
  mayPass: (error: unknown) => boolean = isTemporary,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= ATTEMPTS || !mayPass(error)) throw error;
      await pause(pauseMs * 2 ** (attempt - 1) * (1 + Math.random()));
    }
  }
}

async function contentOf(body: Readable, tooMuch: () => Error, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) throw tooMuch();
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof TurnbuildError) throw error;
    // The SDK's message. The content was damaged on its way, as it may be when it is stored.
    if (/^Checksum mismatch\b/.test(messageOf(error)))
      throw Object.assign(new Error('the content arrived damaged', { cause: error }), { name: 'BadDigest' });
    throw networkError(error);
  }
  return Buffer.concat(chunks);
}

async function requireDigest(content: Content, sha256: string, address: string): Promise<void> {
  if ((await digestOf(content)) === sha256) return;
  throw new TurnbuildError(
    'ARTIFACT_CHANGED',
    `The content of ${address} changed while it was being stored`,
    {
      hint: 'Another run may be changing the release. Run the same command again.',
    },
  );
}
