import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  rekorHandler,
  tsaHandler,
} from '@sigstore/mock';
import { HashAlgorithm, PublicKeyDetails, TrustedRoot } from '@sigstore/protobuf-specs';

/** Claims in a workflow's token, as GitHub Actions makes them. */
export interface Claims {
  repository: string;
  /** The repository of the workflow, which another one can call; by default the same. */
  workflowRepository: string;
  /** Path of the workflow in its repository, with the ref. */
  workflow: string;
  issuer: string;
}

export const ISSUER = 'https://token.actions.githubusercontent.com';
export const REPOSITORY = 'example/coturn-packages';
export const WORKFLOW = '.github/workflows/release.yml@refs/heads/main';
export const COMMIT = 'c0ffee'.padEnd(40, '0');
/** What only the job may know. */
export const REQUEST_TOKEN = 'request-token-of-the-job';

/** A sigstore deployment and GitHub's token service, on a local server. */
export interface SigstoreServices {
  url: string;
  /** Environment of a job that may sign. */
  environment(claims?: Partial<Claims>): Record<string, string>;
  /** The trusted root as JSON. */
  trustedRoot: string;
  /** `METHOD PATH` of each request, in order. */
  requests: string[];
  /** Tokens that were given to jobs. */
  tokens: string[];
  /** Status codes of the next answers, by the start of the path; used up in order. */
  failures: { path: string; status: number }[];
  close(): void;
}

/**
 * @param clock the time at all services; now by default
 * @param timestamps whether the log gives signed times
 */
export async function startSigstore({ clock }: { clock?: Date } = {}): Promise<SigstoreServices> {
  const pair = (curve: string) => generateKeyPairSync('ec', { namedCurve: curve });
  const keys = { ca: pair('P-384'), ct: pair('P-256'), log: pair('P-256'), tsa: pair('P-384') };
  const requests: string[] = [];
  const tokens: string[] = [];
  const failures: SigstoreServices['failures'] = [];
  const ctLog = await initializeCTLog(keys.ct, clock);
  const ca = await initializeCA(keys.ca, ctLog, clock);
  const tsa = await initializeTSA(keys.tsa, clock);
  const handlers = new Map<
    string,
    (body: string) => Promise<{ statusCode: number; response: unknown; contentType?: string }>
  >();
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '';
      requests.push(`${request.method} ${path}`);
      const failing = failures.findIndex((each) => path.startsWith(each.path));
      const [failure] = failing < 0 ? [] : failures.splice(failing, 1);
      if (failure !== undefined) return response.writeHead(failure.status).end();
      if (path.startsWith('/token')) return giveToken(request, path, tokens, response);
      const handler = handlers.get(path);
      if (handler === undefined) return response.writeHead(404).end();
      const { statusCode, response: answer, contentType } = await handler(await bodyOf(request));
      return response.writeHead(statusCode, { 'content-type': contentType ?? 'text/plain' }).end(answer);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = await initializeTLog(url, keys.log, clock);
  // The real log does not keep what it was sent, but a canonical form of it.
  const canonicalLog = { ...log, log: (entry: object) => log.log(canonicalEntry(entry)) };
  for (const { path, fn } of [fulcioHandler(ca), rekorHandler(canonicalLog), tsaHandler(tsa)])
    handlers.set(path, fn);
  return {
    ...{ url, requests, tokens, failures },
    environment: (claims = {}) => ({
      TURNBUILD_FULCIO_URL: url,
      TURNBUILD_REKOR_URL: url,
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?${new URLSearchParams(claims)}`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
    }),
    trustedRoot: JSON.stringify(
      TrustedRoot.toJSON(
        trustedRootOf({
          url,
          ca: [ca.rootCertificate],
          tsa: [tsa.intCertificate, tsa.rootCertificate],
          log: keys.log.publicKey,
          ct: keys.ct.publicKey,
        }),
      ),
    ),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** GitHub's answer to a job's request for a token: docs.github.com, "OpenID Connect reference". */
function giveToken(
  { headers, method }: IncomingMessage,
  path: string,
  tokens: string[],
  response: import('node:http').ServerResponse,
): unknown {
  const query = new URL(path, 'http://local').searchParams;
  if (method !== 'GET' || headers.authorization !== `Bearer ${REQUEST_TOKEN}`)
    return response.writeHead(401).end();
  if (query.get('audience') !== 'sigstore') return response.writeHead(400).end();
  const repository = query.get('repository') ?? REPOSITORY;
  const workflow = `${query.get('workflowRepository') ?? repository}/${query.get('workflow') ?? WORKFLOW}`;
  const value = [
    { alg: 'none' },
    {
      sub: `https://github.com/${workflow}`,
      iss: query.get('issuer') ?? ISSUER,
      repository,
      sha: COMMIT,
      ref: 'refs/heads/main',
      job_workflow_ref: workflow,
      jti: `secret-${tokens.length}`,
    },
    'signature',
  ]
    .map((part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url'))
    .join('.');
  tokens.push(value);
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ value }));
}

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest();

/** A proposed entry of the kind dsse -> what Rekor keeps of it (rekor, pkg/types/dsse/v0.0.1). */
function canonicalEntry(proposed: object): object {
  const { kind, apiVersion, spec } = proposed as {
    kind: string;
    apiVersion: string;
    spec: { proposedContent: { envelope: string; verifiers: string[] } };
  };
  if (kind !== 'dsse') return proposed;
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] };
  const hash = (bytes: string | Buffer) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  return {
    ...{ kind, apiVersion },
    spec: {
      envelopeHash: hash(envelope),
      payloadHash: hash(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }, index) => ({ signature: sig, verifier: verifiers[index] })),
    },
  };
}

function trustedRootOf({
  url,
  ca,
  tsa,
  log,
  ct,
}: {
  url: string;
  ca: ArrayBufferView[];
  tsa: ArrayBufferView[];
  log: KeyObject;
  ct: KeyObject;
}): TrustedRoot {
  const start = new Date('2020-01-01T00:00:00Z');
  const authority = (certificates: ArrayBufferView[], uri: string) => ({
    subject: { commonName: 'sigstore', organization: 'sigstore.mock' },
    ...{ uri, operator: '' },
    certChain: {
      certificates: certificates.map(({ buffer, byteOffset, byteLength }) => ({
        rawBytes: Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
      })),
    },
    validFor: { start, end: undefined },
  });
  const instance = (key: KeyObject) => {
    const rawBytes = key.export({ format: 'der', type: 'spki' });
    return {
      baseUrl: url,
      hashAlgorithm: HashAlgorithm.SHA2_256,
      publicKey: {
        rawBytes,
        keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
        validFor: { start, end: undefined },
      },
      logId: { keyId: sha256(rawBytes) },
      checkpointKeyId: undefined,
      operator: '',
    };
  };
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [instance(log)],
    certificateAuthorities: [authority(ca, url)],
    ctlogs: [instance(ct)],
    timestampAuthorities: [authority(tsa, url)],
  };
}
