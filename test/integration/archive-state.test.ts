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
  /** Hash of the package list of the component universe. */
  universe?: string;
  sources?: string;
  date?: string;
  status?: number;
}

/** Serves an archive of one suite with its updates. A test can change `archive` in the meantime. */
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
        ` ${archive.universe ?? HASH.old} 678 universe/binary-amd64/Packages`,
        ` ${archive.sources ?? HASH.old}  45 main/source/Sources`,
        '',
      ].join('\n'),
    );
  });
  const cacheDir = join(temporaryFolder(), 'archive');
  const suites = archiveSuites('trixie', { debian: server.url });
  const query = { cacheDir, retries: 0 };
  const both = suites.map((suite) => ({ ...suite, components: ['main', 'universe'] }));
  return {
    ...{ server, cacheDir, read: () => readArchiveState(suites, query) },
    readBoth: () => readArchiveState(both, query),
  };
}

describe('readArchiveState', () => {
  test('reads InRelease of each suite that packages come from', async () => {
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
      { mirror: 'http://a', suite: 'trixie', components: ['main'] },
      { mirror: 'http://a', suite: 'trixie-updates', components: ['main'] },
      { mirror: 'http://b', suite: 'trixie-security', components: ['main'] },
    ]);
  });

  test('returns an ID that changes with the package list, not with the date or the source list', async () => {
    const archive: Archive = { packages: HASH.old };
    const { read } = await start(archive);
    const { id } = await read();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    Object.assign(archive, { date: 'Tue, 03 Nov 2026 08:00:00 UTC', sources: HASH.new });
    expect((await read()).id).toBe(id);
    archive.packages = HASH.new;
    expect((await read()).id).not.toBe(id);
  });

  test('bases the ID only on the requested components', async () => {
    const archive: Archive = { packages: HASH.old };
    const { read, readBoth } = await start(archive);
    const [main, both] = [(await read()).id, (await readBoth()).id];
    archive.universe = HASH.new;
    expect((await read()).id).toBe(main);
    const changed = (await readBoth()).id;
    expect(changed).not.toBe(both);
    archive.packages = HASH.new;
    expect((await readBoth()).id).not.toBe(changed);
  });

  test('downloads each InRelease once for concurrent calls', async () => {
    const { server, read, readBoth } = await start({ packages: HASH.old });
    const [main, both] = await Promise.all([read(), readBoth()]);
    expect(both.id).not.toBe(main.id);
    expect(server.requests).toHaveLength(2);
  });

  test('returns the last known state, marked as such, while the archive is unreachable', async () => {
    const archive: Archive = { packages: HASH.old };
    const { read } = await start(archive);
    const { id } = await read();
    archive.status = 503;
    const known = await read();
    expect(known.id).toBe(id);
    expect(known.unreachable).toMatch(/InRelease could not be downloaded in 1 try: .*503/);
    delete archive.status;
    expect((await read()).unreachable).toBeUndefined();
  });

  test('refuses a state that is older than the newest one seen', async () => {
    const archive: Archive = { packages: HASH.new, date: 'Mon, 02 Nov 2026 08:00:00 UTC' };
    const { read } = await start(archive);
    const { id } = await read();
    Object.assign(archive, { packages: HASH.old, date: 'Sat, 31 Oct 2026 08:00:00 UTC' });
    for (const _ of [1, 2]) {
      const error = await errorOf(read());
      expect(error.code).toBe('ARCHIVE_OLD');
      expect(error.message).toMatch(
        /^trixie(-updates)? is dated 2026-10-31 08:00 UTC, but was dated 2026-11-02 08:00 UTC/,
      );
    }
    Object.assign(archive, { packages: HASH.new, date: 'Tue, 03 Nov 2026 08:00:00 UTC' });
    expect(await read()).toMatchObject({ id });
  });

  test('fails and leaves no file if the archive is unreachable and no state is known', async () => {
    const { cacheDir, read } = await start({ packages: HASH.old, status: 503 });
    expect((await errorOf(read())).code).toBe('DOWNLOAD_FAILED');
    expect(readdirSync(cacheDir)).toEqual([]);
  });
});

describe('readRepositoryState', () => {
  const repomd = (revision: string, hash: string) =>
    `<repomd><revision>${revision}</revision><data type="primary"><checksum type="sha256">${hash}</checksum></data></repomd>`;

  test('returns an ID that changes with the package list, not with the revision', async () => {
    let answer = repomd('1', HASH.old);
    const server = await serve((_, response) => response.end(answer));
    const query = { cacheDir: join(temporaryFolder(), 'archive'), retries: 0 };
    const read = () => readRepositoryState([`${server.url}/BaseOS/aarch64/os`], query);
    const { id, suites } = await read();
    expect(suites).toEqual(['BaseOS/aarch64/os of revision 1 (unknown date)']);
    expect(server.requests).toEqual(['GET /BaseOS/aarch64/os/repodata/repomd.xml']);
    answer = repomd('2', HASH.old);
    expect(await read()).toMatchObject({ id, suites: ['BaseOS/aarch64/os of revision 2 (unknown date)'] });
    answer = repomd('2', HASH.new);
    expect((await read()).id).not.toBe(id);
  });

  test('fails if a repository does not exist', async () => {
    const server = await serve((_, response) => response.writeHead(404).end());
    const query = { cacheDir: join(temporaryFolder(), 'archive'), retries: 0 };
    const { code, message } = await errorOf(readRepositoryState([`${server.url}/CRB`], query));
    expect(code).toBe('DOWNLOAD_FAILED');
    expect(message).toContain('/CRB/repodata/repomd.xml');
  });

  describe('with dated metadata', () => {
    const now = Date.parse('2026-11-20');
    const day = 24 * 60 * 60;
    const at = now / 1000;
    const dated = (time: number, hash = HASH.new) =>
      repomd(String(time), hash).replace('</data>', `<timestamp>${time - 5}</timestamp></data>`);
    const prepare = async () => {
      const answer = { text: dated(at) };
      const server = await serve((_, response) => response.end(answer.text));
      const query = { cacheDir: join(temporaryFolder(), 'archive'), retries: 0, now };
      return { answer, read: () => readRepositoryState([`${server.url}/BaseOS`], query) };
    };

    test('reports the date of the revision', async () => {
      const { read } = await prepare();
      expect((await read()).suites).toEqual([`BaseOS of revision ${at} (2026-11-20 00:00 UTC)`]);
    });

    test('refuses metadata that is over a day older than before, or no longer dated', async () => {
      const { answer, read } = await prepare();
      await read();
      answer.text = dated(at - day + 60, HASH.old);
      await read();
      answer.text = dated(at - day - 60, HASH.old);
      for (const _ of [1, 2]) expect((await errorOf(read())).code).toBe('ARCHIVE_OLD');
      answer.text = repomd('1', HASH.old);
      expect((await errorOf(read())).message).toContain('BaseOS no longer has a date');
      answer.text = dated(at);
      await read();
    });

    test('refuses metadata dated in the future and does not remember its date', async () => {
      const { answer, read } = await prepare();
      answer.text = dated(at + 2 * day);
      expect((await errorOf(read())).code).toBe('ARCHIVE_DATE');
      answer.text = dated(at);
      await read();
    });
  });
});
