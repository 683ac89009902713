import type { Dispatcher, Pool } from 'undici';
import { messageOf, TurnbuildError } from '../errors.ts';
import { withHost } from './network-error.ts';
import { type Proxies, readProxies } from './proxy.ts';
import { shownUrl } from './shown-url.ts';
import { unpaused } from './unpaused.ts';

/** Lowest status of a proxy's response to CONNECT that is worth retrying: the proxy could not reach the server, or is overloaded. */
const MAY_PASS = 500;

/** Connection errors that a retry would not fix: the port is closed, or the name does not exist. */
const LASTING = ['ECONNREFUSED', 'ENOTFOUND'];

/** A proxy that cannot be used. */
export class ProxyError extends TurnbuildError {
  /** Whether a retry may succeed. */
  readonly retryable: boolean;
  constructor(proxy: string, why: string, hint: string, retryable: boolean) {
    super('PROXY_FAILED', `The proxy ${shownUrl(proxy)} ${why}`, { hint });
    this.retryable = retryable;
  }
}

/**
 * The standard `fetch`, through the environment's proxies. All network requests of turnbuild use it. Plain HTTP requests are sent to
 * the proxy, all others through a tunnel. `stallMs` is the timeout for the response headers and between chunks of the body (undici's default
 * is 5 minutes).
 * @throws PROXY_INVALID, ProxyError (PROXY_FAILED), and the errors of `fetch`
 */
export async function fetch(
  url: string,
  init: RequestInit = {},
  { stallMs }: { stallMs?: number } = {},
): Promise<Response> {
  const proxies = readProxies(process.env);
  const request = withoutCredentials(url, init);
  // Loaded on demand, so that turnbuild starts faster.
  const undici = await import('undici');
  const shared = dispatcherFor(proxies, undici);
  const dispatcher =
    stallMs === undefined
      ? shared
      : shared.compose(
          (dispatch) => (options, handler) =>
            dispatch({ ...options, headersTimeout: stallMs, bodyTimeout: stallMs }, handler),
        );
  try {
    const response = await undici.fetch(request.url, { ...(request.init as object), dispatcher });
    return response as unknown as Response;
  } catch (error) {
    throw proxyErrorIn(error, url, proxies) ?? withHost(error, request.url);
  }
}

/** Moves credentials from the URL to a header, as other tools do: `fetch` refuses such URLs and prints them in its error. */
function withoutCredentials(address: string, init: RequestInit): { url: string; init: RequestInit } {
  const url = new URL(address);
  if (url.username === '' && url.password === '') return { url: address, init };
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  url.username = '';
  url.password = '';
  const headers = new Headers(init.headers);
  if (!headers.has('authorization'))
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
  return { url: url.href, init: { ...init, headers } };
}

/** A percent sign that is not part of an encoding stays a percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function proxyErrorIn(error: unknown, url: string, { http }: Proxies): ProxyError | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof ProxyError) return each;
    // fetch's error for status 407. Outside a tunnel, only a proxy sends it.
    if (/^proxy authentication required/i.test(each.message) && http !== undefined)
      return refused(http, 407, shownUrl(url));
  }
  return undefined;
}

let current: { key: string; dispatcher: Dispatcher } | undefined;

/** Shared by all requests, so that connections are reused. */
function dispatcherFor(proxies: Proxies, undici: typeof import('undici')): Dispatcher {
  const key = JSON.stringify(proxies);
  if (current?.key !== key)
    current = { key, dispatcher: createDispatcher(proxies, undici).compose(unpaused) };
  return current.dispatcher;
}

function createDispatcher(
  { http = '', https = '', none }: Proxies,
  { EnvHttpProxyAgent, Pool }: typeof import('undici'),
): Dispatcher {
  const proxyOf = (origin: string | URL) =>
    [https, http].find((proxy) => proxy !== '' && new URL(proxy).origin === new URL(origin).origin);

  /** Connections to a proxy. Their errors name the proxy. */
  class ProxyPool extends Pool {
    readonly #proxy: string;
    constructor(proxy: string, options: Pool.Options) {
      super(new URL(proxy).origin, { ...options, ...naming(proxy, options.connect) });
      this.#proxy = proxy;
    }
    // Opens the tunnel. The method is overloaded; only the variant that returns a promise is used.
    override connect(options: unknown, ...rest: unknown[]): never {
      const parent = super.connect as (...args: unknown[]) => Promise<Dispatcher.ConnectData>;
      return parent.call(this, options, ...rest).then((answer) => {
        if (answer.statusCode === 200) return answer;
        answer.socket.on('error', () => {}).destroy();
        throw refused(this.#proxy, answer.statusCode, (options as { path: string }).path);
      }) as never;
    }
  }

  return new EnvHttpProxyAgent({
    httpProxy: http,
    httpsProxy: https,
    noProxy: none,
    // Most proxies only allow tunnels to port 443 and handle plain HTTP requests themselves.
    proxyTunnel: false,
    clientFactory: (origin, options) => new ProxyPool(proxyOf(origin) ?? origin.href, options),
    factory: (origin, options) => {
      const proxy = proxyOf(origin);
      // `connect` is a function only for connections to the proxy itself.
      const connects = typeof (options as Pool.Options).connect === 'function';
      return proxy !== undefined && connects ? new ProxyPool(proxy, options) : new Pool(origin, options);
    },
  });
}

/** A connector that names the proxy in its errors. */
function naming(proxy: string, connect: Pool.Options['connect']): Pick<Pool.Options, 'connect'> {
  if (typeof connect !== 'function') return {};
  return {
    connect: (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error === null) return callback(null, socket as NonNullable<typeof socket>);
        const why = `cannot be reached: ${messageOf(error)}`;
        const retryable = !LASTING.includes((error as NodeJS.ErrnoException).code ?? '');
        callback(new ProxyError(proxy, why, 'Check HTTPS_PROXY and HTTP_PROXY.', retryable), null);
      }),
  };
}

function refused(proxy: string, status: number, target: string): ProxyError {
  if (status === 407)
    return new ProxyError(
      proxy,
      'requires a user name and password, or rejected them (407)',
      'Set them in HTTPS_PROXY and HTTP_PROXY: http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded.',
      false,
    );
  return new ProxyError(
    proxy,
    `refused to connect to ${target} (${status})`,
    'Allow the host on the proxy, or list it in NO_PROXY to connect directly.',
    status >= MAY_PASS,
  );
}
