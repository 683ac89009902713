import type { Failure } from '../schedules/failure.ts';
import type { Fault } from './faults.ts';

const CODES = 'Cloud Storage, "HTTP status and error codes for JSON"';
const RETRIES = 'Cloud Storage, "Retry strategy": 408, 429, 5xx, socket time-outs and TCP disconnects';
const UPLOADS = 'Cloud Storage, "Perform resumable uploads"';
const HASHES = 'Cloud Storage, "Data validation and change detection"';

const ALL = /^/;
/** Requests to a session need no token, and have answers of their own. */
const AUTHORIZED = /^objects\./;
const INSERT = /^objects\.insert/;
const CHANGES = /^objects\.(?:insert|delete)/;
const SESSION = /^upload /;

/** Uploads of packages begin without content. Their metadata have no digest. */
const WITH_DIGEST = /^(?!objects\.insert .*\.deb )/;

const connection = (kind: Fault & string, source: string, calls = ALL): Failure<Fault> => ({
  ...{ name: kind, calls, kind, source, isSlow: kind.startsWith('silence') },
});

function answer(
  status: number,
  reason: string,
  calls: RegExp,
  source: string,
  ends?: string,
): Failure<Fault> {
  const message = ends === 'STORE_NOT_FOUND' ? 'The specified bucket does not exist.' : 'planted';
  const found = { name: `${status} ${reason}`, calls, kind: { status, reason, message }, source };
  return ends === undefined ? found : { ...found, ends };
}

const late = (status: number): Failure<Fault> => ({
  ...{
    name: `${status}, although it took effect`,
    calls: ALL,
    kind: { status, after: true },
    source: RETRIES,
  },
});

/**
 * The failures of the requests that turnbuild sends, as Google documents them. Not among them: 404 for an object, 412 for a condition, and 308
 * of an upload that goes on, which are answers.
 */
export const GCS_FAILURES: readonly Failure<Fault>[] = [
  connection('silence-before', RETRIES),
  connection('silence-after', RETRIES),
  connection('reset-before', RETRIES),
  connection('reset-after', RETRIES),
  connection('reset-within', RETRIES),
  connection('twice', RETRIES),
  connection('damaged', HASHES, WITH_DIGEST),
  ...[408, 429, 500, 502, 503, 504].flatMap((status) => [
    answer(status, status === 429 ? 'rateLimitExceeded' : 'backendError', ALL, RETRIES),
    late(status),
  ]),
  answer(403, 'rateLimitExceeded', AUTHORIZED, CODES),
  answer(403, 'userRateLimitExceeded', AUTHORIZED, CODES),
  // The token has expired earlier than the client knows.
  answer(401, 'authError', AUTHORIZED, CODES),
  answer(404, 'notFound', SESSION, UPLOADS),
  answer(410, 'gone', SESSION, UPLOADS),
  // The service has stored nothing of a chunk.
  { name: '308 without a range', calls: SESSION, kind: { status: 308 }, source: UPLOADS },
  answer(400, 'invalid', AUTHORIZED, CODES, 'STORE_FAILED'),
  answer(403, 'forbidden', AUTHORIZED, CODES, 'STORE_ACCESS_DENIED'),
  answer(403, 'insufficientPermissions', AUTHORIZED, CODES, 'STORE_ACCESS_DENIED'),
  answer(403, 'accountDisabled', AUTHORIZED, CODES, 'STORE_FAILED'),
  answer(403, 'quotaExceeded', AUTHORIZED, CODES, 'STORE_FULL'),
  answer(403, 'retentionPolicyNotMet', CHANGES, CODES, 'STORE_FAILED'),
  answer(403, 'objectUnderActiveHold', CHANGES, CODES, 'STORE_FAILED'),
  answer(404, 'notFound', AUTHORIZED, CODES, 'STORE_NOT_FOUND'),
  answer(409, 'conflict', INSERT, CODES, 'STORE_FAILED'),
  answer(501, 'notImplemented', AUTHORIZED, CODES, 'STORE_FAILED'),
];
