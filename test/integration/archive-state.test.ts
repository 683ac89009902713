import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readArchiveState, readRepositoryState } from '../../src/io/archive-state.ts';
import { archiveSuites } from '../../src/plan/archives.ts';
import { serve } from '../support/http-server.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const HASH = { old: 'a'.repeat(64), new: 'b'.repeat(64) };

interface Archive {
  packages: string;
  sources?: string;
  date?: string;
  status?: number;
}

/** An archive of one suite with its updates; `archive` is changed while it runs. */
async function start(archive: Archive) {
  const server = await serve((request, response) => {
    if (archive.status !== undefined) return response.writeHead(archive.status).end();
    const suite = /^\/dists\/([^/]+)\/InRelease$/.exec(request.url ?? '')?.[1];
    return response.end(
      [
        `Codename: ${suite}`,
        `Date: ${archive.date ?? 'Mon, 02 Nov 2026 08:00:00 UTC'}`,
        'SHA256:',
        ` ${archive.packages} 123 main/binary-amd64/Packages`,
        ` ${archive.sources ?? HASH.old}  45 main/source/Sources`,
        '',
      ].join('\n'),
    );
  });
  const cacheDir = join(temporaryFolder(), 'archive');
  const suites = archiveSuites('trixie', { debian: server.url });
  return { server, cacheDir, read: () => readArchiveState(suites, { cacheDir, retries: 0 }) };
}

describe('the state of an archive', () => {
  test('is asked of each suite that packages come from', async () => {
    const { server, read } = await start({ packages: HASH.old });
    expect((await read()).suites).toEqual([
      'trixie of Mon, 02 Nov 2026 08:00:00 UTC',
      'trixie-updates of Mon, 02 Nov 2026 08:00:00 UTC',
    ]);
    expect(server.requests.sort()).toEqual([
      'GET /dists/trixie-updates/InRelease',
      'GET /dists/trixie/InRelease',
    ]);
    expect(archiveSuites('trixie', { debian: 'http://a', security: 'http://b' })).toEqual([
      { mirror: 'http://a', suite: 'trixie' },
      { mirror: 'http://a', suite: 'trixie-updates' },
      { mirror: 'http://b', suite: 'trixie-security' },
    ]);
  });

  test('changes with a package, and with nothing else', async () => {
    const archive: Archive = { packages: HASH.old };
    const { read } = await start(archive);
    const { id } = await read();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    Object.assign(archive, { date: 'Tue, 03 Nov 2026 08:00:00 UTC', sources: HASH.new });
    expect((await read()).id).toBe(id);
    archive.packages = HASH.new;
    expect((await read()).id).not.toBe(id);
  });

  test('is the last known one while the archive is away, and says so', async () => {
    const archive: Archive = { packages: HASH.old };
    const { read } = await start(archive);
    const { id } = await read();
    archive.status = 503;
    const known = await read();
    expect(known.id).toBe(id);
    expect(known.unreachable).toMatch(/InRelease could not be downloaded in 1 tries.*503/);
    delete archive.status;
    expect((await read()).unreachable).toBeUndefined();
  });

  test('is an error where it never was known, and leaves nothing', async () => {
    const { cacheDir, read } = await start({ packages: HASH.old, status: 503 });
    expect((await errorOf(read())).code).toBe('DOWNLOAD_FAILED');
    expect(readdirSync(cacheDir)).toEqual([]);
  });
});

describe('the state of repositories of rpms', () => {
  const repomd = (revision: string, hash: string) =>
    `<repomd><revision>${revision}</revision><data type="primary"><checksum type="sha256">${hash}</checksum></data></repomd>`;

  test('changes with a list of packages, and with nothing else', async () => {
    let answer = repomd('1', HASH.old);
    const server = await serve((_, response) => response.end(answer));
    const query = { cacheDir: join(temporaryFolder(), 'archive'), retries: 0 };
    const read = () => readRepositoryState([`${server.url}/BaseOS/aarch64/os`], query);
    const { id, suites } = await read();
    expect(suites).toEqual(['BaseOS/aarch64/os of revision 1']);
    expect(server.requests).toEqual(['GET /BaseOS/aarch64/os/repodata/repomd.xml']);
    answer = repomd('2', HASH.old);
    expect(await read()).toEqual({ id, suites: ['BaseOS/aarch64/os of revision 2'] });
    answer = repomd('2', HASH.new);
    expect((await read()).id).not.toBe(id);
  });

  test('is an error where a repository is not', async () => {
    const server = await serve((_, response) => response.writeHead(404).end());
    const query = { cacheDir: join(temporaryFolder(), 'archive'), retries: 0 };
    const { code, message } = await errorOf(readRepositoryState([`${server.url}/CRB`], query));
    expect(code).toBe('DOWNLOAD_FAILED');
    expect(message).toContain('/CRB/repodata/repomd.xml');
  });
});
