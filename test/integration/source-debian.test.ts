import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Exec, runProcess } from '../../src/io/exec.ts';
import { type DebianQuery, findDebianSource, findSourceVersions } from '../../src/sources/debian-archive.ts';
import {
  createSigningKey,
  type MirrorOptions,
  NEXT_KEY,
  type SigningKey,
  serveDebianMirror,
  stanza,
  TARBALL_SHA256,
} from '../support/debian-mirror.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

let key: SigningKey;
let stranger: SigningKey;
beforeAll(() => {
  key = createSigningKey();
  stranger = createSigningKey();
});
afterAll(() => {
  key?.remove();
  stranger?.remove();
});

async function ask(options: Partial<MirrorOptions> = {}, query: Partial<DebianQuery> = {}) {
  const server = await serveDebianMirror({ key, ...options });
  const cacheDir = join(temporaryFolder(), 'archive');
  const find = (more: Partial<DebianQuery> = {}) =>
    findDebianSource({
      mirror: server.mirror,
      suites: ['bookworm'],
      package: 'coturn',
      exec: runProcess,
      cacheDir,
      keyring: key.keyring,
      ...query,
      ...more,
    });
  return { server, cacheDir, find };
}

const codeOf = async (options: Partial<MirrorOptions>, query: Partial<DebianQuery> = {}) => {
  const { find, cacheDir } = await ask(options, query);
  const error = await errorOf(find());
  expect(error.hint).toBeDefined();
  // A refused file is not taken from the cache next time.
  if (existsSync(cacheDir))
    expect(readdirSync(cacheDir).filter((name) => name.includes('Sources'))).toEqual([]);
  return error.code;
};

it('the archive can be read by several callers at once into an empty cache', async () => {
  const { find } = await ask();
  const all = await Promise.all(Array.from({ length: 6 }, () => find()));
  expect(all[0]).toHaveLength(1);
  for (const each of all) expect(each).toEqual(all[0]);
});

describe('versions of source packages', () => {
  const sources = [
    stanza('openssl', '3.0.17-1~deb12u2'),
    stanza('openssl', '3.0.17-1~deb12u3'),
    stanza('mariadb', '1:10.11.11-0+deb12u1'),
    stanza('openssl-other', '9-1'),
  ].join('\n');
  const versions = async (options: Partial<MirrorOptions> = {}) => {
    const { server, cacheDir } = await ask({ sources, ...options });
    return findSourceVersions({
      mirror: server.mirror,
      suites: ['bookworm'],
      packages: ['openssl', 'mariadb'],
      exec: runProcess,
      cacheDir,
      keyring: key.keyring,
    });
  };

  test('are listed completely, with epoch and revision', async () => {
    expect(await versions()).toEqual([
      { package: 'openssl', version: '3.0.17-1~deb12u2', suite: 'bookworm' },
      { package: 'openssl', version: '3.0.17-1~deb12u3', suite: 'bookworm' },
      { package: 'mariadb', version: '1:10.11.11-0+deb12u1', suite: 'bookworm' },
    ]);
  });

  test('are refused with an invalid signature or hash', async () => {
    const tampered = versions({ tamper: (text) => text.replace('Origin: Debian', 'Origin: Another') });
    expect((await errorOf(tampered)).code).toBe('DEBIAN_SIGNATURE_INVALID');
    const other = versions({ tamperIndex: (index) => Buffer.concat([index, Buffer.from('x')]) });
    expect((await errorOf(other)).code).toBe('DEBIAN_INDEX_MISMATCH');
  });
});

describe('a valid archive', () => {
  test.each<[string, Partial<MirrorOptions>]>([
    ['by hash', {}],
    ['by name, if it has no by-hash files', { byHash: false }],
    ['compressed with xz', { extension: 'xz' }],
    [
      'known by its suite name',
      { codename: 'bookworm', fields: 'Valid-Until: Sat, 01 Jan 2050 00:00:00 UTC\n' },
    ],
  ])('yields version, URL and hash of the upstream tarball: %s', async (_, options) => {
    const { find, server } = await ask(options);
    expect(await find()).toEqual([
      {
        version: '4.6.1',
        sha256: TARBALL_SHA256,
        size: 474757,
        suite: 'bookworm',
        url: `${server.mirror}/pool/main/c/coturn/coturn_4.6.1.orig.tar.gz`,
      },
    ]);
  });

  test('yields all versions of the package, without epoch and revision', async () => {
    const { find } = await ask({
      sources: [stanza('coturn', '4.6.1-1'), stanza('coturn', '1:4.5-2-3+deb12u1')].join('\n'),
    });
    expect((await find()).map(({ version }) => version)).toEqual(['4.6.1', '4.5-2']);
  });

  test('is asked for the index once, and again if the cached copy was changed', async () => {
    const { find, server, cacheDir } = await ask();
    await find();
    await find();
    const indices = () => server.requests.filter((request) => request.includes('by-hash')).length;
    expect(indices()).toBe(1);
    const cached = readdirSync(cacheDir).find((name) => name.endsWith('Sources.gz')) ?? '';
    writeFileSync(join(cacheDir, cached), 'changed');
    expect(await find()).toHaveLength(1);
    expect(indices()).toBe(2);
  });

  test('is read by name if a promised by-hash file is missing', async () => {
    const { find, server } = await ask();
    const [path = '', index = ''] = [...server.files].find(([name]) => name.includes('by-hash')) ?? [];
    server.files.delete(path);
    server.files.set('/debian/dists/bookworm/main/source/Sources.gz', index);
    expect(await find()).toHaveLength(1);
  });
});

describe('a signature is refused', () => {
  test.each<[string, Partial<MirrorOptions>]>([
    ['if the text was changed', { tamper: (text) => text.replace('2222', '3333') }],
    ['if it is by another key', { tamper: () => stranger.clearsign('Codename: bookworm\n') }],
    ['if it is missing', { tamper: (text) => text.slice(0, text.indexOf('-----BEGIN PGP SIGNATURE')) }],
    ['if the file was never signed', { tamper: () => 'Codename: bookworm\nSHA256:\n' }],
    ['if text precedes the message', { tamper: (text) => `Codename: bookworm\n${text}` }],
    ['if text follows the message', { tamper: (text) => `${text}\nCodename: trixie\n` }],
    ['if the file contains two messages', { tamper: (text) => text + text }],
    ['if it uses SHA-1', { signOptions: ['--digest-algo', 'SHA1', '--allow-weak-digest-algos'] }],
  ])('%s', async (_, options) => {
    expect(await codeOf(options)).toBe('DEBIAN_SIGNATURE_INVALID');
  });
});

test('a second signature by a key that the keyring lacks is accepted', async () => {
  const { find } = await ask({ signOptions: ['-u', NEXT_KEY] });
  expect(await find()).toHaveLength(1);
});

describe('an index is refused', () => {
  test.each<[string, Partial<MirrorOptions>, string]>([
    [
      'if its content differs from the signed hash',
      { tamperIndex: () => Buffer.from('Package: coturn\n') },
      'DEBIAN_INDEX_MISMATCH',
    ],
    ['if it is of another suite', { codename: 'trixie' }, 'DEBIAN_INDEX_MISMATCH'],
    [
      'if the release file does not list it',
      { tamper: () => key.clearsign('Codename: bookworm\nSHA256:\n') },
      'DEBIAN_INDEX_MISMATCH',
    ],
    [
      'if the release file has expired',
      { fields: 'Valid-Until: Sat, 01 Jan 2022 00:00:00 UTC\n' },
      'DEBIAN_INDEX_EXPIRED',
    ],
    ['if the expiry date is invalid', { fields: 'Valid-Until: soon\n' }, 'DEBIAN_INDEX_EXPIRED'],
  ])('%s', async (_, options, code) => {
    expect(await codeOf(options)).toBe(code);
  });
});

describe('a correctly signed state', () => {
  const newer = 'Sat, 05 Sep 2026 10:00:00 UTC';
  test.each(['the same mirror', 'another mirror'])(
    'is refused if a newer one was seen, from %s',
    async (which) => {
      const first = await ask({ date: newer });
      await first.find();
      const old = await serveDebianMirror({ key });
      if (which === 'the same mirror')
        for (const [path, text] of old.files) first.server.files.set(path, text);
      const mirror = which === 'the same mirror' ? first.server.mirror : old.mirror;
      for (const _ of [1, 2]) {
        const error = await errorOf(first.find({ mirror }));
        expect(error.code).toBe('ARCHIVE_OLD');
        expect(error.message).toBe(
          'InRelease of bookworm is dated 2026-07-11 10:16 UTC, but was dated 2026-09-05 10:00 UTC before',
        );
      }
      first.server.files.clear();
      for (const [path, text] of (await serveDebianMirror({ key, date: newer })).files)
        first.server.files.set(path, text);
      expect(await first.find()).toHaveLength(1);
    },
  );

  test('is accepted if it is less than a day older than the newest one seen', async () => {
    const dates = [
      'Sat, 05 Sep 2026 10:00:00 UTC',
      'Fri, 04 Sep 2026 20:00:00 UTC',
      'Fri, 04 Sep 2026 09:00:00 UTC',
    ];
    const mirrors = await Promise.all(dates.map((date) => serveDebianMirror({ key, date })));
    const { find } = await ask();
    for (const each of mirrors.slice(0, 2)) expect(await find({ mirror: each.mirror })).toHaveLength(1);
    // 13 hours before the second, 25 before the first.
    expect((await errorOf(find({ mirror: mirrors[2]?.mirror ?? '' }))).code).toBe('ARCHIVE_OLD');
  });

  test('is refused if its date is in the future', async () => {
    expect(await codeOf({ date: newer }, { now: Date.parse('2026-09-01') })).toBe('ARCHIVE_DATE');
  });
});

test('a package that the archive lacks yields no versions', async () => {
  expect(await (await ask({ sources: stanza('other', '1-1') })).find()).toEqual([]);
});

test('a suite that the mirror lacks fails the download', async () => {
  expect(await codeOf({}, { suites: ['sid'] })).toBe('DOWNLOAD_FAILED');
});

test('a missing keyring fails before any request', async () => {
  const { find, server } = await ask({}, { keyring: '/nonexistent/keyring.gpg' });
  const error = await errorOf(find());
  expect(error.code).toBe('DEBIAN_KEYRING_MISSING');
  expect(error.hint).toContain('debian-archive-keyring');
  expect(server.requests).toEqual([]);
});

test('a missing gpgv is reported', async () => {
  const exec: Exec = (command) => runProcess({ ...command, file: 'no-such-program-gpgv' });
  expect(await codeOf({}, { exec })).toBe('GPGV_MISSING');
});
