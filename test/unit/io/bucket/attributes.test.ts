import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { attributesOf } from '../../../../src/io/bucket/attributes.ts';

const HEX = '0123456789abcdef'.repeat(4);
const FOREVER = 'public, max-age=31536000, immutable';

it.each([
  [
    'apt/pool/main/c/coturn/coturn_4.18.0+turnbuild-1~deb13_amd64.deb',
    'application/vnd.debian.binary-package',
  ],
  ['dnf/pool/coturn-4.18.0+turnbuild-1.x86_64.rpm', 'application/x-rpm'],
  [`apt/dists/trixie/main/binary-amd64/by-hash/SHA256/${HEX}`, 'application/octet-stream'],
  [`dnf/stable/portable/x86_64-0123456789abcdef/repodata/${HEX}-primary.xml.gz`, 'application/gzip'],
  [`dnf/stable/portable/x86_64/repodata/${HEX}-primary.xml.gz`, 'application/gzip'],
  [`dnf/stable/portable/x86_64/repodata/${HEX}-primary.xml.zst`, 'application/zstd'],
])('%s may be cached forever', (path, contentType) => {
  expect(attributesOf(path)).toEqual({ contentType, cacheControl: FOREVER });
});

const TEXT = 'text/plain; charset=utf-8';

it.each([
  ['apt/dists/trixie/InRelease', TEXT],
  ['apt/dists/trixie/main/binary-amd64/Packages', TEXT],
  ['apt/dists/trixie/main/binary-amd64/Packages.gz', 'application/gzip'],
  ['apt/coturn-trixie.sources', TEXT],
  ['dnf/coturn-portable-stable.repo', TEXT],
  ['dnf/stable/portable/x86_64/mirrorlist', TEXT],
  ['dnf/stable/portable/x86_64/repodata/repomd.xml', 'application/xml'],
  ['dnf/stable/portable/x86_64/repodata/repomd.xml.asc', 'application/pgp-signature'],
  // Signed again when another subkey signs.
  ['dnf/stable/portable/x86_64-0123456789abcdef/repodata/repomd.xml', 'application/xml'],
  ['dnf/stable/portable/x86_64-0123456789abcdef/repodata/repomd.xml.asc', 'application/pgp-signature'],
  ['withdrawn/4.18.0+turnbuild-1.txt', TEXT],
  ['key.asc', 'application/pgp-keys'],
  ['index.html', 'text/html; charset=utf-8'],
  // Not in the pool of apt or dnf.
  ['other/apt/pool/file', 'application/octet-stream'],
])('%s must be revalidated', (path, contentType) => {
  expect(attributesOf(path)).toEqual({ contentType, cacheControl: 'no-cache' });
});

it('docs/publishing.md describes it', () => {
  const docs = readFileSync(new URL('../../../../docs/publishing.md', import.meta.url), 'utf8');
  const row = docs.split('\n').find((line) => line.endsWith('| `no-cache` |')) ?? '';
  const names = [...row.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '').slice(0, -1);
  expect(names).toContain('repomd.xml');
  for (const name of names) expect(attributesOf(`dnf/x/${name}`).cacheControl, name).toBe('no-cache');
  expect(docs).toContain(`| \`${FOREVER}\` |`);
});
