import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/io/folder-lock.ts';
import { errorOf } from '../support/sandbox.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-lock-'));
  file = join(dir, '.lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The PID of a process that has ended, as a process killed by SIGKILL leaves it in a lock. */
const deadPid = () => spawnSync('true').pid;

describe('lockFolder', () => {
  it('admits one holder at a time and is free after its release', async () => {
    const first = await lockFolder(dir);
    await expect(lockFolder(dir)).rejects.toMatchObject({ code: 'RELEASE_LOCKED' });
    await first.release();
    expect(existsSync(file)).toBe(false);
    await (await lockFolder(dir)).release();
  });

  it('admits waiting callers one after another', async () => {
    const first = await lockFolder(dir);
    const { signal } = new AbortController();
    let holding = 0;
    let most = 0;
    const others = [1, 2, 3].map(async () => {
      const lock = await lockFolder(dir, signal);
      most = Math.max(most, ++holding);
      await new Promise((resolve) => setTimeout(resolve, 20));
      holding--;
      await lock.release();
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(most).toBe(0);
    await first.release();
    await Promise.all(others);
    expect(most).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('stops waiting on Ctrl-C', async () => {
    const first = await lockFolder(dir);
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 50);
    await expect(lockFolder(dir, interrupt.signal)).rejects.toMatchObject({
      code: 'INTERRUPTED',
      exitCode: 130,
    });
    await first.release();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('reports the holder after some seconds of waiting', async () => {
    const lines: string[] = [];
    writeFileSync(file, JSON.stringify({ pid: 1, host: 'elsewhere.test' }));
    const interrupt = new AbortController();
    const began = Date.now();
    const waiting = errorOf(
      lockFolder(dir, interrupt.signal, (line) => {
        lines.push(line);
        setTimeout(() => interrupt.abort(), 500);
      }),
    );
    expect((await waiting).code).toBe('INTERRUPTED');
    expect(Date.now() - began).toBeGreaterThan(2500);
    expect(lines).toEqual([
      `Waiting for process 1 on elsewhere.test, which holds ${file}. If that process no longer exists, remove the file.`,
    ]);
  });

  it('takes over the lock of a killed process', async () => {
    writeFileSync(file, JSON.stringify({ pid: deadPid(), host: hostname() }));
    const lock = await lockFolder(dir);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('gives a stale lock to exactly one of many concurrent callers', async () => {
    for (let round = 0; round < 20; round++) {
      writeFileSync(file, JSON.stringify({ pid: deadPid(), host: hostname() }));
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(dir)));
      const held = results.filter((result) => result.status === 'fulfilled');
      expect(held).toHaveLength(1);
      for (const result of held) await result.value.release();
      expect(readdirSync(dir)).toEqual([]);
    }
  });

  it('never admits two holders, over stale, broken and absent locks', async () => {
    const before = ['', '{"pi', JSON.stringify({ pid: deadPid(), host: hostname() })];
    let most = 0;
    let won = 0;
    for (let round = 0; round < 60; round++) {
      const text = before[round % 3] ?? '';
      if (text !== '') writeFileSync(file, text);
      let holding = 0;
      const work = async () => {
        const lock = await lockFolder(dir);
        most = Math.max(most, ++holding);
        won++;
        await new Promise((resolve) => setTimeout(resolve, round % 2));
        holding--;
        await lock.release();
      };
      await Promise.allSettled(Array.from({ length: 8 }, work));
    }
    expect(most).toBe(1);
    expect(won).toBeGreaterThanOrEqual(60);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('respects a lock of another machine even if its PID does not exist here', async () => {
    writeFileSync(file, JSON.stringify({ pid: deadPid(), host: 'elsewhere.test' }));
    await expect(lockFolder(dir)).rejects.toThrow(/on elsewhere\.test/);
  });

  it('takes over a truncated lock', async () => {
    writeFileSync(file, '{"pi');
    await (await lockFolder(dir)).release();
  });

  it.each([
    ['a FIFO', () => void execFileSync('mkfifo', [file]), / is a FIFO, not a regular file/],
    ['larger than 1 MiB', () => writeFileSync(file, ' '.repeat(1024 * 1024 + 1)), /larger than 1 MiB/],
  ])('refuses and keeps a lock that is %s', async (_, plant, message) => {
    plant();
    const error = await errorOf(lockFolder(dir));
    expect(error.code).toBe('FILE_ERROR');
    expect(error.message).toMatch(message);
    expect(readdirSync(dir)).toEqual(['.lock']);
  });

  it.each<[string, unknown]>([
    ['contains NUL', 'a\0b'],
    ['is too long for a file name', 'x'.repeat(5000)],
    ['is an object', { toString: 1 }],
    ['points to another folder', '/../../elsewhere/x'],
    ['is empty', ''],
  ])('treats a lock whose ID %s like one without an ID', async (_, id) => {
    mkdirSync(join(dir, 'elsewhere'));
    writeFileSync(join(dir, 'elsewhere/x'), 'of somebody else');
    mkdirSync(join(dir, 'locked/.lock.stale-'), { recursive: true });
    const locked = join(dir, 'locked');
    writeFileSync(join(locked, '.lock'), JSON.stringify({ pid: deadPid(), host: hostname(), id }));
    await (await lockFolder(locked)).release();
    expect(readdirSync(locked)).toEqual(['.lock.stale-']);
    expect(readFileSync(join(dir, 'elsewhere/x'), 'utf8')).toBe('of somebody else');
    writeFileSync(join(locked, '.lock'), JSON.stringify({ pid: process.pid, host: hostname(), id }));
    expect((await errorOf(lockFolder(locked))).code).toBe('RELEASE_LOCKED');
  });

  it.each<[string, unknown]>([
    ['PID 0', { pid: 0, host: hostname() }],
    ['a process group', { pid: -1, host: hostname() }],
    ['a fractional PID', { pid: 1.5, host: hostname() }],
    ['a number as its host', { pid: 1, host: 1 }],
    ['an empty host', { pid: 1, host: '' }],
    ['nothing', null],
  ])('takes over a lock that names %s', async (_, holder) => {
    writeFileSync(file, JSON.stringify(holder));
    await (await lockFolder(dir)).release();
    expect(readdirSync(dir)).toEqual([]);
  });
});
