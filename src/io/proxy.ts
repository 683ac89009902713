import { type TurnbuildError, usageError } from '../errors.ts';
import { shownUrl, withoutPassword } from './shown-url.ts';

/** Proxy variables in the spelling that all tools understand; apt reads only lower case. */
const NAMES = ['http_proxy', 'https_proxy', 'no_proxy'] as const;
/** Hosts that bypass the proxy, because on the proxy these names would mean the proxy's machine. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Proxy settings of an environment. */
export interface Proxies {
  http: string | undefined;
  https: string | undefined;
  /** Hosts that bypass the proxy, as in NO_PROXY. */
  none: string;
}

/** Sets http_proxy, https_proxy and no_proxy from their upper-case variants, for this process and its children. */
export function adoptProxies(env: NodeJS.ProcessEnv): void {
  for (const name of NAMES) {
    const value = env[name] ?? env[name.toUpperCase()];
    if (value !== undefined) env[name] = value;
  }
}

/**
 * Reads the proxy settings. Without https_proxy, http_proxy also applies to HTTPS, as in apt.
 * @throws PROXY_INVALID
 */
export function readProxies(env: NodeJS.ProcessEnv): Proxies {
  const all = { ...env };
  adoptProxies(all);
  const http = readProxy('http_proxy', all.http_proxy);
  const none = all.no_proxy?.trim() ?? '';
  return {
    http,
    https: readProxy('https_proxy', all.https_proxy) ?? http,
    none: none === '*' ? none : [none, ...LOOPBACK].join(','),
  };
}

function readProxy(name: string, value = ''): string | undefined {
  if (value.trim() === '') return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    throw invalid(name, value);
  return url.href;
}

function invalid(name: string, value: string): TurnbuildError {
  // `USER:PASSWORD` would parse as a URL with the scheme USER.
  const shown = /^\s*[a-z][a-z\d+.-]*:\/\/|@/i.test(value) ? shownUrl(value) : withoutPassword(value);
  return usageError(
    'PROXY_INVALID',
    `Invalid proxy "${shown}" in ${name.toUpperCase()}`,
    `Set ${name} or ${name.toUpperCase()} to http://HOST:PORT, or unset both.`,
  );
}

/**
 * Names of the proxy variables to pass to builds. Omits proxies on the loopback interface, because builds have their own.
 * @throws PROXY_INVALID
 */
export function proxiesForBuilds(env: NodeJS.ProcessEnv): string[] {
  const { http, https } = readProxies(env);
  const named = { http_proxy: http, https_proxy: https };
  const names = Object.entries(named).flatMap(([name, proxy]) =>
    proxy !== undefined && (env[name] ?? '') !== '' && !isLoopback(new URL(proxy).hostname) ? [name] : [],
  );
  return names.length > 0 && (env.no_proxy ?? '') !== '' ? [...names, 'no_proxy'] : names;
}

/** Whether a host name can only mean this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.includes(hostname);
}
