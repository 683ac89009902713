import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { contentIn } from './payload.ts';
import { S3Refusal, xml } from './refusal.ts';

export interface S3Object {
  bytes: Buffer;
  etag: string;
  modified: Date;
  contentType: string;
  cacheControl: string | undefined;
  metadata: Record<string, string>;
}

export type S3Objects = Map<string, S3Object>;

/** An answer. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer;
}

interface Call {
  objects: S3Objects;
  key: string;
  query: ReadonlyMap<string, string>;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Names on a page of a list. */
  pageSize: number;
  ignoresConditions: boolean;
}

/** Operations with their parameters. Anything else is refused. */
export const OPERATIONS = {
  ListObjectsV2: {
    parameters: ['list-type', 'prefix', 'delimiter', 'max-keys', 'continuation-token'],
    action: 's3:ListBucket',
    answer: list,
  },
  GetObject: { parameters: [], action: 's3:GetObject', answer: get },
  HeadObject: { parameters: [], action: 's3:GetObject', answer: get },
  PutObject: { parameters: [], action: 's3:PutObject', answer: put },
  DeleteObject: { parameters: [], action: 's3:DeleteObject', answer: remove },
} as const satisfies Record<
  string,
  { parameters: readonly string[]; action: string; answer: (call: Call) => Answer }
>;

export type Operation = keyof typeof OPERATIONS;

/** Headers of Amazon's that an operation may have. */
export const HEADERS =
  /^x-amz-(date|content-sha256|user-agent|security-token|meta-[\w-]+|checksum-(sha256|crc32|mode)|sdk-checksum-algorithm|trailer|decoded-content-length)$/;

const noSuchKey = (key: string) => new S3Refusal(404, 'NoSuchKey', 'The key does not exist.', { Key: key });

function get({ objects, key, headers }: Call): Answer {
  const found = objects.get(key);
  if (found === undefined) throw noSuchKey(key);
  const { bytes, etag, modified, contentType, cacheControl, metadata } = found;
  const wantsChecksum = headers['x-amz-checksum-mode'] === 'ENABLED';
  return {
    status: 200,
    headers: {
      etag,
      'content-type': contentType,
      'content-length': String(bytes.length),
      'last-modified': modified.toUTCString(),
      ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
      ...(wantsChecksum
        ? { 'x-amz-checksum-sha256': createHash('sha256').update(bytes).digest('base64') }
        : {}),
      ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
    },
    body: bytes,
  };
}

function put({ objects, key, headers, body, ignoresConditions }: Call): Answer {
  const bytes = contentIn(headers, body);
  if (!ignoresConditions) requireConditions(objects, key, headers);
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  const named = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  objects.set(key, {
    bytes,
    etag,
    modified: new Date(),
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    cacheControl: headers['cache-control'],
    metadata: Object.fromEntries(
      named.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]),
    ),
  });
  return { status: 200, headers: { etag } };
}

function remove({ objects, key, headers, ignoresConditions }: Call): Answer {
  if (!ignoresConditions) requireConditions(objects, key, headers);
  objects.delete(key);
  return { status: 204 };
}

/** Amazon S3, "Conditional requests": writes know `If-None-Match: *` and `If-Match` with an ETag. */
function requireConditions(objects: S3Objects, key: string, headers: IncomingHttpHeaders): void {
  const found = objects.get(key);
  const { 'if-none-match': none, 'if-match': match } = headers;
  if (none !== undefined && none !== '*') throw new S3Refusal(501, 'NotImplemented', 'If-None-Match');
  const failed = () =>
    new S3Refusal(412, 'PreconditionFailed', 'At least one of the preconditions did not hold');
  if (none !== undefined && found !== undefined) throw failed();
  if (match === undefined) return;
  if (found === undefined) throw noSuchKey(key);
  if (match !== found.etag) throw failed();
}

function list({ objects, query, pageSize }: Call): Answer {
  const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter') ?? ''];
  const limit = Math.min(Number(query.get('max-keys') ?? 1000), pageSize);
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
  const names = new Set<string>();
  for (const key of [...objects.keys()].filter((each) => each.startsWith(prefix)).sort()) {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    names.add(end < 0 ? key : key.slice(0, end + delimiter.length));
  }
  const rest = [...names].filter((name) => name > after);
  const page = rest.slice(0, limit);
  const isTruncated = rest.length > page.length;
  const token = Buffer.from(page.at(-1) ?? '').toString('base64');
  const entries = page.map((name) => {
    const object = objects.get(name);
    if (object === undefined) return `<CommonPrefixes><Prefix>${xml(name)}</Prefix></CommonPrefixes>`;
    return `<Contents><Key>${xml(name)}</Key><Size>${object.bytes.length}</Size><ETag>${xml(object.etag)}</ETag><LastModified>${object.modified.toISOString()}</LastModified></Contents>`;
  });
  const next = isTruncated ? `<NextContinuationToken>${token}</NextContinuationToken>` : '';
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Prefix>${xml(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`;
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
}
