import type { Failure } from '../schedules/failure.ts';
import type { FaultKind } from './faults.ts';
import { S3Refusal } from './refusal.ts';

const LIST = 'Amazon S3 API Reference, "Error responses", "List of error codes"';
const RETRIES = 'AWS SDKs and Tools Reference Guide, "Retry behavior": transient errors';
const INTERNAL =
  'Amazon S3 User Guide, "Amazon S3 error best practices": after an InternalError, a PUT may or may not have been processed';
const WRITES =
  'Amazon S3 User Guide, "How to prevent object overwrites with conditional writes": retry the upload';
const INTEGRITY = 'Amazon S3 User Guide, "Checking object integrity in Amazon S3"';

/** All operations that turnbuild uses. */
const ALL = /^/;
/** Those that are answered with a body, which says what is wrong. */
const EXPLAINED = /^(?!HeadObject)/;
const HEAD = /^HeadObject/;
const PUT = /^PutObject/;
const GET = /^GetObject/;
const WITH_CONTENT = /^(?:PutObject|GetObject|ListObjectsV2)/;
const CHANGES = /^(?:Put|Delete)Object/;

const connection = (kind: FaultKind & string, calls: RegExp, source: string): Failure<FaultKind> => ({
  ...{ name: kind, calls, kind, source, isSlow: kind.startsWith('hang') },
});

const answer = (status: number, code: string, calls: RegExp, source: string, ends?: string) => {
  const kind = new S3Refusal(status, code, 'An error that a test has planted.');
  const found: Failure<FaultKind> = { name: `${status} ${code}`, calls, kind, source };
  return ends === undefined ? found : { ...found, ends };
};

const late = (status: number, code: string, source: string): Failure<FaultKind> => ({
  name: `${status} ${code}, although it took effect`,
  calls: ALL,
  kind: { after: new S3Refusal(status, code, 'An error that a test has planted.') },
  source,
});

/**
 * The failures of the operations that turnbuild uses, as Amazon documents them. Not among them: 404 of HeadObject and NoSuchKey of GetObject,
 * which are answers, and 412, which is the answer of a condition.
 */
export const S3_FAILURES: readonly Failure<FaultKind>[] = [
  connection('hang-before', ALL, RETRIES),
  connection('hang-after', ALL, RETRIES),
  connection('cut-before', ALL, RETRIES),
  connection('cut-after', ALL, RETRIES),
  connection('cut-body', WITH_CONTENT, RETRIES),
  connection('twice', ALL, RETRIES),
  connection('damaged', /^(?:PutObject|GetObject)/, INTEGRITY),
  answer(500, 'InternalError', ALL, LIST),
  late(500, 'InternalError', INTERNAL),
  answer(502, 'BadGateway', ALL, RETRIES),
  answer(503, 'ServiceUnavailable', ALL, LIST),
  late(503, 'ServiceUnavailable', INTERNAL),
  answer(503, 'SlowDown', ALL, LIST),
  answer(504, 'GatewayTimeout', ALL, RETRIES),
  answer(429, 'TooManyRequests', ALL, RETRIES),
  answer(400, 'RequestTimeout', PUT, LIST),
  answer(400, 'IncompleteBody', PUT, LIST),
  answer(400, 'BadDigest', PUT, LIST),
  answer(400, 'XAmzContentSHA256Mismatch', PUT, LIST),
  answer(409, 'ConditionalRequestConflict', PUT, WRITES),
  answer(409, 'OperationAborted', CHANGES, LIST),
  answer(403, 'AccessDenied', EXPLAINED, LIST, 'STORE_ACCESS_DENIED'),
  answer(403, 'AllAccessDisabled', EXPLAINED, LIST, 'STORE_ACCESS_DENIED'),
  answer(403, 'InvalidAccessKeyId', EXPLAINED, LIST, 'CREDENTIALS_REFUSED'),
  answer(403, 'SignatureDoesNotMatch', EXPLAINED, LIST, 'CREDENTIALS_REFUSED'),
  answer(400, 'ExpiredToken', EXPLAINED, LIST, 'CREDENTIALS_REFUSED'),
  answer(400, 'InvalidToken', EXPLAINED, LIST, 'CREDENTIALS_REFUSED'),
  answer(404, 'NoSuchBucket', EXPLAINED, LIST, 'STORE_NOT_FOUND'),
  answer(403, 'InvalidObjectState', GET, LIST, 'STORE_FAILED'),
  answer(400, 'KMS.DisabledException', PUT, LIST, 'STORE_FAILED'),
  // Services that are compatible with S3.
  answer(403, 'QuotaExceeded', PUT, 'Ceph Object Gateway, "S3 error responses"', 'STORE_FULL'),
  answer(507, 'InsufficientStorage', PUT, 'RFC 4918, 11.5', 'STORE_FULL'),
  // Without a body, the reason is unknown.
  answer(403, 'Forbidden', HEAD, 'Amazon S3 API Reference, HeadObject', 'STORE_ACCESS_DENIED'),
  answer(400, 'BadRequest', HEAD, 'Amazon S3 API Reference, HeadObject', 'STORE_FAILED'),
];
