import type { Refusal } from './behaviour.ts';
import type { CloudRequest, CloudResponse } from './exchange.ts';
import type { GceMachine } from './gce-machine.ts';

/** A secret of Google's Secret Manager. Its versions are numbered from 1. */
export interface GoogleSecret {
  readonly project: string;
  readonly name: string;
  readonly versions: readonly { readonly value: string; readonly state?: 'DISABLED' | 'DESTROYED' }[];
}

export interface GoogleSecrets {
  readonly secrets: readonly GoogleSecret[];
  /** By name, or `*` for all. */
  readonly refusals: Readonly<Record<string, Refusal>>;
}

export const GOOGLE_SECRETS_HOST = 'secretmanager.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/**
 * Answers as Secret Manager's `:access`. Sources: the REST reference of projects.secrets.versions.access, google.rpc.Status, and errors in
 * github.com/GoogleCloudPlatform/k8s-config-connector/issues/711.
 */
export function answerGoogleSecrets(
  machine: GceMachine,
  { secrets, refusals }: GoogleSecrets,
  request: CloudRequest,
  now: number,
): CloudResponse {
  const match = /^\/v1\/projects\/([^/]+)\/secrets\/([\w-]+)\/versions\/(latest|[1-9]\d*):access$/.exec(
    request.path,
  );
  if (match === null || request.method !== 'GET') return failure(404, 'NOT_FOUND', 'Method not found.');
  const account = machine.serviceAccount;
  const isKnown = account !== undefined && request.headers.authorization === `Bearer ${account.token}`;
  if (!isKnown || account.expires <= now)
    return failure(
      401,
      'UNAUTHENTICATED',
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    );
  if (!account.scopes.includes(SCOPE))
    return failure(403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.');
  const [, project = '', name = '', version = ''] = match;
  const refusal = refusals[name] ?? refusals['*'];
  const resource = `projects/${project}/secrets/${name}/versions/${version}`;
  if (refusal === 'throttled') return failure(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for quota metric.');
  // A project in which the account has no role, existing or not, answers the same.
  if (refusal === 'denied' || ![machine.projectId, machine.projectNumber].includes(project))
    return failure(
      403,
      'PERMISSION_DENIED',
      `Permission 'secretmanager.versions.access' denied for resource '${resource}' (or it may not exist).`,
    );
  const secret = secrets.find((each) => each.project === machine.projectId && each.name === name);
  return access(machine.projectNumber, secret, name, version);
}

function access(
  projectNumber: string,
  secret: GoogleSecret | undefined,
  name: string,
  version: string,
): CloudResponse {
  // `latest` is the newest version, also if it is disabled.
  const number = version === 'latest' ? (secret?.versions.length ?? 0) : Number(version);
  const path = `projects/${projectNumber}/secrets/${name}`;
  const found = secret?.versions[number - 1];
  if (secret === undefined || secret.versions.length === 0)
    return failure(404, 'NOT_FOUND', `Secret [${path}] not found or has no versions.`);
  if (found === undefined)
    return failure(404, 'NOT_FOUND', `Secret Version [${path}/versions/${version}] not found.`);
  if (found.state !== undefined)
    return failure(
      400,
      'FAILED_PRECONDITION',
      `Secret Version [${path}/versions/${number}] is in ${found.state} state.`,
    );
  const data = Buffer.from(found.value);
  const payload = { data: data.toString('base64'), dataCrc32c: `${crc32c(data)}` };
  return reply(200, { name: `${path}/versions/${number}`, payload });
}

/** CRC-32C, RFC 3720, B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const failure = (code: number, status: string, message: string) =>
  reply(code, { error: { code, message, status } });

const reply = (status: number, value: unknown): CloudResponse => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: `${JSON.stringify(value, null, 2)}\n`,
});
