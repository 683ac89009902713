import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { s3Simulator } from '../support/s3/simulator.ts';

// The SDK warns of Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const Bucket = 'packages';

/** A simulator, and the official client with its defaults. */
async function place(secretAccessKey?: string) {
  const simulator = await s3Simulator();
  const { env } = simulator;
  const client = new S3Client({
    endpoint: simulator.url,
    region: env.AWS_REGION,
    forcePathStyle: true,
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID,
      secretAccessKey: secretAccessKey ?? env.AWS_SECRET_ACCESS_KEY,
    },
  });
  return { simulator, client };
}

describe("the tests' S3", () => {
  it('works with the official client', async () => {
    const { simulator, client } = await place();
    const names = ['a/1+2~3.deb', 'a/b/c', 'a/d', 'a/e', 'a/f', 'other'];
    for (const Key of names)
      await client.send(
        new PutObjectCommand({ Bucket, Key, Body: `content of ${Key}`, Metadata: { sha256: 'x' } }),
      );
    const Body = Readable.from([Buffer.from('a stream')]);
    await client.send(new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: 8 }));
    const { Body: read } = await client.send(new GetObjectCommand({ Bucket, Key: 'a/1+2~3.deb' }));
    expect(await read?.transformToString()).toBe('content of a/1+2~3.deb');
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'stream' }))).toMatchObject({
      ContentLength: 8,
    });
    const listed: unknown[] = [];
    for await (const { Contents = [], CommonPrefixes = [] } of paginateListObjectsV2(
      { client },
      { Bucket, Prefix: 'a/', Delimiter: '/' },
    ))
      listed.push(...Contents.map(({ Key }) => Key), ...CommonPrefixes.map(({ Prefix }) => Prefix));
    expect(listed.sort()).toEqual(['a/1+2~3.deb', 'a/b/', 'a/d', 'a/e', 'a/f']);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'stream' }));
    expect([...simulator.objects.keys()]).toEqual(names);
    expect(simulator.unknown).toEqual([]);
  });

  it('refuses what S3 refuses', async () => {
    const { simulator, client } = await place();
    const put = { Bucket, Key: 'a', Body: 'x' };
    const { ETag } = await client.send(new PutObjectCommand(put));
    const refusals = [
      [new PutObjectCommand({ ...put, IfNoneMatch: '*' }), 'PreconditionFailed'],
      [new PutObjectCommand({ ...put, IfMatch: '"0"' }), 'PreconditionFailed'],
      [new DeleteObjectCommand({ Bucket, Key: 'a', IfMatch: '"0"' }), 'PreconditionFailed'],
      [new PutObjectCommand({ ...put, ChecksumSHA256: 'AAAA' }), 'BadDigest'],
      [new GetObjectCommand({ Bucket, Key: 'none' }), 'NoSuchKey'],
      [new GetObjectCommand({ Bucket: 'none', Key: 'a' }), 'NoSuchBucket'],
      [new PutObjectCommand({ ...put, ACL: 'public-read' }), 'NotImplemented'],
      [new ListBucketsCommand(), 'NotImplemented'],
    ] as const;
    for (const [command, name] of refusals)
      await expect(client.send(command as PutObjectCommand)).rejects.toMatchObject({ name });
    expect(simulator.unknown.length).toBe(2);
    await client.send(new PutObjectCommand({ ...put, IfMatch: ETag }));
    const { client: other } = await place('another secret');
    await expect(other.send(new PutObjectCommand(put))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
  });

  it('lets anonymous clients only read, and takes an unescaped plus for a space', async () => {
    const { simulator, client } = await place();
    await client.send(new PutObjectCommand({ Bucket, Key: 'a+b', Body: 'x' }));
    const status = async (path: string, method = 'GET') =>
      (await fetch(`${simulator.url}/packages/${path}`, { method })).status;
    expect([await status('a%2Bb'), await status('a+b')]).toEqual([200, 403]);
    expect(await status('a%2Bb', 'DELETE')).toBe(403);
  });
});
