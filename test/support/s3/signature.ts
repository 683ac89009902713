import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { S3Refusal } from './refusal.ts';

/** The only user of the simulator. */
export const ACCESS_KEY = 'AKIAEXAMPLE';
export const SECRET_KEY = 'wJalrXUtnFEMI/EXAMPLEKEY';

/** The service refuses requests that are signed earlier or later than this. */
const SKEW_MS = 15 * 60_000;

/** What a content is declared to be without a digest: nothing, or chunks with a checksum behind them. */
export const UNSIGNED = 'UNSIGNED-PAYLOAD';
export const CHUNKED = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/**
 * Recomputes the signature of a request (Amazon S3, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)").
 * @returns false for an anonymous request @throws S3Refusal
 */
export function verifySignature(
  request: IncomingMessage,
  body: Buffer,
  region: string,
  now: number,
): boolean {
  const { headers, method, url = '' } = request;
  const { authorization } = headers;
  if (authorization === undefined) return false;
  const [, access, date = '', scope, service, names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (access === undefined || service !== 's3')
    throw new S3Refusal(400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed');
  if (access !== ACCESS_KEY) throw new S3Refusal(403, 'InvalidAccessKeyId', 'The key does not exist');
  if (scope !== region)
    throw new S3Refusal(400, 'AuthorizationHeaderMalformed', `expecting '${region}'`, {
      Region: region,
    });
  const time = String(headers['x-amz-date']);
  const signed = Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(now - signed) < SKEW_MS) || !time.startsWith(date))
    throw new S3Refusal(403, 'RequestTimeTooSkewed', 'The difference is too large');
  const list = names.split(';');
  const unsigned = [
    'host',
    ...Object.keys(headers).filter((name) => /^(x-amz-|content-type$|if-)/.test(name)),
  ].filter((name) => !list.includes(name));
  if (unsigned.length > 0)
    throw new S3Refusal(
      403,
      'AccessDenied',
      `There were headers which were not signed: ${unsigned.join(', ')}`,
    );
  const payload = String(headers['x-amz-content-sha256']);
  const { pathname, search } = splitUrl(url);
  const canonical = [
    method,
    pathname,
    search
      .split('&')
      .filter(Boolean)
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...list.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    payload,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, `${date}/${region}/s3/aws4_request`, sha256(canonical)].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${SECRET_KEY}`);
  if (hmac(key, text).toString('hex') !== signature)
    throw new S3Refusal(403, 'SignatureDoesNotMatch', 'The signature does not match');
  if (![UNSIGNED, CHUNKED].includes(payload) && payload !== sha256(body))
    throw new S3Refusal(400, 'XAmzContentSHA256Mismatch', 'The digest does not match');
  return true;
}

/** Not URL: its parser would change the path that was signed. */
export function splitUrl(url: string): { pathname: string; search: string } {
  const at = url.indexOf('?');
  return at < 0 ? { pathname: url, search: '' } : { pathname: url.slice(0, at), search: url.slice(at + 1) };
}

const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
