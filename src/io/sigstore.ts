import { messageOf, TurnbuildError } from '../errors.ts';
import { fetch } from './fetch.ts';
import { isLoopback } from './proxy.ts';
import { shownUrl } from './shown-url.ts';

/** URLs of a sigstore deployment. Undefined: those of the public one. */
export interface SigstoreServices {
  fulcio: string | undefined;
  rekor: string | undefined;
  /** A timestamp authority. The public deployment needs none, because its log records the time. */
  tsa: string | undefined;
}

/**
 * Environment variables of another sigstore deployment than the public one.
 * @throws SIGSTORE_URL_INVALID, also for an unencrypted address of another machine: Fulcio receives the identity token
 */
export function sigstoreServices(env: NodeJS.ProcessEnv = process.env): SigstoreServices {
  const read = (name: string) => {
    const url = env[name]?.trim() ?? '';
    if (url === '') return undefined;
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
      throw new TurnbuildError('SIGSTORE_URL_INVALID', `${name} is not an https URL: ${shownUrl(url)}`);
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'https:' && !isLoopback(hostname))
      throw new TurnbuildError('SIGSTORE_URL_INVALID', `${name} is not encrypted: ${shownUrl(url)}`, {
        hint: 'Use an https URL. http is allowed only for this machine.',
      });
    return url.replace(/\/+$/, '');
  };
  return {
    fulcio: read('TURNBUILD_FULCIO_URL'),
    rekor: read('TURNBUILD_REKOR_URL'),
    tsa: read('TURNBUILD_TSA_URL'),
  };
}

const AUDIENCE = 'sigstore';
const TIMEOUT_MS = 30_000;
const RETRIES = 3;

/**
 * Gets an identity token from GitHub Actions, or that of SIGSTORE_ID_TOKEN, which other CI systems set.
 * @see https://docs.github.com/en/actions/reference/security/oidc
 * @throws OIDC_TOKEN_MISSING, OIDC_TOKEN_FAILED, OIDC_TOKEN_MALFORMED
 */
export async function identityToken(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url = '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer = '' } = env;
  const given = env.SIGSTORE_ID_TOKEN?.trim() ?? '';
  if (url === '' || bearer === '') {
    if (given !== '') return wellFormed(given);
    throw new TurnbuildError('OIDC_TOKEN_MISSING', 'No OIDC identity for keyless signing', {
      hint: 'In GitHub Actions, give the job the permission `id-token: write`. Elsewhere, put an OIDC token for the audience "sigstore" in SIGSTORE_ID_TOKEN, or sign with a key: --sign-with.',
    });
  }
  const failed = (why: string, cause?: unknown) =>
    new TurnbuildError('OIDC_TOKEN_FAILED', `Cannot get an identity token from GitHub Actions: ${why}`, {
      cause,
      hint: 'Run the job again. Its permissions must include `id-token: write`.',
    });
  if (!URL.canParse(url)) throw failed('ACTIONS_ID_TOKEN_REQUEST_URL is not a URL');
  const request = new URL(url);
  request.searchParams.set('audience', AUDIENCE);
  const headers = { accept: 'application/json', authorization: `Bearer ${bearer}` };
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await fetch(request.href, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.ok) {
        const { value } = (await response.json()) as { value?: unknown };
        if (typeof value === 'string' && value !== '') return value;
        throw failed('its answer has no token');
      }
      await response.body?.cancel();
      if (response.status < 500 || attempt >= RETRIES) throw failed(`HTTP status ${response.status}`);
    } catch (error) {
      if (error instanceof TurnbuildError) throw error;
      if (attempt >= RETRIES) throw failed(messageOf(error), error);
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
  }
}

/** Requires the form of a JSON Web Token (RFC 7519), because the errors of libraries print what they cannot parse. */
function wellFormed(token: string): string {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return token;
  } catch {
    // Its error has a part of the token.
  }
  throw new TurnbuildError('OIDC_TOKEN_MALFORMED', 'SIGSTORE_ID_TOKEN is not an OIDC token', {
    hint: 'Set it to the token alone: three parts with dots between them, the second of which is an encoded JSON object.',
  });
}

/**
 * Signs a document keylessly: Fulcio certifies a new key for the token's identity, Rekor logs the signature, and the key is forgotten.
 * @param type content type of the document
 * @param token of the identity: valid for some minutes
 * @returns a sigstore bundle as JSON, with the document in a DSSE envelope
 * @throws SIGSTORE_FAILED
 */
export async function signKeyless(
  document: Uint8Array,
  type: string,
  token: string,
  { fulcio, rekor, tsa }: SigstoreServices,
): Promise<string> {
  // Loaded on demand: it takes as long to load as turnbuild itself.
  const { attest } = await import('sigstore');
  try {
    const bundle = await attest(Buffer.from(document), type, {
      identityToken: token,
      timeout: TIMEOUT_MS,
      retry: { retries: RETRIES },
      ...(fulcio === undefined ? {} : { fulcioURL: fulcio }),
      ...(rekor === undefined ? {} : { rekorURL: rekor }),
      ...(tsa === undefined ? {} : { tsaServerURL: tsa }),
    });
    return `${JSON.stringify(bundle)}\n`;
  } catch (error) {
    throw new TurnbuildError(
      'SIGSTORE_FAILED',
      `Keyless signing failed: ${withoutToken(messageOf(error), token)}`,
      {
        hint: 'Run the same command again: existing signatures are reused. Service status: https://status.sigstore.dev',
      },
    );
  }
}

/** A service may repeat what it was sent. */
const withoutToken = (text: string, token: string) => text.replaceAll(token, 'TOKEN');
