import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { messageOf, TurnbuildError } from '../errors.ts';
import { download } from '../io/download.ts';
import { exists, sha256File } from '../io/files.ts';
import { withUnpacked } from '../io/unpacked-file.ts';
import type { ArchiveIndexQuery } from './debian-archive.ts';

/** A suite's Sources is 60 MB unpacked. The archive signs it, so this limit only guards against accidents. */
const MAX_BYTES = 512 * 1024 * 1024;

/** The text of the Sources index that is listed in a signed release, from the cache if possible. */
export async function downloadIndex(
  query: ArchiveIndexQuery,
  suite: string,
  release: string,
): Promise<string> {
  const { sha256, path } = indexOf(release, suite);
  const file = join(query.cacheDir, `${sha256}-${path.endsWith('.xz') ? 'Sources.xz' : 'Sources.gz'}`);
  // The name is the hash, but the cached file may have been changed since.
  if ((await exists(file)) && (await sha256File(file)) !== sha256) await rm(file);
  if (!(await exists(file))) {
    const root = `${query.mirror}/dists/${suite}/main/source`;
    const plain = `${query.mirror}/dists/${suite}/${path}`;
    // By hash, an index stays available after the mirror has replaced it (RepositoryFormat, Acquire-By-Hash).
    const byHash = /^Acquire-By-Hash: yes$/m.test(release);
    await fetchIndex(query, byHash ? `${root}/by-hash/SHA256/${sha256}` : plain, file, sha256)
      .catch((error: unknown) => {
        if (!byHash || !isAbsent(error)) throw error;
        return fetchIndex(query, plain, file, sha256);
      })
      .catch((error: unknown) => Promise.reject(indexError(error, suite)));
  }
  if (path.endsWith('.gz'))
    return gunzipSync(await readFile(file), { maxOutputLength: MAX_BYTES }).toString('utf8');
  const options = { format: 'xz', exec: query.exec, maxBytes: MAX_BYTES } as const;
  return withUnpacked(file, options, (text) => readFile(text, 'utf8'));
}

async function fetchIndex(
  query: ArchiveIndexQuery,
  url: string,
  file: string,
  sha256: string,
): Promise<void> {
  await download({ url, file, sha256, ...(query.signal === undefined ? {} : { signal: query.signal }) });
}

/** Whether a download failed because the server has no such file. */
export function isAbsent(error: unknown): boolean {
  return error instanceof TurnbuildError && error.code === 'DOWNLOAD_FAILED' && / 404 /.test(error.message);
}

/** The index's hash and path in the signed release. Prefers .gz, which Node can unpack itself, to .xz. */
function indexOf(release: string, suite: string): { sha256: string; path: string } {
  const section = /^SHA256:[ ]*\n((?: .*\n?)+)/m.exec(release)?.[1] ?? '';
  const rows = section.split('\n').map((line) => line.trim().split(/\s+/));
  for (const path of ['main/source/Sources.gz', 'main/source/Sources.xz']) {
    const sha256 = rows.find((row) => row[2] === path)?.[0] ?? '';
    if (/^[0-9a-f]{64}$/.test(sha256)) return { sha256, path };
  }
  throw new TurnbuildError('DEBIAN_INDEX_MISMATCH', `InRelease of ${suite} lists no main/source/Sources`, {
    hint: 'Use another --mirror: this one has no sources.',
  });
}

function indexError(error: unknown, suite: string): unknown {
  if (!(error instanceof TurnbuildError) || error.code !== 'SOURCE_SHA256_MISMATCH') return error;
  return new TurnbuildError(
    'DEBIAN_INDEX_MISMATCH',
    `Sources of ${suite} does not match InRelease: ${messageOf(error)}`,
    {
      cause: error,
      hint: 'The mirror is being updated, or was tampered with. Try again, or use another --mirror.',
    },
  );
}
