import type { KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Call, Fault } from './faults.ts';
import {
  type Answer,
  continueUpload,
  OPERATIONS,
  publicAnswer,
  type Received,
  type State,
} from './operations.ts';
import { forbidden, Refusal, Violation } from './refusal.ts';
import { takePart } from './sessions.ts';
import { exchange, grantForJwt, isAuthorized, metadata, type Tokens } from './tokens.ts';

/** Everything that publishing needs. */
const ALL = ['get', 'list', 'create', 'delete'].map((verb) => `storage.objects.${verb}`);

export interface GcsOptions {
  bucket?: string;
  pageSize?: number;
  permissions?: readonly string[];
  /** Whether requests need no token, as in an emulator. */
  isAnonymous?: boolean;
  /** Decides on each request what goes wrong. */
  fault?: (call: Call) => Fault | undefined;
  /** What it stores. */
  objects?: State['objects'];
  /** Public key of a service account. */
  key?: KeyObject;
  /** The token of a GitHub Actions job. */
  subjectToken?: string;
  skewMs?: number;
}

export interface GcsSimulator extends Pick<State, 'url' | 'objects' | 'sessions'> {
  calls: Call[];
  /** Malformed requests. Each is a bug in the client. */
  violations: string[];
  tokens: Tokens;
  stop(): Promise<void>;
}

/**
 * Cloud Storage's JSON API for one bucket, as strict as its documentation, with the servers that issue tokens. It refuses and records what it
 * does not know.
 */
export async function startGcs(options: GcsOptions = {}): Promise<GcsSimulator> {
  const { bucket = 'packages', pageSize = 1000, permissions = ALL } = options;
  const calls: Call[] = [];
  const violations: string[] = [];
  const tokens: Tokens = { issued: new Set(), key: options.key, skewMs: options.skewMs ?? 0 };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state: State = {
    url,
    bucket,
    objects: options.objects ?? new Map(),
    sessions: new Map(),
    generation: 1_700_000_000_000_000,
    pageSize,
    granted: new Set(permissions),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = new URL(request.url ?? '', url);
    const { call, run } = route(request, target);
    calls.push(call);
    call.name ||= await nameOf(request, target);
    call.fault = options.fault?.(call);
    const { fault } = call;
    const length = Number(request.headers['content-length'] ?? 0);
    const limit = fault === 'reset-within' && length > 0 ? Math.floor(length / 2) : Number.POSITIVE_INFINITY;
    let body = await read(request, limit);
    call.received = body.length;
    if (limit < length) {
      const session = state.sessions.get(target.searchParams.get('upload_id') ?? '');
      if (session !== undefined) takePart(session, call.contentRange, body.subarray(0, limit));
      return void request.socket.destroy();
    }
    if (fault === 'reset-before') return void request.socket.destroy();
    if (fault === 'silence-before') return;
    if (fault === 'damaged' && body.length > 0) body = damagedContent(body);
    const isRefused = typeof fault === 'object' && fault.after !== true;
    const first = fault === 'twice' ? run(body) : undefined;
    // A chunk that is stored already changes nothing.
    const isStored = first !== undefined && call.operation === 'upload';
    const answer = isStored ? first : isRefused ? undefined : run(body);
    if (fault === 'reset-after') return void request.socket.destroy();
    if (fault === 'silence-after') return;
    const sent = typeof fault === 'object' ? faultAnswer(fault) : (answer as Answer);
    call.status = sent.status;
    if (fault === 'damaged' && length === 0 && sent.body !== undefined)
      sent.body = damagedContent(Buffer.from(sent.body));
    send(response, sent, fault === 'reset-within');
  }

  /** The object of an upload, or the prefix of a list; '' if there is neither. */
  async function nameOf(request: IncomingMessage, { pathname, searchParams }: URL): Promise<string> {
    const session = searchParams.get('upload_id');
    if (session !== null) return state.sessions.get(session)?.name ?? '';
    if (request.method !== 'POST' || !pathname.startsWith('/upload/'))
      return searchParams.get('prefix') ?? '';
    const start = (await firstPart(request)).toString('latin1');
    return JSON.parse(/"name":("(?:[^"\\]|\\.)*")/.exec(start)?.[1] ?? '""');
  }

  /** What a request is, and how it is answered. */
  function route(request: IncomingMessage, target: URL): { call: Call; run: (body: Buffer) => Answer } {
    const method = request.method ?? '';
    const session = target.searchParams.get('upload_id');
    const found = OPERATIONS.find((each) => each.method === method && each.path.test(target.pathname));
    const groups = found?.path.exec(target.pathname)?.groups ?? {};
    const publicName = new RegExp(`^/${bucket}/(.+)$`).exec(target.pathname)?.[1];
    const other = OTHERS[`${method} ${target.pathname}`];
    const call: Call = {
      operation:
        session !== null ? 'upload' : (found?.id ?? other?.id ?? (publicName && 'public') ?? 'unknown'),
      method,
      path: target.pathname,
      isBeginning: method === 'POST' && target.searchParams.get('uploadType') === 'resumable',
      name: decodeURIComponent(groups.name ?? ''),
      received: 0,
      contentRange: request.headers['content-range'],
      hasToken: request.headers.authorization !== undefined,
      permissions: [],
      status: 0,
      fault: undefined,
    };
    const need = (permission: string) => {
      call.permissions.push(permission);
      if (!state.granted.has(permission)) throw forbidden(permission);
    };
    const run = (body: Buffer): Answer =>
      answered(() => {
        const { searchParams: query } = target;
        const headers = request.headers as Received['headers'];
        const received = { query, headers, body, bucket: groups.bucket ?? '', name: call.name, need };
        if (session !== null) {
          if (method !== 'PUT') throw new Violation(`${method} is not simulated for uploads`);
          const open = state.sessions.get(session);
          if (open === undefined) throw new Refusal(404, 'notFound', 'Not Found');
          call.name = open.name;
          return continueUpload(state, open, { ...received, query: new URLSearchParams() });
        }
        if (!/^(?:[\w.~!'()*-]|%[\dA-F]{2})*$/.test(groups.name ?? ''))
          throw new Violation(`The name in ${target.pathname} is not percent-encoded`);
        if (publicName !== undefined && method === 'GET')
          return publicAnswer(state, decodeURIComponent(publicName));
        if (found === undefined) {
          if (other === undefined) throw new Violation(`Unknown path ${method} ${target.pathname}`, 404);
          return granted(other.run(received));
        }
        if (options.isAnonymous !== true && !isAuthorized(tokens, headers.authorization))
          throw new Refusal(401, 'authError', 'Invalid Credentials');
        return found.operation(state, received);
      });
    return { call, run };
  }

  const formOf = ({ body }: Received) => new URLSearchParams(body.toString());
  const OTHERS: Record<string, { id: string; run: (received: Received) => object }> = {
    'POST /token': { id: 'token', run: (received) => grantForJwt(tokens, formOf(received)) },
    'POST /v1/token': {
      id: 'token',
      run: (received) => exchange(tokens, formOf(received), options.subjectToken ?? ''),
    },
    // GitHub's, for a job with `id-token: write`.
    'GET /oidc': { id: 'oidc', run: () => ({ value: options.subjectToken ?? '' }) },
    'GET /computeMetadata/v1/instance/service-accounts/default/token': {
      id: 'token',
      run: ({ headers }) => metadata(tokens, headers['metadata-flavor']),
    },
  };

  function answered(work: () => Answer): Answer {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error instanceof Violation) violations.push(error.message);
      return { status: error.status, headers: { 'content-type': 'application/json' }, body: error.body };
    }
  }

  return {
    url,
    objects: state.objects,
    sessions: state.sessions,
    calls,
    violations,
    tokens,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The part of a body that has arrived, which can still be read. */
async function firstPart(request: IncomingMessage): Promise<Buffer> {
  await new Promise<void>((resolve) => {
    request.once('readable', resolve).once('error', () => resolve());
  });
  const part: Buffer = request.read() ?? Buffer.alloc(0);
  if (part.length > 0) request.unshift(part);
  return part;
}

/** Reads a body, or the first `limit` bytes. */
async function read(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`, which would destroy the request when it stops.
  await new Promise<void>((resolve) => {
    request.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= limit) resolve();
    });
    request.on('end', resolve).on('error', () => resolve());
  });
  return Buffer.concat(chunks);
}

/** Changes the last byte of a content. In a multipart body, it is the one before the closing boundary. */
function damagedContent(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const closing = copy.lastIndexOf('\r\n--');
  const at = (closing > 0 ? closing : copy.length) - 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function granted(found: object): Answer {
  return {
    status: 'error' in found ? 400 : 200,
    headers: { 'content-type': 'application/json', 'metadata-flavor': 'Google' },
    body: JSON.stringify(found),
  };
}

function faultAnswer(fault: Exclude<Fault, string>): Answer {
  const { status, reason = 'backendError', message = 'planted', retryAfter, range } = fault;
  const headers = {
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    ...(range === undefined ? {} : { range }),
  };
  return { status, headers, body: new Refusal(status, reason, message).body };
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer, isCut: boolean): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    ...headers,
    ...(status === 204 ? {} : { 'content-length': String(bytes.length) }),
  });
  if (!isCut) return void response.end(bytes);
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () =>
    setTimeout(() => response.destroy(), 20),
  );
}
