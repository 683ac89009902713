import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { processesOf } from '../../../src/lab/seen.ts';

/** The user ID of the package's root. */
const ROOT = 1_000_000_000;

describe('the processes of a unit', () => {
  const dir = mkdtempSync(join(tmpdir(), 'turnbuild-seen-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const group = (path: string, pids: string) => write(`unit/${path}/cgroup.procs`, pids);
  /** @param uids real, effective, saved and file system id */
  const thread = (
    pid: number,
    tid: number,
    uids: number[],
    capabilities: { eff?: string; prm?: string } = {},
  ) => {
    const { eff = '0000000000000000', prm = eff } = capabilities;
    const ids = uids.map((uid) => ROOT + uid).join('\t');
    write(
      `proc/${pid}/task/${tid}/status`,
      `Name:\tx\nUid:\t${ids}\nGid:\t0\t0\t0\t0\nCapInh:\tffff\nCapPrm:\t${prm}\nCapEff:\t${eff}\nCapBnd:\tffff\n`,
    );
    write(`proc/${pid}/task/${tid}/cmdline`, `program-${pid}\0a\0b\0c\0`);
    symlinkSync(`/usr/bin/program-${pid}`, join(dir, `proc/${pid}/task/${tid}/exe`));
  };
  const user = [100, 100, 100, 100];
  const seen = () => processesOf(join(dir, 'unit'), ROOT, join(dir, 'proc'));
  const of = (pid: number) => seen().find(({ program }) => program === `/usr/bin/program-${pid}`);

  group('.', '1\n');
  group('a', '2\n');
  group('a/b', '3\n4\n');
  group('a/b/c', '');
  group('a/b/c/d', '5\n6\n7\n');
  thread(1, 1, user);
  thread(2, 2, [100, 0, 100, 0]);
  thread(3, 3, [100, 100, 0, 100]);
  thread(4, 4, user, { eff: '0000000000000400', prm: '0000000000200400' });
  // The first thread has ended, but the process still runs.
  write('proc/5/task/5/status', `State:\tZ (zombie)\nUid:\t${user.map((uid) => ROOT + uid).join('\t')}\n`);
  write('proc/5/task/5/cmdline', '');
  thread(5, 55, [0, 0, 0, 0], { eff: '000001ffffffffff' });
  // A process that has ended, and one without an entry in /proc.
  write('proc/6/task/6/status', `State:\tZ (zombie)\nUid:\t${user.map((uid) => ROOT + uid).join('\t')}\n`);

  it('include those of all nested control groups', () =>
    expect(seen().map(({ program }) => program)).toEqual(
      [1, 2, 3, 4, 5].map((pid) => `/usr/bin/program-${pid}`),
    ));

  it('have their ids inside the namespace, including the effective and saved ones', () => {
    expect(of(1)).toEqual({
      program: '/usr/bin/program-1',
      words: ['program-1', 'a', 'b'],
      uid: 100,
      uids: [100],
      capabilities: '0',
    });
    expect(of(2)).toMatchObject({ uid: 100, uids: [100, 0] });
    expect(of(3)).toMatchObject({ uid: 100, uids: [100, 0] });
  });

  it('have their permitted capabilities, not only the effective ones', () =>
    expect(of(4)?.capabilities).toBe('200400'));

  it('are found even if their first thread has ended', () =>
    expect(of(5)).toMatchObject({
      words: ['program-5', 'a', 'b'],
      uids: [100, 0],
      capabilities: '1ffffffffff',
    }));
});
