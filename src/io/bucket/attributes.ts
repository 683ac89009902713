import type { ObjectAttributes } from './bucket.ts';

const YEAR_S = 31_536_000;

/** Files whose names are never given to other content: packages, and indices and metadata that have their digest in the name. */
const IMMUTABLE = [
  /^(?:apt|dnf)\/pool\//,
  /\/by-hash\/SHA256\/[0-9a-f]{64}$/,
  /^dnf\/.*\/repodata\/[0-9a-f]{64}-[^/]+$/,
];

/** Whether the name is never given to other content. @param path relative to the repository */
export function isImmutable(path: string): boolean {
  return IMMUTABLE.some((pattern) => pattern.test(path));
}

const TEXT = 'text/plain; charset=utf-8';

/** Content types by the end of the name. */
const TYPES: readonly (readonly [string, string])[] = [
  ['.deb', 'application/vnd.debian.binary-package'],
  ['.rpm', 'application/x-rpm'],
  ['.gz', 'application/gzip'],
  ['.xz', 'application/x-xz'],
  ['.zst', 'application/zstd'],
  ['.xml', 'application/xml'],
  ['.xml.asc', 'application/pgp-signature'],
  ['key.asc', 'application/pgp-keys'],
  ['.json', 'application/json'],
  ['.html', 'text/html; charset=utf-8'],
  ...['.txt', '.repo', '.sources', '/InRelease', '/Packages', '/mirrorlist'].map(
    (end) => [end, TEXT] as const,
  ),
];

/**
 * What an object tells clients and caches. Everything that changes under its name must be revalidated: a cache that serves an old index beside
 * a new one, or an old signature beside a new file, breaks clients (RFC 9111, section 5.2.2).
 * @param path relative to the repository
 */
export function attributesOf(path: string): ObjectAttributes {
  const type = TYPES.find(([end]) => `/${path}`.endsWith(end))?.[1];
  return {
    // An index in by-hash may be compressed or not; apt knows.
    contentType: type ?? 'application/octet-stream',
    cacheControl: isImmutable(path) ? `public, max-age=${YEAR_S}, immutable` : 'no-cache',
  };
}
