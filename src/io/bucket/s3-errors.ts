import { messageOf, TurnbuildError } from '../../errors.ts';
import { networkProblem } from '../network-error.ts';
import { withoutSecrets } from './secrets.ts';

/** The call that failed. */
export interface S3Call {
  /** The repository's address, e.g. `s3://packages/coturn`. */
  address: string;
  bucket: string;
  /** The object's key; undefined for a call about the bucket. */
  key: string | undefined;
  /** The permission that it needs, e.g. `s3:PutObject`. */
  action: string;
}

/** What the SDK's errors have in common. */
export interface S3Failure {
  name?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { headers?: Record<string, string> };
}

interface Row {
  code: string;
  /** Names of errors, or statuses. */
  names: readonly string[];
  message: (call: S3Call, detail: string) => string;
  hint: string | ((call: S3Call) => string);
}

const arnOf = ({ bucket, key }: S3Call) => `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;

/** What may be deleted besides the lock has a policy of its own. */
const policyOf = ({ action, key = '' }: S3Call) =>
  action === 's3:DeleteObject' && !/(?:^|\/)\.lock[^/]*$/.test(key)
    ? 'publish-gc-s3.json'
    : 'publish-s3.json';

const CREDENTIALS =
  'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role provides credentials: docs/publishing.md.';

/** Amazon S3, "Error responses", and the names of the SDK's own errors. */
const ROWS: readonly Row[] = [
  {
    code: 'CREDENTIALS_MISSING',
    names: ['CredentialsProviderError'],
    message: ({ address }) => `There are no AWS credentials for ${address}`,
    hint: CREDENTIALS,
  },
  {
    code: 'CREDENTIALS_REFUSED',
    names: [
      'InvalidAccessKeyId',
      'SignatureDoesNotMatch',
      'InvalidToken',
      'TokenRefreshRequired',
      'NotSignedUp',
    ],
    message: ({ address }, detail) =>
      `${address}: the service does not accept the AWS credentials (${detail})`,
    hint: 'Check the access key and its secret. Temporary credentials also need AWS_SESSION_TOKEN.',
  },
  {
    code: 'CREDENTIALS_REFUSED',
    names: ['ExpiredToken', 'ExpiredTokenException', 'TokenProviderError'],
    message: ({ address }) => `${address}: the AWS credentials have expired`,
    hint: 'Get new ones (aws sso login, or a new role session), and run the same command again.',
  },
  {
    code: 'CLOCK_WRONG',
    names: ['RequestTimeTooSkewed', 'RequestExpired'],
    message: ({ address }) => `${address}: this machine's clock differs too much from the service's`,
    hint: 'Set the clock, e.g. with NTP, and run the same command again.',
  },
  {
    code: 'STORE_ACCESS_DENIED',
    names: ['AccessDenied', 'AllAccessDisabled', 'AccountProblem', '403', 'Forbidden'],
    message: (call) => `${call.address}: access denied: ${call.action} on ${arnOf(call)}`,
    hint: (call) =>
      `Allow it in the policy of the user or role, as in docs/policies/${policyOf(call)}, and check the policies of the bucket and of its KMS key.`,
  },
  {
    code: 'STORE_NOT_FOUND',
    names: ['NoSuchBucket'],
    message: ({ bucket }) => `There is no bucket ${bucket}`,
    hint: 'Create it, or check its name in --repo. With another service than AWS, set AWS_ENDPOINT_URL_S3.',
  },
  {
    code: 'STORE_FAILED',
    names: ['InvalidObjectState'],
    message: (call) => `${call.address}: ${arnOf(call)} is archived and cannot be read`,
    hint: 'Restore the object, and remove the lifecycle rule that archives it: clients need every file.',
  },
  {
    code: 'STORE_FULL',
    names: ['QuotaExceeded', 'InsufficientStorage', 'XMinioStorageFull', 'ServiceQuotaExceeded', '507'],
    message: ({ address }, detail) => `${address}: the service has no space left (${detail})`,
    hint: 'Raise the quota or free space, and run the same command again: stored files are kept.',
  },
  {
    code: 'STORE_UNREACHABLE',
    names: [
      'SlowDown',
      'ServiceUnavailable',
      'InternalError',
      'RequestTimeout',
      '429',
      '500',
      '502',
      '503',
      '504',
    ],
    message: ({ address, action }, detail) =>
      `${address}: the service is overloaded or down (${detail}; ${action})`,
    hint: 'Wait a while, and run the same command again.',
  },
  {
    code: 'STORE_FAILED',
    names: ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException', '301'],
    message: ({ address }, detail) => `${address} is in another region (${detail})`,
    hint: "Set AWS_REGION to the bucket's region.",
  },
];

/** Codes of network errors that a wrong address can cause. */
const ADDRESS = /^(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED)$/;

/** An error of a call -> a TurnbuildError that says what to do. */
export function s3Error(error: unknown, call: S3Call): TurnbuildError {
  if (error instanceof TurnbuildError) return error;
  const { name = '', $metadata } = error as S3Failure;
  const problem = $metadata?.httpStatusCode === undefined ? networkProblem(error) : undefined;
  if (problem !== undefined)
    return new TurnbuildError(
      'STORE_UNREACHABLE',
      `${call.address} is unreachable: ${problem.why} (${call.action})`,
      {
        cause: error,
        hint: ADDRESS.test(problem.code)
          ? 'Check the network, AWS_REGION and AWS_ENDPOINT_URL_S3, and run the same command again.'
          : problem.hint,
      },
    );
  const status = String($metadata?.httpStatusCode ?? '');
  const row = [name, status].map((word) => word !== '' && ROWS.find(({ names }) => names.includes(word)));
  const found = row.find((each) => each !== false && each !== undefined);
  const answer = [name, status].filter((word) => word !== '' && word !== 'Error').join(', ');
  const said = withoutSecrets(messageOf(error));
  const detail = $metadata?.httpStatusCode === undefined ? said : answer;
  if (found) {
    const hint = typeof found.hint === 'string' ? found.hint : found.hint(call);
    return new TurnbuildError(found.code, found.message(call, detail), { cause: error, hint });
  }
  return new TurnbuildError(
    'STORE_FAILED',
    `${call.address}: ${call.action} on ${arnOf(call)} failed: ${[answer, said].join(': ')}`,
    {
      cause: error,
      hint: 'Run the same command again. If that fails, too, look the error up in the documentation of the service.',
    },
  );
}

/** Errors after which the same call may succeed. */
const TEMPORARY = [
  ...[
    'SlowDown',
    'ServiceUnavailable',
    'InternalError',
    'RequestTimeout',
    'TimeoutError',
    'RequestTimeTooSkewed',
  ],
  ...[
    'ConditionalRequestConflict',
    'OperationAborted',
    'BadDigest',
    'XAmzContentSHA256Mismatch',
    'IncompleteBody',
  ],
  ...[
    'ECONNRESET',
    'ECONNREFUSED',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ],
];

/** Whether the same call may succeed. */
export function isTemporary(error: unknown): boolean {
  const { name = '', code = '', $metadata } = error as S3Failure;
  const status = $metadata?.httpStatusCode ?? 0;
  // 501: the service does not have the feature.
  const isOverloaded = status === 429 || (status >= 500 && status !== 501);
  return TEMPORARY.includes(name) || TEMPORARY.includes(code) || isOverloaded;
}

/** The status of the service's answer; undefined if there was none. */
export const statusOf = (error: unknown) => (error as S3Failure).$metadata?.httpStatusCode;
