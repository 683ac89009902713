import type { Failure, How } from './injection.ts';

const SECONDARY = 'You have exceeded a secondary rate limit.';
const PRIMARY = 'API rate limit exceeded';
const soon = () => ({
  'x-ratelimit-remaining': '0',
  'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 30),
});

/** GitHub's documentation, "Troubleshooting the REST API" and "Rate limits for the REST API": how GitHub asks a client to wait. */
const limits = (): Failure[] => [
  { status: 403, message: SECONDARY, headers: { 'retry-after': '60' } },
  { status: 429, message: SECONDARY, headers: { 'retry-after': '60' } },
  { status: 403, message: SECONDARY },
  { status: 403, message: PRIMARY, headers: soon() },
  { status: 429, message: PRIMARY, headers: soon() },
];

/** What any request survives within the run, but for waiting and silence. */
const PASSING: readonly How[] = [
  ...[500, 502, 503, 504].map((status) => ({ status })),
  { status: 502, after: true },
  // The description of the API has no 409 for releases; other endpoints have it.
  { status: 409, message: 'Conflict' },
  'reset before',
  'reset after',
  'reset in response',
  'twice',
];
/** These take two minutes, here seconds. */
const SILENT: readonly How[] = ['silence', 'silence after'];

const invalid = (resource: string, code: string, field: string) => ({
  status: 422,
  message: 'Validation Failed',
  errors: [{ resource, code, field }],
});

/** What only some requests survive. */
const PASSING_OF: Readonly<Record<string, readonly How[]>> = {
  'POST upload': ['reset halfway', 'damage', 'lie', invalid('ReleaseAsset', 'already_exists', 'name')],
};
/** A link to a file is valid for minutes only. */
const FILE: readonly How[] = [
  ...[{ status: 403, message: 'Signature not valid' }, { status: 500 }, { status: 503 }],
  ...(['reset before', 'reset in response'] as const),
];

/** What a request survives. @param isSilent also connections that are lost without a sign, which takes seconds */
export function passingOf(on: string, isSilent: boolean): readonly How[] {
  if (on === 'GET file') return FILE;
  return [...PASSING, ...(isSilent ? SILENT : []), ...limits(), ...(PASSING_OF[on] ?? [])];
}

const REFUSALS: readonly Failure[] = [
  { status: 401, message: 'Bad credentials' },
  { status: 403, message: 'Resource not accessible by integration' },
  { status: 403, message: 'Resource not accessible by personal access token' },
  {
    status: 403,
    message: 'Resource protected by organization SAML enforcement.',
    headers: { 'x-github-sso': 'required; url=https://github.com/orgs/example/sso' },
  },
  { status: 404, message: 'Not Found' },
];

/** What ends a run with an error: GitHub will not do it, however often it is asked. */
export function refusalsOf(on: string): readonly Failure[] {
  switch (on) {
    case 'POST release':
      return [
        ...REFUSALS,
        invalid('Release', 'already_exists', 'tag_name'),
        invalid('Release', 'invalid', 'target_commitish'),
      ];
    case 'PATCH release':
      return [...REFUSALS, invalid('Release', 'already_exists', 'tag_name')];
    case 'POST upload':
      return [...REFUSALS, invalid('ReleaseAsset', 'invalid', 'name'), { status: 413 }];
    // 404: there is no latest release, and the release or file is deleted already.
    case 'GET latest':
    case 'DELETE release':
    case 'DELETE asset':
      return REFUSALS.filter(({ status }) => status !== 404);
    case 'GET file':
      return [];
    default:
      return REFUSALS;
  }
}
