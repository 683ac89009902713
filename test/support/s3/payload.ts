import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { S3Refusal } from './refusal.ts';
import { CHUNKED } from './signature.ts';

/**
 * The content in the body of a PUT: as it is, or in chunks with a checksum behind them (Amazon S3, "Trailing checksums").
 * @throws S3Refusal if it is not that of its checksum
 */
export function contentIn(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  const isChunked = headers['x-amz-content-sha256'] === CHUNKED;
  const { content, trailer } = isChunked ? unchunked(body) : { content: body, trailer: undefined };
  const length = headers['x-amz-decoded-content-length'];
  if (isChunked && (Number(length) !== content.length || trailer?.[0] !== headers['x-amz-trailer']))
    throw new S3Refusal(400, 'IncompleteBody', 'The length or the trailer is not as announced');
  const digests = Object.entries(headers).filter(([name]) => /^x-amz-checksum-(?!mode|algorithm)/.test(name));
  const all = [...digests, ...(trailer === undefined ? [] : [trailer])];
  if (all.length === 0) throw new S3Refusal(400, 'MissingChecksum', 'The simulator requires a checksum');
  for (const [name, value] of all)
    if (value !== checksum(name, content)) throw new S3Refusal(400, 'BadDigest', `${name} does not match`);
  return content;
}

function checksum(name: string, content: Buffer): string {
  if (name === 'x-amz-checksum-sha256') return createHash('sha256').update(content).digest('base64');
  if (name !== 'x-amz-checksum-crc32') throw new S3Refusal(501, 'NotImplemented', name);
  const four = Buffer.alloc(4);
  four.writeUInt32BE(crc32(content));
  return four.toString('base64');
}

function unchunked(body: Buffer): { content: Buffer; trailer: [string, string] | undefined } {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (end < 0 || Number.isNaN(size)) throw new S3Refusal(400, 'IncompleteBody', 'A chunk is missing');
    if (size === 0) {
      const [name = '', value = ''] = body
        .subarray(end + 2)
        .toString()
        .split(/[:\r]/);
      return { content: Buffer.concat(chunks), trailer: name === '' ? undefined : [name, value] };
    }
    chunks.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
