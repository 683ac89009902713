import { randomUUID } from 'node:crypto';
import { TurnbuildError } from '../../errors.ts';
import type { BeforeAttempt, ObjectAttributes } from './bucket.ts';
import { parsedError, refusedError } from './gcs-errors.ts';
import { generationIn } from './gcs-json.ts';
import { type GcsConnection, type GcsRequest, type GcsResponse, sendOnce } from './gcs-request.ts';
import { type Query, withQuery } from './gcs-url.ts';
import type { OpenedContent } from './opened-content.ts';
import { pauseAfter, retrying, Temporary } from './retry.ts';

/** Chunks of a resumable upload are multiples of this: "Resumable uploads" of Cloud Storage. */
export const CHUNK_UNIT = 256 * 1024;

/** An object to store. */
export interface Upload {
  /** The object's full name. */
  name: string;
  /** E.g. `store key.asc`. */
  what: string;
  attributes: ObjectAttributes;
  content: OpenedContent;
  /** Of uploads to the bucket. */
  url: string;
  /** The condition. */
  query: Query;
  /** Called before each request that may store the object. */
  before: BeforeAttempt | undefined;
}

const PERMISSION = 'storage.objects.create';
/** 412: the condition does not hold. 400: among others, the digest differs. */
const ANSWERS = [200, 201, 400, 412];

/**
 * Stores a content in one request.
 * @returns the new generation; undefined if the condition does not hold
 * @throws Temporary if a repetition may succeed
 */
export async function uploadAtOnce(connection: GcsConnection, upload: Upload): Promise<string | undefined> {
  const { content, attributes } = upload;
  const boundary = randomUUID();
  const part = (type: string) => `--${boundary}\r\ncontent-type: ${type}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(`${part('application/json; charset=UTF-8')}${JSON.stringify(resourceOf(upload))}\r\n`),
    Buffer.from(part(attributes.contentType)),
    await content.read(0, content.size),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  await upload.before?.();
  const response = await sendOnce(
    connection,
    {
      ...requestOf(upload),
      method: 'POST',
      url: withQuery(upload.url, { uploadType: 'multipart', ...upload.query }),
      isAuthorized: true,
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body,
    },
    ANSWERS,
  );
  return generationOf(connection, upload, response);
}

/**
 * Stores a content in chunks. After a lost connection, the service is asked for what it has, so at most one chunk is sent again.
 * @param chunkBytes a multiple of CHUNK_UNIT
 * @returns the new generation; undefined if the condition does not hold
 * @throws Temporary if the upload must start from the beginning
 */
export async function uploadInChunks(
  connection: GcsConnection,
  upload: Upload,
  chunkBytes: number,
): Promise<string | undefined> {
  const { content } = upload;
  const session = await retrying(connection, () => startSession(connection, upload));
  if (session === undefined) return undefined;
  let confirmed = 0;
  /** undefined: the service must be asked. */
  let offset: number | undefined = 0;
  for (let failed = 0; ; ) {
    let response: GcsResponse;
    try {
      const start = offset;
      const chunk =
        start === undefined
          ? undefined
          : await content.read(start, Math.min(chunkBytes, content.size - start));
      await upload.before?.();
      response = await sendChunk(connection, upload, session, start, chunk);
    } catch (error) {
      await pauseAfter(error, ++failed, connection);
      offset = undefined;
      continue;
    }
    if (response.status === 404 || response.status === 410)
      throw new Temporary(failure(connection, upload, 'the service has forgotten a part of the upload'));
    if (response.status !== 308) return generationOf(connection, upload, response);
    const next = storedBytes(response.headers.get('range'));
    const sent = offset === undefined ? content.size : offset + chunkBytes;
    if (next === undefined || next < confirmed || next > Math.min(sent, content.size))
      throw new Temporary(failure(connection, upload, 'the service confirmed other bytes than were sent'));
    if (next > confirmed) failed = 0;
    else if (offset !== undefined) {
      const stuck = new Temporary(failure(connection, upload, 'the service stores nothing'));
      await pauseAfter(stuck, ++failed, connection);
    }
    confirmed = next;
    // All bytes are there, but the object is not: ask again.
    offset = next < content.size ? next : undefined;
    if (offset === undefined)
      await pauseAfter(
        new Temporary(failure(connection, upload, 'the service does not finish the upload')),
        ++failed,
        connection,
      );
  }
}

/** @returns the session's URI, which permits the upload: it must be in no message; undefined if the condition does not hold */
async function startSession(connection: GcsConnection, upload: Upload): Promise<string | undefined> {
  const { attributes, content } = upload;
  const response = await sendOnce(
    connection,
    {
      ...requestOf(upload),
      method: 'POST',
      url: withQuery(upload.url, { uploadType: 'resumable', ...upload.query }),
      isAuthorized: true,
      headers: {
        'content-type': 'application/json; charset=UTF-8',
        'x-upload-content-type': attributes.contentType,
        'x-upload-content-length': String(content.size),
      },
      body: Buffer.from(JSON.stringify(resourceOf(upload))),
    },
    [200, 201, 412],
  );
  if (response.status === 412) return undefined;
  const uri = response.headers.get('location') ?? '';
  const isSafe =
    URL.canParse(uri) && (uri.startsWith('https://') || connection.endpoint.startsWith('http://'));
  if (!isSafe) throw failure(connection, upload, 'the service did not open an upload');
  return uri;
}

/** Sends a chunk; without one, asks what is stored. */
function sendChunk(
  connection: GcsConnection,
  upload: Upload,
  session: string,
  start: number | undefined,
  chunk: Buffer | undefined,
): Promise<GcsResponse> {
  const { size } = upload.content;
  const range = start === undefined || chunk === undefined ? '*' : `${start}-${start + chunk.length - 1}`;
  return sendOnce(
    connection,
    {
      ...requestOf(upload),
      method: 'PUT',
      url: session,
      isAuthorized: false,
      headers: { 'content-range': `bytes ${range}/${size}` },
      body: chunk ?? Buffer.alloc(0),
    },
    [...ANSWERS, 308, 404, 410],
  );
}

/** The bytes that a 308 confirms; undefined if it cannot be read. Without a range, nothing is stored. */
function storedBytes(range: string | null): number | undefined {
  if (range === null) return 0;
  const [, last] = /^bytes=0-(\d+)$/.exec(range) ?? [];
  return last === undefined ? undefined : Number(last) + 1;
}

function requestOf({ what }: Upload): Pick<GcsRequest, 'what' | 'permission'> {
  return { what, permission: PERMISSION };
}

/** The object's metadata. The service refuses content that does not have the MD5. */
function resourceOf({ name, attributes, content }: Upload): object {
  const { contentType, cacheControl } = attributes;
  return { name, contentType, cacheControl, md5Hash: content.md5, metadata: { sha256: content.sha256 } };
}

function generationOf(
  connection: GcsConnection,
  upload: Upload,
  { status, body }: GcsResponse,
): string | undefined {
  if (status === 412) return undefined;
  if (status === 400) {
    const isDamaged = /\b(?:MD5|CRC32C)\b.*doesn't match/i.test(parsedError(body).message);
    throw isDamaged
      ? new Temporary(failure(connection, upload, 'the content arrived damaged, and was not stored'))
      : refusedError({ address: connection.address, ...requestOf(upload) }, status, body, null);
  }
  return generationIn(body) ?? raise(failure(connection, upload, 'the service sent no generation'));
}

/** Throws in an expression. */
export function raise(error: Error): never {
  throw error;
}

function failure({ address }: GcsConnection, { what }: Upload, why: string): TurnbuildError {
  return new TurnbuildError('STORE_FAILED', `Cannot ${what} in ${address}: ${why}`, {
    hint: 'Run the same command again. If it happens again, please report it.',
  });
}
