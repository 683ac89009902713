import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedSource } from '../../src/sources/fetch.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { turnbuild } from '../support/turnbuild.ts';

let dir: string;
let file: string;
let sha256: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-source-'));
  file = join(dir, 'coturn-4.18.0.tar.gz');
  const bytes = gzipSync(coturnTar('4.18.0'));
  writeFileSync(file, bytes);
  sha256 = createHash('sha256').update(bytes).digest('hex');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const source = (...args: string[]) =>
  turnbuild([
    'source',
    '--source',
    file,
    '--lock',
    join(dir, 'lock.json'),
    '--out',
    join(dir, 'dist'),
    ...args,
  ]);
const written = () =>
  existsSync(join(dir, 'dist')) ? readdirSync(join(dir, 'dist'), { recursive: true }) : [];

describe('turnbuild source --source debian', () => {
  it('contacts the archive only if the pinned bytes are not in the cache', async () => {
    const asked: string[] = [];
    const mirror = createServer(({ url }, response) => {
      asked.push(url ?? '');
      response.writeHead(404).end();
    });
    await new Promise<void>((done) => mirror.listen(0, '127.0.0.1', done));
    const { port } = mirror.address() as AddressInfo;
    await source('--update-lock');
    const lock = readFileSync(join(dir, 'lock.json'), 'utf8');
    expect(lock).toContain('"file":');
    writeFileSync(join(dir, 'lock.json'), lock.replace('"file":', '"debian":'));
    const cached = cachedSource(join(dir, 'cache'), sha256);
    mkdirSync(dirname(cached), { recursive: true });
    const ask = () =>
      turnbuild(
        ['source', '4.18.0', '--source', 'debian', '--mirror', `http://127.0.0.1:${port}`]
          .concat('--lock', join(dir, 'lock.json'))
          .concat('--out', join(dir, 'dist')),
        { env: { TURNBUILD_CACHE: join(dir, 'cache') } },
      );
    copyFileSync(file, cached);
    const run = await ask();
    expect(run.code, run.stderr).toBe(0);
    expect(asked).toEqual([]);
    writeFileSync(cached, 'damaged');
    expect((await ask()).code).toBe(1);
    expect(asked).toEqual(['/dists/bookworm/InRelease']);
    mirror.close();
  });
});

describe('turnbuild source --source FILE', () => {
  it('refuses an unpinned file and says how to pin it', async () => {
    const run = await source();
    expect(run.stderr).toMatch(
      /coturn 4\.18\.0 \(sha256 [0-9a-f]{64}.*is not in the lock file[\s\S]*--update-lock[\s\S]*--sha256[\s\S]*SOURCE_UNPINNED/,
    );
    expect(run.code).toBe(1);
    expect(written()).toEqual([]);
  });

  it('accepts a file with --sha256 and detects its version', async () => {
    const run = await source('--sha256', sha256, '--json');
    expect(run.code, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ version: '4.18.0', provider: 'file', sha256 });
    expect(existsSync(join(dir, 'dist/4.18.0/work/source/coturn-4.18.0.tar'))).toBe(true);
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
  });

  it('pins a file with --update-lock and then refuses a different one of the same version', async () => {
    const first = await source('--update-lock');
    expect(first.code).toBe(0);
    expect(first.stdout).toContain(`Pinned coturn 4.18.0 in ${join(dir, 'lock.json')}\n`);
    expect((await source('--update-lock')).stdout).not.toContain('Pinned');
    expect((await source()).code).toBe(0);
    writeFileSync(
      file,
      gzipSync(
        Buffer.from(coturnTar('4.18.0').toString('latin1').replace('return 0;', 'return 1;'), 'latin1'),
      ),
    );
    const lock = readFileSync(join(dir, 'lock.json'), 'utf8');
    for (const again of [[], ['--update-lock']]) {
      const run = await source(...again);
      expect(run.stderr).toMatch(/remove its entry from the lock[\s\S]*SOURCE_TREE_MISMATCH/);
      expect(run.code).toBe(1);
      expect(readFileSync(join(dir, 'lock.json'), 'utf8')).toBe(lock);
    }
  });

  it.each([
    [
      'a file with another sha256',
      ['--sha256', '0'.repeat(64)],
      /has the sha256 [0-9a-f]{64}, not 0{64}[\s\S]*SOURCE_SHA256_MISMATCH/,
    ],
    [
      'a file of another version',
      ['4.18.1', '--update-lock'],
      /is coturn 4\.18\.0, not 4\.18\.1[\s\S]*SOURCE_VERSION_MISMATCH/,
    ],
  ])('refuses %s', async (_, args, message) => {
    const run = await source(...args);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(1);
    expect(written()).toEqual([]);
  });

  it('refuses a truncated file', async () => {
    writeFileSync(file, readFileSync(file).subarray(0, 900));
    const run = await source('--update-lock');
    expect(run.stderr).toMatch(/SOURCE_ARCHIVE_CORRUPT/);
    expect(run.code).toBe(1);
    expect(written()).toEqual([]);
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
  });

  it('refuses a quarantined release without --allow-quarantined', async () => {
    writeFileSync(file, gzipSync(coturnTar('4.17.1')));
    const run = await source('--update-lock');
    expect(run.stderr).toMatch(
      /coturn 4\.17\.1 must not be shipped[\s\S]*--allow-quarantined[\s\S]*VERSION_QUARANTINED/,
    );
    expect(run.code).toBe(1);
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
    expect((await source('--update-lock', '--allow-quarantined')).code).toBe(0);
  });

  it('writes nothing in a dry run', async () => {
    expect((await source('--update-lock', '--dry-run')).code).toBe(0);
    expect(written()).toEqual([]);
    expect(existsSync(join(dir, 'lock.json'))).toBe(false);
  });
});
