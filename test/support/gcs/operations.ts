import { crc32c } from './crc32c.ts';
import { selectFields } from './fields.ts';
import { parseMultipart } from './multipart.ts';
import {
  type GcsObject,
  md5Of,
  parseResource,
  type Resource,
  requireDigests,
  requireGeneration,
  requireName,
  shownObject,
} from './objects.ts';
import { forbidden, noSuchBucket, noSuchObject, Refusal, Violation } from './refusal.ts';
import { digestsIn, newSessionId, rangeIn, type Session, takeChunk } from './sessions.ts';

/** What the simulator has. */
export interface State {
  url: string;
  bucket: string;
  objects: Map<string, GcsObject>;
  sessions: Map<string, Session>;
  /** Of the next object. */
  generation: number;
  /** Most entries of a page of a list. */
  pageSize: number;
  granted: ReadonlySet<string>;
}

/** A request that has arrived. */
export interface Received {
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  bucket: string;
  name: string;
  /** Notes that a permission is needed. @throws Refusal if it was not granted */
  need: (permission: string) => void;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

type Operation = (state: State, received: Received) => Answer;

const json = (found: object, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: JSON.stringify(found),
});

const getBucket: Operation = (state, { query, bucket, need }) => {
  allow(query, ['prettyPrint', 'projection']);
  need('storage.buckets.get');
  requireBucket(state, bucket);
  return json({ kind: 'storage#bucket', id: bucket, name: bucket, location: 'EU' });
};

const getObject: Operation = (state, { query, headers, bucket, name, need }) => {
  allow(query, ['alt', 'fields', 'generation', 'ifGenerationMatch', 'prettyPrint', 'projection']);
  if (headers.range !== undefined) throw new Violation('Ranges are not simulated');
  need('storage.objects.get');
  requireBucket(state, bucket);
  const found = state.objects.get(name);
  if (found === undefined && !state.granted.has('storage.objects.list'))
    throw forbidden('storage.objects.get');
  const generation = query.get('generation') ?? found?.generation;
  if (found === undefined || found.generation !== generation) throw noSuchObject(bucket, name);
  requireGeneration(found, query.get('ifGenerationMatch'));
  if (query.get('alt') !== 'media')
    return json(selectFields(shownObject(bucket, found), query.get('fields')));
  return {
    status: 200,
    headers: {
      'content-type': found.resource.contentType ?? 'application/octet-stream',
      'x-goog-generation': found.generation,
      'x-goog-metageneration': '1',
      'x-goog-hash': `crc32c=${crc32c(found.bytes)},md5=${md5Of(found.bytes)}`,
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-stored-content-length': String(found.bytes.length),
    },
    body: found.bytes,
  };
};

const deleteObject: Operation = (state, { query, bucket, name, need }) => {
  allow(query, ['ifGenerationMatch', 'prettyPrint']);
  need('storage.objects.delete');
  requireBucket(state, bucket);
  const found = state.objects.get(name);
  if (found === undefined) throw noSuchObject(bucket, name);
  requireGeneration(found, query.get('ifGenerationMatch'));
  state.objects.delete(name);
  return { status: 204 };
};

const listObjects: Operation = (state, { query, bucket, need }) => {
  allow(query, ['prefix', 'delimiter', 'pageToken', 'maxResults', 'fields', 'prettyPrint']);
  need('storage.objects.list');
  requireBucket(state, bucket);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  if (!['', '/'].includes(delimiter)) throw new Violation('Only "/" is simulated as a delimiter');
  const entries = new Map<string, GcsObject | undefined>();
  for (const [name, object] of state.objects) {
    if (!name.startsWith(prefix)) continue;
    const slash = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    if (slash === -1) entries.set(name, object);
    else entries.set(name.slice(0, slash + 1), undefined);
  }
  const token = query.get('pageToken');
  const after = token === null ? '' : Buffer.from(token, 'base64url').toString();
  if (token !== null && !entries.has(after)) throw new Violation('Invalid pageToken');
  const rest = [...entries].filter(([name]) => name > after).sort(([a], [b]) => (a < b ? -1 : 1));
  const page = rest.slice(0, Math.min(state.pageSize, Number(query.get('maxResults') ?? 1000)));
  const items = page.flatMap(([, object]) => (object === undefined ? [] : [shownObject(bucket, object)]));
  const prefixes = page.flatMap(([name, object]) => (object === undefined ? [name] : []));
  const next =
    page.length < rest.length
      ? { nextPageToken: Buffer.from(page.at(-1)?.[0] ?? '').toString('base64url') }
      : {};
  const found = {
    kind: 'storage#objects',
    ...(items.length > 0 ? { items } : {}),
    ...(prefixes.length > 0 ? { prefixes } : {}),
    ...next,
  };
  return json(selectFields(found, query.get('fields')));
};

const insertObject: Operation = (state, received) => {
  const { query, headers, body, bucket, need } = received;
  allow(query, ['uploadType', 'name', 'ifGenerationMatch', 'fields', 'prettyPrint', 'alt']);
  const type = query.get('uploadType');
  if (type !== 'multipart' && type !== 'resumable')
    throw new Violation(`Uploads of type "${type}" are not simulated`);
  const part = type === 'multipart' ? parseMultipart(headers['content-type'] ?? '', body) : undefined;
  const resource = parseResource(part?.json ?? body.toString('utf8'));
  const name = requireName(resource.name ?? query.get('name') ?? '');
  const condition = query.get('ifGenerationMatch');
  const contentType = resource.contentType ?? part?.type ?? headers['x-upload-content-type'];
  const complete = { ...resource, ...(contentType === undefined ? {} : { contentType }) };
  permitStoring(state, name, need);
  requireBucket(state, bucket);
  if (part !== undefined)
    return stored(state, { name, resource: complete, condition, bytes: part.content }, query);
  requireGeneration(state.objects.get(name), condition);
  const announced = headers['x-upload-content-length'];
  const session: Session = {
    id: newSessionId(),
    bucket,
    name,
    resource: complete,
    condition,
    size: announced === undefined ? undefined : Number(announced),
    stored: Buffer.alloc(0),
    said: {},
    answer: undefined,
  };
  state.sessions.set(session.id, session);
  const location = `${state.url}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&name=${encodeURIComponent(name)}&upload_id=${session.id}`;
  return { status: 200, headers: { location, 'x-guploader-uploadid': session.id } };
};

/** A request to a session. It needs no token. */
export function continueUpload(state: State, session: Session, received: Received): Answer {
  const { headers, body, query } = received;
  rangeIn(headers['content-range']);
  if (session.answer !== undefined) return { ...json({}), ...session.answer };
  const isComplete = takeChunk(session, headers['content-range'], body);
  session.said = digestsIn(headers['x-goog-hash']);
  if (!isComplete) {
    const last = session.stored.length - 1;
    return { status: 308, headers: last < 0 ? {} : { range: `bytes=0-${last}` } };
  }
  const { name, resource, condition, stored: bytes } = session;
  try {
    const said = { ...resource, ...session.said };
    const answer = stored(state, { name, resource: said, condition, bytes }, query);
    session.answer = { status: answer.status, body: String(answer.body) };
    return answer;
  } catch (error) {
    // The session has ended, whatever the reason.
    if (error instanceof Refusal) session.answer = { status: error.status, body: error.body };
    throw error;
  }
}

function stored(
  state: State,
  given: { name: string; resource: Resource; condition: string | null; bytes: Buffer },
  query: URLSearchParams,
): Answer {
  const { name, resource, condition, bytes } = given;
  requireDigests(bytes, resource);
  requireGeneration(state.objects.get(name), condition);
  const generation = String(state.generation++);
  const object = { name, bytes: Buffer.from(bytes), generation, updated: new Date(), resource };
  state.objects.set(name, object);
  return json(selectFields(shownObject(state.bucket, object), query.get('fields')));
}

function permitStoring(state: State, name: string, need: Received['need']): void {
  need('storage.objects.create');
  if (state.objects.has(name)) need('storage.objects.delete');
}

function requireBucket(state: State, bucket: string): void {
  if (bucket !== state.bucket) throw noSuchBucket();
}

/** What everyone may download, as from https://storage.googleapis.com/BUCKET/NAME. */
export function publicAnswer({ objects }: State, name: string): Answer {
  const found = objects.get(name);
  // Everyone may read objects, but not list them.
  if (found === undefined) throw forbidden('storage.objects.get', 'Anonymous caller');
  const { contentType = 'application/octet-stream', cacheControl = 'public, max-age=3600' } = found.resource;
  const headers = { 'content-type': contentType, 'cache-control': cacheControl };
  return { status: 200, headers, body: found.bytes };
}

/** @throws Violation for another parameter, or one given twice */
function allow(query: URLSearchParams, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!names.includes(name)) throw new Violation(`Unknown parameter "${name}"`);
    if (seen.has(name)) throw new Violation(`Parameter "${name}" is given twice`);
    seen.add(name);
  }
}

/** Operations by method and path. `name` is the object's, percent-encoded. */
export const OPERATIONS: readonly { id: string; method: string; path: RegExp; operation: Operation }[] = [
  { id: 'buckets.get', method: 'GET', path: /^\/storage\/v1\/b\/(?<bucket>[^/]+)$/, operation: getBucket },
  {
    id: 'objects.list',
    method: 'GET',
    path: /^\/storage\/v1\/b\/(?<bucket>[^/]+)\/o$/,
    operation: listObjects,
  },
  {
    id: 'objects.get',
    method: 'GET',
    path: /^\/storage\/v1\/b\/(?<bucket>[^/]+)\/o\/(?<name>[^/]+)$/,
    operation: getObject,
  },
  {
    id: 'objects.delete',
    method: 'DELETE',
    path: /^\/storage\/v1\/b\/(?<bucket>[^/]+)\/o\/(?<name>[^/]+)$/,
    operation: deleteObject,
  },
  {
    id: 'objects.insert',
    method: 'POST',
    path: /^\/upload\/storage\/v1\/b\/(?<bucket>[^/]+)\/o$/,
    operation: insertObject,
  },
];
