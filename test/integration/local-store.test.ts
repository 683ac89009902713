import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { localStore } from '../../src/io/local-store.ts';
import { temporaryFolder } from '../support/sandbox.ts';

/** The kernel's limit is lower, so no process has this id. */
const DEAD = 4_194_999;

const waiting = { run: 'run', signal: new AbortController().signal, tell: () => {} };

const bytes = (text: string) => ({ bytes: Buffer.from(text) });

describe('a store in a folder', () => {
  it('creates a file once, in folders that it creates', async () => {
    const dir = temporaryFolder();
    const store = localStore(join(dir, 'new'));
    expect(await store.create('a/b/file', bytes('first'))).toBe(true);
    expect(await store.create('a/b/file', bytes('second'))).toBe(false);
    expect(readFileSync(join(dir, 'new/a/b/file'), 'utf8')).toBe('first');
    expect(readdirSync(join(dir, 'new/a/b'))).toEqual(['file']);
  });

  it('replaces a file by another one, so that an open file keeps its content', async () => {
    const dir = temporaryFolder();
    const store = localStore(dir);
    await store.replace('file', bytes('first'));
    const { ino } = statSync(join(dir, 'file'));
    await store.replace('file', bytes('second'));
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('second');
    expect(statSync(join(dir, 'file')).ino).not.toBe(ino);
    expect(readdirSync(dir)).toEqual(['file']);
  });

  it('lists all files in a folder with their sizes and ages, and nothing that a link leads to', async () => {
    const dir = temporaryFolder();
    const store = localStore(dir);
    expect(await store.listAll('a')).toEqual([]);
    await store.create('a/b/file', bytes('content'));
    await store.create('other', bytes('x'));
    utimesSync(join(dir, 'a/b/file'), 1000, 1000);
    mkdirSync(join(dir, 'outside'));
    writeFileSync(join(dir, 'outside/file'), '');
    symlinkSync(join(dir, 'outside'), join(dir, 'a/link'));
    expect(await store.listAll('a')).toEqual([{ path: 'a/b/file', size: 7, modified: 1_000_000 }]);
  });

  it('removes a file, and folders that are empty then', async () => {
    const dir = temporaryFolder();
    const store = localStore(dir);
    await store.create('a/b/c/file', bytes('x'));
    await store.create('a/other', bytes('x'));
    await store.remove('a/b/c/file');
    expect(readdirSync(join(dir, 'a'))).toEqual(['other']);
    await store.remove('a/other');
    await store.remove('a/other');
    expect(existsSync(dir)).toBe(true);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('copies local files, and describes and reads them', async () => {
    const dir = temporaryFolder();
    const store = localStore(join(dir, 'store'));
    writeFileSync(join(dir, 'local'), 'content');
    await store.create('copy', { file: join(dir, 'local') });
    expect(await store.describe('copy')).toEqual({ size: 7, sha256: sha256Text('content') });
    expect(String(await store.read('copy', 7))).toBe('content');
    await expect(store.read('copy', 6)).rejects.toMatchObject({ code: 'FILE_ERROR' });
    expect(await store.describe('none')).toBeUndefined();
    expect(await store.read('none', 6)).toBeUndefined();
  });

  it('refuses content that is not the expected one', async () => {
    const dir = temporaryFolder();
    const store = localStore(dir);
    const changed = { ...bytes('changed'), sha256: sha256Text('content') };
    await store.replace('file', bytes('before'));
    await expect(store.create('new', changed)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    await expect(store.replace('file', changed)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    expect(readdirSync(dir)).toEqual(['file']);
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('before');
  });

  it('stores files that a web server can read, whatever the umask', async () => {
    const dir = temporaryFolder();
    const before = process.umask(0o077);
    try {
      await localStore(dir).create('file', bytes('content'));
    } finally {
      process.umask(before);
    }
    expect((statSync(join(dir, 'file')).mode & 0o777).toString(8)).toBe('644');
  });

  it('does not take an unreadable file for a missing one', async () => {
    const dir = temporaryFolder();
    // A name that is too long cannot exist, but nobody can know that of every error.
    await expect(localStore(dir).describe('x'.repeat(300))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
  });

  it('that cannot be created names the option', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(localStore(join(file, 'repository')).lock(waiting)).rejects.toMatchObject({
      code: 'FOLDER_UNWRITABLE',
      hint: 'Make it writable, or choose another folder with --repo.',
    });
  });

  it('is locked for one run, and then removes what killed runs left behind, but nothing else', async () => {
    const dir = temporaryFolder();
    for (const name of ['apt/pool', 'other']) mkdirSync(join(dir, name), { recursive: true });
    const names = [`x.deb.${DEAD}.tmp`, `x.deb.${process.pid}.tmp`, 'x.deb', 'notes.tmp'];
    for (const name of names) writeFileSync(join(dir, 'apt/pool', name), '');
    // A web server's folder may have files that are not turnbuild's.
    writeFileSync(join(dir, 'other', names[0] ?? ''), '');
    const lock = await localStore(dir).lock(waiting);
    expect(readdirSync(join(dir, 'apt/pool')).sort()).toEqual(names.slice(1).sort());
    expect(readdirSync(join(dir, 'other'))).toEqual([names[0]]);
    await expect(localStore(dir).lock(waiting)).rejects.toMatchObject({
      code: 'PUBLISH_LOCKED',
      message: expect.stringContaining(`is publishing to ${dir}`),
    });
    await lock.release();
    expect(existsSync(join(dir, '.lock'))).toBe(false);
  });

  it('changes nothing after its lock was removed, and leaves the lock of the next run alone', async () => {
    const dir = temporaryFolder();
    const store = localStore(dir);
    const lock = await store.lock(waiting);
    await store.replace('InRelease', bytes('first'));
    rmSync(join(dir, '.lock'));
    const next = localStore(dir);
    const nextLock = await next.lock(waiting);
    for (const change of [
      () => store.replace('InRelease', bytes('second')),
      () => store.create('new', bytes('second')),
      () => store.remove('InRelease'),
    ])
      await expect(change()).rejects.toMatchObject({ code: 'PUBLISH_LOCK_LOST' });
    await lock.release();
    expect(readdirSync(dir).sort()).toEqual(['.lock', 'InRelease']);
    await next.replace('InRelease', bytes('next'));
    await nextLock.release();
    expect(readFileSync(join(dir, 'InRelease'), 'utf8')).toBe('next');
  });
});
