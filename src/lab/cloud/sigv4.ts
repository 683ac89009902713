import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { AwsCredentials } from './aws-machine.ts';
import type { CloudRequest } from './exchange.ts';

/** What a request must be signed with, and for. */
export interface Signer {
  readonly credentials: AwsCredentials;
  readonly region: string;
  readonly service: string;
}

/** An error of AWS: its type and message. */
export interface AwsProblem {
  readonly type: string;
  readonly message: string;
}

interface Authorization {
  readonly accessKey: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** A signature is valid for five minutes before and after the service's time. */
const SKEW_MS = 300_000;

/**
 * Checks Signature Version 4 of a POST to `/` (AWS, "Create a signed AWS API request"; error types and messages as the services send them).
 * Returns the error, or undefined if the signature is right.
 */
export function signatureProblem(request: CloudRequest, signer: Signer, now: number): AwsProblem | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return problem('MissingAuthenticationToken', 'Missing Authentication Token');
  const authorization = parse(header);
  const time = request.headers['x-amz-date'] ?? '';
  if (authorization === undefined || !/^\d{8}T\d{6}Z$/.test(time))
    return problem(
      'IncompleteSignature',
      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and the request requires 'X-Amz-Date'.",
    );
  return (
    identityProblem(request, authorization, signer, now) ??
    scopeProblem(authorization, signer, time) ??
    timeProblem(time, now) ??
    headersProblem(request, authorization) ??
    valueProblem(request, authorization, signer, time)
  );
}

function parse(header: string): Authorization | undefined {
  const match =
    /^AWS4-HMAC-SHA256 +Credential=([^/, ]+)\/(\d{8})\/([^/, ]+)\/([^/, ]+)\/([^/, ]+), *SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (match === null) return undefined;
  const [
    ,
    accessKey = '',
    date = '',
    region = '',
    service = '',
    terminator = '',
    names = '',
    signature = '',
  ] = match;
  return { accessKey, date, region, service, terminator, signedHeaders: names.split(';'), signature };
}

function identityProblem(
  request: CloudRequest,
  { accessKey }: Authorization,
  { credentials }: Signer,
  now: number,
): AwsProblem | undefined {
  // Temporary credentials are valid only together with their session token.
  if (
    accessKey !== credentials.accessKeyId ||
    request.headers['x-amz-security-token'] !== credentials.sessionToken
  )
    return problem('UnrecognizedClient', 'The security token included in the request is invalid.');
  if (credentials.expires <= now)
    return problem('ExpiredToken', 'The security token included in the request is expired');
  return undefined;
}

function scopeProblem(scope: Authorization, signer: Signer, time: string): AwsProblem | undefined {
  if (scope.region !== signer.region)
    return invalid(`Credential should be scoped to a valid region, not '${scope.region}'.`);
  if (scope.service !== signer.service)
    return invalid(`Credential should be scoped to correct service: '${signer.service}'.`);
  if (scope.terminator !== 'aws4_request')
    return invalid(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${scope.terminator}'.`,
    );
  if (scope.date !== time.slice(0, 8))
    return invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP`,
    );
  return undefined;
}

function timeProblem(time: string, now: number): AwsProblem | undefined {
  const [, year, month, day, hour, minute, second] = (/^(....)(..)(..)T(..)(..)(..)Z$/.exec(time) ?? []).map(
    Number,
  );
  const signed = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  if (signed < now - SKEW_MS) return invalid(`Signature expired: ${time} is now more than 5 min. ago`);
  return signed > now + SKEW_MS
    ? invalid(`Signature not yet current: ${time} is more than 5 min. ahead`)
    : undefined;
}

/** "Only the host and any x-amz-* headers are required." */
function headersProblem({ headers }: CloudRequest, { signedHeaders }: Authorization): AwsProblem | undefined {
  if (!signedHeaders.includes('host'))
    return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  const unsigned = Object.keys(headers).filter(
    (name) => name.startsWith('x-amz-') && !signedHeaders.includes(name),
  );
  return unsigned.length > 0
    ? invalid(`There were headers present in the request which were not signed: ${unsigned.join(', ')}`)
    : undefined;
}

function valueProblem(
  request: CloudRequest,
  authorization: Authorization,
  { credentials, region, service }: Signer,
  time: string,
): AwsProblem | undefined {
  const bodyHash = sha256(request.body);
  const declared = request.headers['x-amz-content-sha256'];
  const names = [...authorization.signedHeaders].sort();
  const canonical = [
    request.method,
    request.path,
    request.query,
    ...names.map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    bodyHash,
  ].join('\n');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const key = [time.slice(0, 8), region, service, 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  );
  const right = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n'));
  return timingSafeEqual(right, Buffer.from(authorization.signature, 'hex')) &&
    (declared === undefined || declared === bodyHash)
    ? undefined
    : invalid(
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      );
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const problem = (type: string, message: string): AwsProblem => ({ type: `${type}Exception`, message });
const invalid = (message: string) => problem('InvalidSignature', message);
