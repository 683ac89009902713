import { createVerify, type KeyObject, randomBytes } from 'node:crypto';
import { Violation } from './refusal.ts';

/** Issues and checks access tokens. */
export interface Tokens {
  issued: Set<string>;
  /** Of the service account; without one, no JWT is accepted. */
  key: KeyObject | undefined;
  /** In milliseconds: what the service's clock is ahead of this machine's. */
  skewMs: number;
}

const AUDIENCE = 'https://oauth2.googleapis.com/token';
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';

function newToken(tokens: Tokens): object {
  const token = `ya29.${randomBytes(32).toString('base64url')}`;
  tokens.issued.add(token);
  return { access_token: token, expires_in: 3599, token_type: 'Bearer' };
}

export function isAuthorized({ issued }: Tokens, header: string | undefined): boolean {
  return issued.has(/^Bearer (\S+)$/.exec(header ?? '')?.[1] ?? '');
}

/** "Using OAuth 2.0 for Server to Server Applications": a signed JWT for a token. */
export function grantForJwt(tokens: Tokens, form: URLSearchParams): object {
  const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    throw new Violation('Invalid grant_type');
  const { iat, exp, scope, aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<
    string,
    unknown
  >;
  const isSigned =
    tokens.key !== undefined &&
    createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(tokens.key, signature, 'base64url');
  if (!isSigned) return { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' };
  const now = (Date.now() + tokens.skewMs) / 1000;
  if (Number(iat) > now + 300 || Number(exp) < now || Number(exp) - Number(iat) > 3600)
    return {
      error: 'invalid_grant',
      error_description:
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    };
  if (scope !== SCOPE) throw new Violation(`Unexpected scope ${scope}`);
  if (aud !== AUDIENCE) throw new Violation(`Unexpected audience ${aud}`);
  return newToken(tokens);
}

/** "Method: token" of the Security Token Service: a GitHub Actions job's token for an access token. */
export function exchange(tokens: Tokens, form: URLSearchParams, expected: string): object {
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:token-exchange')
    throw new Violation('Invalid grant_type');
  if (!form.get('scope')?.split(' ').includes(SCOPE)) throw new Violation('Unexpected scope');
  if (form.get('subject_token') === expected)
    return { ...newToken(tokens), issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
  return {
    error: 'unauthorized_client',
    error_description: 'The given credential is rejected by the attribute condition.',
  };
}

/** The metadata server of Compute Engine. */
export function metadata(tokens: Tokens, flavor: string | undefined): object {
  if (flavor !== 'Google') throw new Violation('Missing Metadata-Flavor:Google header.', 403);
  return newToken(tokens);
}
