import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { OpenAPIBackend, type Request } from 'openapi-backend';
import { cut, serve } from '../http-server.ts';
import { incompleteReleases } from './complete.ts';
import { type Failure, type Fault, type How, Injection } from './injection.ts';
import { type Asset, digestOf, Refusal, type Release, type ReleaseFields, Repository } from './state.ts';

const API = JSON.parse(readFileSync(new URL('../../fixtures/github-api.json', import.meta.url), 'utf8'));
const EXAMPLES = API.components.examples;
const [REPOSITORY, RELEASE, ASSET] = ['full-repository-default-response', 'release', 'release-asset'].map(
  (name) => EXAMPLES[name].value,
);

export const OWNER = 'example';
export const NAME = 'coturn-packages';
export const TOKEN = 'ghs_s3cretT0ken';
export const READ_ONLY = 'ghs_readOnlyT0ken';

type Body = Record<string, unknown>;

/** A GitHub with one repository. It checks requests and its own responses with GitHub's API description. */
export async function simulateGithub() {
  const repository = new Repository();
  const injection = new Injection();
  /** Whether published releases are checked after each request, and what happens when a client is killed. */
  const watch = { isOn: false, kill: () => {} };
  /** Requests and responses that do not match the description, and other broken rules. */
  const violations: string[] = [];
  /** Method and operation of each request. */
  const requests: string[] = [];
  const uploads = { bytes: 0 };
  /** Versions of coturn's own releases, in another repository. */
  const upstream: string[] = [];
  const backend = new OpenAPIBackend({
    definition: API,
    quick: true,
    ajvOpts: { strict: false, validateFormats: false },
  });
  await backend.init();
  // Files are at another address, which the token must not reach.
  const files = await serve((request, response) => {
    if (request.headers.authorization !== undefined) violations.push('a download sent the token');
    const { asset } = repository.asset(Number(/\/(\d+)\?signature=/.exec(request.url ?? '')?.[1]));
    requests.push('GET file');
    const fault = injection.of('GET file');
    if (typeof fault === 'object') return void response.writeHead(fault.status).end(fault.message);
    if (fault === 'silence') return;
    if (fault === 'reset before') return void request.socket.destroy();
    const { length } = asset.content;
    const own = fault === 'damage' ? damaged(asset.content) : asset.content;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': length });
    if (fault === 'reset in response') response.write(own.subarray(0, length / 2), () => cut(response));
    else response.end(own);
  });
  let base = '';
  const server = await serve((request, response) => {
    handle(request, response)
      .catch((error: unknown) => {
        violations.push(String(error));
        response.destroy();
      })
      .finally(() => {
        if (watch.isOn) violations.push(...incompleteReleases(repository));
      });
  });
  base = server.url;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '', base);
    if (url.pathname === '/repos/coturn/coturn/releases')
      return send(
        response,
        200,
        upstream.map((tag_name) => ({ tag_name, draft: false, prerelease: false })),
      );
    const isUpload = url.pathname.startsWith('/uploads/');
    const path = url.pathname.replace(/^\/uploads/, '');
    const operation = backend.matchOperation({ method, path, headers: {}, query: url.search.slice(1) });
    const id = operation?.operationId ?? '';
    const name = nameOf(method, id);
    requests.push(name);
    if (isUpload !== (id === 'repos/upload-release-asset') || operation === undefined) {
      violations.push(`unknown request: ${method} ${url.pathname}`);
      return send(response, 404, { message: 'Not Found' });
    }
    const fault = injection.of(name);
    if (fault === 'silence') return;
    if (fault === 'killed before') watch.kill();
    if (fault === 'reset before' || fault === 'killed before') return void request.socket.destroy();
    if (typeof fault === 'object' && fault.after !== true) return failed(request, response, fault);
    let result: { status: number; body?: unknown; headers?: Record<string, string> };
    try {
      authorize(request, method);
      if (isUpload) {
        const asset = await receive(request, url, path, fault);
        if (asset === undefined) return;
        if (fault === 'twice') begin(url, path);
        result = { status: 201, body: assetBody(asset) };
      } else {
        const body = await json(request, operation, path, url);
        if (fault === 'twice') perform(id, method, path, url, request, body);
        result = perform(id, method, path, url, request, body);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      for await (const _ of request);
      return send(response, error.status, {
        ...{
          message: error.message,
          errors: error.errors,
          documentation_url: 'https://docs.github.com/rest',
        },
        status: String(error.status),
      });
    }
    if (fault === 'silence after') return;
    if (fault === 'killed after') watch.kill();
    if (fault === 'reset after' || fault === 'killed after') return void request.socket.destroy();
    if (typeof fault === 'object') return failed(request, response, fault);
    check(operation, result.status, result.body);
    if (fault === 'lie') result.body = wrongDigests(result.body);
    if (fault === 'reset in response') return sendHalf(response, result.status, result.body);
    send(response, result.status, result.body, result.headers);
  }

  function authorize({ headers }: IncomingMessage, method: string): void {
    const token = /^(?:token|Bearer) (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined && method === 'GET') {
      if (repository.settings.isPrivate) throw new Refusal(404, 'Not Found');
      return;
    }
    if (token !== TOKEN && token !== READ_ONLY) throw new Refusal(401, 'Bad credentials');
    if (method === 'GET') return;
    if (token === READ_ONLY) throw new Refusal(403, 'Resource not accessible by integration');
    if (repository.settings.archived) throw new Refusal(403, 'Repository was archived so is read-only.');
  }

  async function json(
    request: IncomingMessage,
    operation: never | object,
    path: string,
    url: URL,
  ): Promise<Body> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = '', headers } = request;
    const own: Request = {
      method,
      path,
      headers: headers as never,
      query: url.search.slice(1),
      body: text === '' ? undefined : text,
    };
    const { valid, errors } = backend.validateRequest(own, operation as never);
    if (!valid) violations.push(`${method} ${path}: ${JSON.stringify(errors)}`);
    const body = (text === '' ? {} : JSON.parse(text)) as Body;
    const known = (
      operation as { requestBody?: { content: Record<string, { schema: { properties: object } }> } }
    ).requestBody?.content['application/json']?.schema.properties;
    const unknown = Object.keys(body).filter((key) => known !== undefined && !(key in known));
    if (unknown.length > 0) violations.push(`${method} ${path}: unknown fields ${unknown.join(', ')}`);
    if (!valid || unknown.length > 0) throw new Refusal(422, 'Invalid request.');
    return body;
  }

  function perform(id: string, method: string, path: string, url: URL, request: IncomingMessage, body: Body) {
    const [, owner, name, number = ''] =
      /^\/repos\/([^/]+)\/([^/]+)(?:\/releases(?:\/assets)?(?:\/(\d+))?)?/.exec(path) ?? [];
    if (owner !== OWNER || name !== NAME) throw new Refusal(404, 'Not Found');
    const own = Number(number);
    const canWrite = request.headers.authorization?.endsWith(TOKEN) === true;
    switch (id) {
      case 'repos/get': {
        const { archived } = repository.settings;
        // The description's example lacks languages.
        const { source: _, parent: __, template_repository: ___, ...example } = REPOSITORY;
        const body = { ...example, language: null, name, full_name: `${owner}/${name}`, archived };
        return { status: 200, body };
      }
      case 'repos/list-releases': {
        const visible = repository.releases.filter((each) => {
          each.unlisted -= 1;
          return each.unlisted < 0 && (!each.draft || canWrite);
        });
        // The order is not promised.
        return page(visible.toReversed().map(releaseBody), url);
      }
      case 'repos/list-release-assets':
        return page(repository.find(own).assets.map(assetBody), url);
      case 'repos/generate-release-notes':
        return { status: 200, body: { name: String(body.tag_name), body: 'Notes' } };
      case 'repos/get-latest-release':
        return { status: 200, body: releaseBody(repository.latest()) };
      case 'repos/get-release':
        return { status: 200, body: releaseBody(repository.find(own)) };
      case 'repos/create-release':
        return { status: 201, body: releaseBody(repository.create(body as ReleaseFields)) };
      case 'repos/update-release':
        return { status: 200, body: releaseBody(repository.update(own, body as ReleaseFields)) };
      case 'repos/delete-release':
        repository.remove(own);
        return { status: 204 };
      case 'repos/delete-release-asset':
        repository.removeAsset(own);
        return { status: 204 };
      case 'repos/get-release-asset': {
        const { asset } = repository.asset(own);
        if (request.headers.accept !== 'application/octet-stream')
          return { status: 200, body: assetBody(asset) };
        return { status: 302, headers: { location: `${files.url}/${asset.id}?signature=s1gned` } };
      }
      default:
        throw new Error(`${method} ${id} is not simulated`);
    }
  }

  function page(all: readonly object[], url: URL) {
    const size = Number(url.searchParams.get('per_page') ?? 30);
    const number = Number(url.searchParams.get('page') ?? 1);
    const next = new URL(url);
    next.searchParams.set('page', String(number + 1));
    const link = all.length > size * number ? { link: `<${next.href}>; rel="next"` } : {};
    return {
      status: 200,
      body: all.slice(size * (number - 1), size * number),
      headers: link as Record<string, string>,
    };
  }

  function begin(url: URL, path: string): Asset {
    const id = Number(/\/releases\/(\d+)\/assets$/.exec(path)?.[1]);
    return repository.begin(id, url.searchParams.get('name') ?? '', url.searchParams.get('label'));
  }

  /** Receives a file. @returns undefined if the connection was cut */
  async function receive(request: IncomingMessage, url: URL, path: string, fault: How | undefined) {
    const { headers } = request;
    if (headers['content-type'] !== 'application/octet-stream' || headers['content-length'] === undefined)
      violations.push('an upload without content-type or content-length');
    const asset = begin(url, path);
    if (fault === 'killed halfway') watch.kill();
    if (fault === 'reset halfway' || fault === 'killed halfway')
      return void request.once('data', () => request.socket.destroy());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asset.content = Buffer.concat(chunks);
    uploads.bytes += asset.content.length;
    if (asset.content.length !== Number(headers['content-length'])) violations.push('a short upload');
    if (fault === 'damage') asset.content = damaged(asset.content);
    asset.state = 'uploaded';
    return asset;
  }

  async function failed(
    request: IncomingMessage,
    response: ServerResponse,
    { status, message = 'Server Error', errors, headers = {} }: Failure,
  ): Promise<void> {
    for await (const _ of request);
    const body = { message, documentation_url: 'https://docs.github.com/rest', status: String(status) };
    send(response, status, errors === undefined ? body : { ...body, errors }, headers);
  }

  /** The description does not know `starter`, which the documentation of uploads describes. */
  function check(operation: object, status: number, body: unknown): void {
    const text = JSON.stringify(body)?.replaceAll('"state":"starter"', '"state":"open"');
    const { valid, errors } = backend.validateResponse(
      text === undefined ? null : JSON.parse(text),
      operation as never,
      status,
    );
    if (!valid) violations.push(`response ${status}: ${JSON.stringify(errors)}`);
  }

  function send(
    response: ServerResponse,
    status: number,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }

  /** Cuts the connection in the middle of a response. */
  function sendHalf(response: ServerResponse, status: number, body: unknown): void {
    const bytes = Buffer.from(JSON.stringify(body) ?? '');
    if (bytes.length === 0) return void response.destroy();
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length };
    response.writeHead(status, headers).write(bytes.subarray(0, bytes.length / 2), () => cut(response));
  }

  function assetBody(asset: Asset) {
    const { id, name, label, state, content } = asset;
    const digest = repository.settings.digests && state === 'uploaded' ? digestOf(asset) : null;
    return { ...ASSET, id, name, label, state, size: content.length, digest };
  }

  function releaseBody(release: Release) {
    const { id, tag, target, name, body, draft, prerelease, immutable, created, published, assets } = release;
    const place = `${base}/repos/${OWNER}/${NAME}/releases`;
    return {
      ...RELEASE,
      ...{ id, tag_name: tag, target_commitish: target, name, body, draft, prerelease, immutable },
      url: `${place}/${id}`,
      html_url: `${base}/${OWNER}/${NAME}/releases/tag/${draft ? `untagged-${id}` : encodeURIComponent(tag)}`,
      upload_url: `${base}/uploads/repos/${OWNER}/${NAME}/releases/${id}/assets{?name,label}`,
      created_at: new Date(created).toISOString(),
      published_at: published === undefined ? null : new Date(published).toISOString(),
      assets: assets.map(assetBody),
    };
  }

  return {
    url: base,
    repository,
    violations,
    requests,
    uploads,
    injection,
    watch,
    fail: (fault: Fault) => injection.fail(fault),
    upstream,
  };
}

export type GithubSimulator = Awaited<ReturnType<typeof simulateGithub>>;

const wrongDigests = (body: unknown) =>
  JSON.parse(JSON.stringify(body).replace(/(?<=sha256:)./g, (digit) => (digit === '0' ? '1' : '0')));

/** Another content of the same size. */
const damaged = (content: Buffer) =>
  Buffer.from(content.map((byte, index) => (index === 0 ? byte ^ 1 : byte)));

/** `repos/update-release` -> `PATCH release`. */
function nameOf(method: string, operationId: string): string {
  const names: Record<string, string> = {
    'repos/get': 'repository',
    'repos/list-releases': 'releases',
    'repos/create-release': 'release',
    'repos/get-latest-release': 'latest',
    'repos/generate-release-notes': 'notes',
    'repos/get-release': 'release',
    'repos/update-release': 'release',
    'repos/delete-release': 'release',
    'repos/list-release-assets': 'assets',
    'repos/upload-release-asset': 'upload',
    'repos/get-release-asset': 'asset',
    'repos/delete-release-asset': 'asset',
  };
  return `${method} ${names[operationId] ?? '?'}`;
}
