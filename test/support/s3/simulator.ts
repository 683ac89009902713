import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '../http-server.ts';
import { cutOff, damaged, type FaultKind, faultPlan, sendHalf } from './faults.ts';
import { type Answer, HEADERS, OPERATIONS, type Operation, type S3Objects } from './operations.ts';
import { errorXml, S3Refusal } from './refusal.ts';
import { ACCESS_KEY, SECRET_KEY, splitUrl, verifySignature } from './signature.ts';

export interface SimulatorOptions {
  region?: string;
  /** Names on a page of a list. */
  pageSize?: number;
  /** Like Ceph 18. */
  ignoresConditions?: boolean;
  /** Milliseconds by which the service's clock is ahead. */
  ahead?: number;
  /** Milliseconds until it answers. */
  latencyMs?: number;
  /** What it stores. */
  objects?: S3Objects;
  /** Decides on each request what goes wrong. @param what as in `Fault.on` */
  fault?: (what: string) => FaultKind | undefined;
}

/**
 * A strict S3 of the running test, with the bucket `packages`, which anonymous clients may read. It verifies signatures and checksums, enforces
 * conditions, and refuses and records what it does not know.
 */
export async function s3Simulator(options: SimulatorOptions = {}) {
  const {
    region = 'eu-north-1',
    pageSize = 3,
    ignoresConditions = false,
    ahead = 0,
    latencyMs = 0,
    objects = new Map(),
  } = options;
  const calls: { action: string; resource: string; payload: string }[] = [];
  const unknown: string[] = [];
  const faults = faultPlan();

  const answerTo = (request: IncomingMessage, body: Buffer, place: Place): Answer => {
    const { operation, query } = place;
    const isSigned = verifySignature(request, body, region, Date.now() + ahead);
    if (place.bucket !== 'packages')
      throw new S3Refusal(404, 'NoSuchBucket', 'The bucket does not exist', { BucketName: place.bucket });
    const isRead = operation === 'GetObject' || operation === 'HeadObject';
    // Whoever may not list the bucket is not told that an object is missing ("GetObject" of Amazon S3).
    if (!isSigned && !(isRead && objects.has(place.key)))
      throw new S3Refusal(403, 'AccessDenied', 'Access Denied');
    const { answer, action, parameters } = OPERATIONS[operation];
    const others = [
      ...[...query.keys()].filter((name) => name !== 'x-id' && !parameters.some((each) => each === name)),
      ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-') && !HEADERS.test(name)),
    ];
    if (others.length > 0 || (query.get('x-id') ?? operation) !== operation)
      throw new S3Refusal(501, 'NotImplemented', others.join(', '));
    const resource = `arn:aws:s3:::${place.bucket}${operation === 'ListObjectsV2' ? '' : `/${place.key}`}`;
    const payload = String(request.headers['x-amz-content-sha256']);
    if (isSigned) calls.push({ action, resource, payload });
    return answer({ objects, ...place, headers: request.headers, body, pageSize, ignoresConditions });
  };

  const connections = new Set<unknown>();
  let most = 0;
  const server = await serve(async (request, response) => {
    const { socket } = request;
    if (!connections.has(socket)) socket.once('close', () => connections.delete(socket));
    connections.add(socket);
    most = Math.max(most, connections.size);
    const place = placeOf(request);
    if (latencyMs > 0) await pause(latencyMs);
    const what = place && `${place.operation} ${place.key || (place.query.get('prefix') ?? '')}`;
    const fault = what === undefined ? undefined : (options.fault?.(what) ?? faults.next(what));
    if (fault === 'cut-before' || (fault === 'cut-body' && request.method === 'PUT')) {
      if (fault === 'cut-body') await new Promise((resolve) => request.once('data', resolve));
      return cutOff(request);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (fault === 'hang-before') return faults.hang(request);
    const body = Buffer.concat(chunks);
    const isDamaged = fault === 'damaged';
    const answer = settled(() => {
      if (fault instanceof S3Refusal) throw fault;
      if (place === undefined) throw new S3Refusal(501, 'NotImplemented', 'This operation');
      const sent = isDamaged && body.length > 0 ? damaged(body) : body;
      const own = answerTo(request, sent, place);
      if (fault === 'twice') return answerTo(request, body, place);
      if (typeof fault === 'object') throw fault.after;
      return isDamaged && own.body !== undefined ? { ...own, body: damaged(own.body) } : own;
    });
    if (answer.status === 501) unknown.push(`${request.method} ${request.url}`);
    send(request, response, answer, fault, Date.now() + ahead);
  });

  return {
    ...server,
    objects,
    /** Each signed call that was not refused for its form. */
    calls,
    /** Requests that the simulator does not know. */
    unknown,
    faults,
    /** Most connections at a time. */
    mostConnections: () => most,
    /** For turnbuild and the SDK. */
    env: {
      AWS_ENDPOINT_URL_S3: server.url,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      AWS_REGION: region,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
  };
}

export type S3Simulator = Awaited<ReturnType<typeof s3Simulator>>;

interface Place {
  operation: Operation;
  bucket: string;
  key: string;
  query: Map<string, string>;
}

/** What a request with the path /BUCKET/KEY asks for. Like S3, takes an unescaped plus in the path for a space. */
function placeOf({ method = '', url = '' }: IncomingMessage): Place | undefined {
  const { pathname, search } = splitUrl(url);
  const pairs = search
    .split('&')
    .filter(Boolean)
    .map((pair) => pair.split('='));
  const query = new Map(pairs.map(([name = '', value = '']) => [name, decodeURIComponent(value)]));
  const [, bucket = '', ...rest] = pathname
    .split('/')
    .map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  const key = rest.join('/');
  const operations: Record<string, Operation> = {
    GET: 'GetObject',
    HEAD: 'HeadObject',
    PUT: 'PutObject',
    DELETE: 'DeleteObject',
  };
  if (key === '') {
    const isList = method === 'GET' && query.get('list-type') === '2';
    return isList ? { operation: 'ListObjectsV2', bucket, key, query } : undefined;
  }
  const operation = operations[method];
  return operation && { operation, bucket, key, query };
}

function settled(work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof S3Refusal)) throw error;
    return {
      status: error.status,
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from(errorXml(error)),
    };
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
  fault: FaultKind | undefined,
  now: number,
): void {
  if (fault === 'hang-after') return;
  if (fault === 'cut-after') {
    cutOff(request);
    return;
  }
  response.writeHead(status, { date: new Date(now).toUTCString(), ...headers });
  const isHead = request.method === 'HEAD';
  if (fault === 'cut-body' && body !== undefined) sendHalf(response, body);
  else response.end(isHead ? undefined : body);
}
