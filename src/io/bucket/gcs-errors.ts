import { TurnbuildError } from '../../errors.ts';
import { ProxyError } from '../fetch.ts';
import { networkProblem } from '../network-error.ts';
import { Temporary } from './retry.ts';
import { withoutSecrets } from './secrets.ts';

/** A call, for messages. */
export interface GcsCall {
  /** E.g. `gs://packages/coturn`. */
  address: string;
  /** E.g. `store key.asc`. */
  what: string;
  /** What the call needs, e.g. `storage.objects.create`. */
  permission: string;
}

/** A response that is not a success. */
interface Refusal {
  status: number;
  /** `error.errors[0].reason`; '' if there is none. */
  reason: string;
  message: string;
}

interface Rule {
  when: (refusal: Refusal) => boolean;
  code: string;
  why: string | ((refusal: Refusal) => string);
  hint: string | ((refusal: Refusal, call: GcsCall) => string);
  temporary?: boolean;
  /** Attempts that are worth it; by default, as many as for other errors. */
  attempts?: number;
}

const reasons =
  (...known: string[]) =>
  ({ reason }: Refusal) =>
    known.includes(reason);
const saying =
  (words: RegExp) =>
  ({ message }: Refusal) =>
    words.test(message);
/** The permission that the service names, which may be another one: replacing an object needs two. */
const permissionOf = ({ message }: Refusal, { permission }: GcsCall) =>
  /\bstorage\.[a-z]+\.[a-zA-Z]+\b/.exec(message)?.[0] ?? permission;
const AGAIN = 'Run the same command again later: it continues where it stopped.';

/** Refusals by cause; the first that applies counts. From "HTTP status and error codes for JSON" of Cloud Storage. */
const RULES: readonly Rule[] = [
  {
    when: (refusal) => [400, 403].includes(refusal.status) && saying(/requester pays/i)(refusal),
    code: 'STORE_ACCESS_DENIED',
    why: 'Requester Pays is enabled for the bucket',
    hint: 'Set GOOGLE_CLOUD_QUOTA_PROJECT to the project that pays.',
  },
  {
    when: (refusal) =>
      refusal.status === 403 &&
      (reasons('accountDisabled')(refusal) || saying(/\bbill(?:ing|ed)\b/i)(refusal)),
    code: 'STORE_FAILED',
    why: "billing is disabled for the bucket's project",
    hint: 'Link an active billing account to the project, and run the same command again.',
  },
  {
    when: reasons('quotaExceeded', 'dailyLimitExceeded'),
    code: 'STORE_FULL',
    why: 'a quota of the project is exhausted',
    hint: 'Raise the quota in the Google Cloud console, or run the same command again later.',
  },
  {
    when: (refusal) =>
      refusal.status === 429 || reasons('rateLimitExceeded', 'userRateLimitExceeded')(refusal),
    code: 'STORE_UNREACHABLE',
    why: 'there are too many requests',
    hint: AGAIN,
    temporary: true,
  },
  {
    when: reasons('retentionPolicyNotMet', 'objectUnderActiveHold'),
    code: 'STORE_FAILED',
    why: 'the object is protected by a retention policy or a hold',
    hint: 'Remove it: indices of a repository must be replaceable.',
  },
  {
    // A token may expire early, or be revoked. With a new one, the request may succeed.
    when: ({ status }) => status === 401,
    code: 'CREDENTIALS_REFUSED',
    why: 'the credentials were rejected',
    hint: 'Create new ones, e.g. with `gcloud auth application-default login`: docs/publishing.md.',
    temporary: true,
    attempts: 3,
  },
  {
    when: ({ status }) => status === 403,
    code: 'STORE_ACCESS_DENIED',
    why: ({ message }) => (message === '' ? 'access is denied' : message),
    hint: (refusal, call) =>
      `Grant ${permissionOf(refusal, call)} on the bucket. docs/policies/publish-gcs.yaml is a role with all permissions that are needed.`,
  },
  {
    when: ({ status }) => status === 404,
    code: 'STORE_NOT_FOUND',
    why: 'the bucket does not exist',
    hint: 'Check the name, or create it: gcloud storage buckets create.',
  },
  {
    // 501: the service does not have the feature.
    when: ({ status }) => status === 408 || (status >= 500 && status !== 501),
    code: 'STORE_UNREACHABLE',
    why: ({ status }) => `the service is overloaded or down (${status})`,
    hint: AGAIN,
    temporary: true,
  },
];

const OTHER: Omit<Rule, 'when'> = {
  code: 'STORE_FAILED',
  why: ({ status, message }) => `the service answered ${status}${message === '' ? '' : `: ${message}`}`,
  hint: 'If it happens again, please report it.',
};

/** Longest pause that a service may ask for. */
const MAX_WAIT_MS = 60_000;

/** The error of a refused call: Temporary if a repetition may succeed. */
export function refusedError(call: GcsCall, status: number, body: Buffer, retryAfter: string | null): Error {
  const refusal = { status, ...parsedError(body) };
  const { code, why, hint, temporary, attempts } = RULES.find(({ when }) => when(refusal)) ?? OTHER;
  const said = typeof why === 'string' ? why : why(refusal);
  const error = new TurnbuildError(code, `Cannot ${call.what} in ${call.address}: ${said}`, {
    hint: typeof hint === 'string' ? hint : hint(refusal, call),
  });
  if (temporary !== true) return error;
  const seconds = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) : 0;
  return new Temporary(error, Math.min(seconds * 1000, MAX_WAIT_MS), attempts);
}

/** Reason and message of an error in JSON; both '' if it is something else, e.g. a proxy's page. */
export function parsedError(body: Buffer): { reason: string; message: string } {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: unknown };
    const { message, errors } = error as { message?: unknown; errors?: { reason?: unknown }[] };
    return { reason: String(errors?.[0]?.reason ?? ''), message: withoutSecrets(String(message ?? '')) };
  } catch {
    return { reason: '', message: '' };
  }
}

/**
 * The error of a request without an answer.
 * @param what what failed, for the message
 * @param error not kept as a cause, because it may contain a session URI or a token
 */
export function unansweredError(what: string, error: unknown): Error {
  if (error instanceof ProxyError && error.retryable)
    return new Temporary(new TurnbuildError(error.code, error.message, { hint: error.hint ?? '' }));
  if (error instanceof TurnbuildError || error instanceof Temporary) return error;
  const problem = networkProblem(error);
  const failure = new TurnbuildError(
    'STORE_UNREACHABLE',
    `${what}: ${problem?.why ?? 'the request failed'}`,
    {
      hint:
        problem?.hint ?? 'Check the network, then run the same command again: it continues where it stopped.',
    },
  );
  return problem === undefined || problem.isLasting ? failure : new Temporary(failure);
}
