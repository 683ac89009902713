import type { AuthClient } from 'google-auth-library';
import { messageOf, TurnbuildError } from '../../errors.ts';
import { fetch } from '../fetch.ts';
import { networkCode } from '../network-error.ts';
import { unansweredError } from './gcs-errors.ts';
import { Temporary } from './retry.ts';
import { withoutSecrets } from './secrets.ts';

/** Provides the headers that authorize a request. */
export interface Authorize {
  (): Promise<Record<string, string>>;
  /** Forgets a token that the service has rejected, so that the next call gets a new one. @param headers those with the token */
  reject?: (headers: Readonly<Record<string, string>>) => void;
}

/** Reading and writing objects, but no permissions. */
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const NO_ANSWER = 'the service that issues tokens did not answer';

/** For emulators, to which Google's own clients send no credentials either. */
export const anonymous: Authorize = async () => ({});

/**
 * Authorizes by Application Default Credentials: GOOGLE_APPLICATION_CREDENTIALS (service account or workload identity federation), gcloud's
 * login, or the metadata server of Google Cloud. Tokens are renewed before they expire.
 * @param send sends the requests for tokens, except to the metadata server
 * @throws (when called) CLOCK_WRONG, CREDENTIALS_MISSING, CREDENTIALS_REFUSED, PROXY_FAILED, Temporary
 */
export function applicationDefault(address: string, send: typeof fetch = fetch): Authorize {
  let client: Promise<AuthClient> | undefined;
  let latest: string | undefined;
  const authorize: Authorize = async () => {
    try {
      client ??= findClient(send);
      const headers = Object.fromEntries((await (await client).getRequestHeaders()).entries());
      latest = headers.authorization;
      return headers;
    } catch (error) {
      client = undefined;
      throw credentialsError(address, error);
    }
  };
  // Requests that are sent at the same time are rejected together. They share the next token.
  authorize.reject = ({ authorization }) => {
    if (authorization !== latest) return;
    client = undefined;
    latest = undefined;
  };
  return authorize;
}

async function findClient(send: typeof fetch): Promise<AuthClient> {
  // With these, the library and what it uses would log requests with their tokens, and the proxy's password.
  for (const name of ['DEBUG', 'GOOGLE_SDK_NODE_LOGGING']) delete process.env[name];
  // Loaded on demand, so that turnbuild starts faster.
  const { GoogleAuth } = await import('google-auth-library');
  const auth = new GoogleAuth({
    scopes: [SCOPE],
    // Unused. Without it, the library would run gcloud and ask the metadata server for the project.
    projectId: 'unused',
    clientOptions: {
      transporterOptions: {
        fetchImplementation: (url, init) => send(String(url), init as RequestInit),
      },
    },
  });
  return auth.getClient();
}

/** What a failed request for a token tells. The original error contains the request, with keys and tokens: it is not kept as a cause. */
function credentialsError(address: string, error: unknown): Error {
  const problem = `Cannot get a token for ${address}`;
  // The library wraps the errors of `send`.
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof TurnbuildError) return unansweredError(problem, each);
  const message = withoutSecrets(messageOf(error));
  const response = (error as { response?: { status?: number; data?: unknown } } | undefined)?.response;
  const status = response?.status ?? 0;
  const { error: code, error_description: description } = (response?.data ?? {}) as Record<string, unknown>;
  const said = typeof description === 'string' ? withoutSecrets(description) : message;
  if (/could not load the default credentials/i.test(message))
    return new TurnbuildError('CREDENTIALS_MISSING', `No credentials for ${address}`, {
      hint: 'Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`; in GitHub Actions, use google-github-actions/auth.',
    });
  if (/unable to read the credential file|incoming JSON object|\bJSON\b.*(?:position|end of)/i.test(message))
    return new TurnbuildError(
      'CREDENTIALS_MISSING',
      `The credentials for ${address} cannot be read${fromFile()}`,
      { hint: 'Expected the JSON file of a service account, or of workload identity federation.' },
    );
  // "Using OAuth 2.0 for Server to Server Applications": the times in the request for a token are wrong. A job's own token may be too new.
  if (/\breasonable timeframe\b|used too early|not yet valid|issued in the future/i.test(said))
    return new TurnbuildError(
      'CLOCK_WRONG',
      `${problem}: this machine's clock differs too much from Google's`,
      {
        hint: 'Set the clock, e.g. with NTP, and run the same command again.',
      },
    );
  if (code === 'invalid_grant' || /\binvalid_grant\b/.test(message))
    return new TurnbuildError('CREDENTIALS_REFUSED', `${problem}: Google rejected the credentials: ${said}`, {
      hint: 'Check that the key or login still exists: `gcloud auth application-default login` creates a new login.',
    });
  if (status === 408 || status === 429 || status >= 500)
    return new Temporary(
      new TurnbuildError('STORE_UNREACHABLE', `${problem}: ${NO_ANSWER} (${status})`, {
        hint: 'Run the same command again later: it continues where it stopped.',
      }),
    );
  if (status === 0 && networkCode(error) !== undefined) return unansweredError(problem, error);
  return new TurnbuildError('CREDENTIALS_REFUSED', `${problem}: ${said}`, {
    hint: 'Check the credentials, and for workload identity federation its provider and conditions: docs/publishing.md.',
  });
}

function fromFile(): string {
  const file = process.env.GOOGLE_APPLICATION_CREDENTIALS;
  return file === undefined || file === '' ? '' : `: ${file}`;
}
