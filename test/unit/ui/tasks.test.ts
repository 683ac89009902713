import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runTasks, type Task } from '../../../src/ui/tasks.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const task = (title: string, run: Task['run'], turn?: Task['turn']): Task => ({
  ...{ title, run },
  ...(turn === undefined ? {} : { turn }),
});
const elapse = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** The lines of the tasks, and the failures. */
async function plain(...tasks: Task[]) {
  const lines: string[] = [];
  const run = runTasks([{ title: 'debian-13 arm64', tasks }], {
    plain: true,
    line: (text) => lines.push(text),
  });
  await vi.runAllTimersAsync();
  return { lines, failed: await run };
}

describe('tasks as plain lines', () => {
  it('report their start, and their result with the time taken', async () => {
    const build = task('build', async (show) => {
      show('progress, which is for terminals');
      await elapse(3);
      return '3 files';
    });
    const quiet = task('package', async () => undefined);
    expect(await plain(build, quiet)).toEqual({
      failed: [],
      lines: [
        'debian-13 arm64: build ...',
        'debian-13 arm64: package ...',
        'debian-13 arm64: package: 0.0 s',
        'debian-13 arm64: build: 3 files, 3.0 s',
      ],
    });
  });

  it('measure time from the start of their turn', async () => {
    const late = task(
      'build',
      async () => {
        await elapse(2);
        return undefined;
      },
      async (work) => {
        await elapse(60);
        await work();
        return undefined;
      },
    );
    expect((await plain(late)).lines).toEqual([
      'debian-13 arm64: build ...',
      'debian-13 arm64: build: 2.0 s',
    ]);
  });

  it('give the reason for a skip', async () => {
    const left = task(
      'verify',
      async () => undefined,
      async () => 'needs its build',
    );
    expect(await plain(left)).toEqual({
      failed: [],
      lines: ['debian-13 arm64: verify: skipped, needs its build'],
    });
  });

  it('continue after a failure, and return the failures in the order they happened', async () => {
    const failing = (title: string, seconds: number) =>
      task(title, async () => {
        await elapse(seconds);
        throw new Error(`no ${title}`);
      });
    const { lines, failed } = await plain(
      failing('late', 5),
      failing('early', 1),
      task('well', async () => 'ok'),
    );
    expect(lines).toContain('debian-13 arm64: late FAILED after 5.0 s');
    expect(lines).toContain('debian-13 arm64: well: ok, 0.0 s');
    expect(failed).toEqual(
      ['early', 'late'].map((title) => ({
        group: 'debian-13 arm64',
        task: title,
        error: new Error(`no ${title}`),
      })),
    );
  });
});

describe('tasks in a terminal', () => {
  /** The output of a renderer that, without a terminal, writes each change as a line. */
  async function live(...groups: Task[][]) {
    let text = '';
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        text += chunk;
        return true;
      });
    const titled = groups.map((tasks, index) => ({ title: `group ${index}`, tasks }));
    const started = Date.now();
    let seconds = 0;
    const run = runTasks(titled, { plain: false, line: () => {} }).finally(() => {
      seconds = (Date.now() - started) / 1000;
    });
    await vi.runAllTimersAsync();
    const failed = await run;
    vi.restoreAllMocks();
    return { text, failed, seconds };
  }

  it('all start at once, do not stop each other, and return the failures in the order they happened', async () => {
    const started = Date.now();
    const begun: [string, number][] = [];
    const done: string[] = [];
    const one = (title: string, seconds: number, fails: boolean) =>
      task(title, async () => {
        begun.push([title, Date.now() - started]);
        await elapse(seconds);
        if (fails) throw new Error(`no ${title}`);
        done.push(title);
        return 'ok';
      });
    const { failed, seconds } = await live(
      [one('a', 4, true), one('b', 5, false)],
      [one('c', 2, true), one('d', 3, false)],
    );
    expect(begun.sort()).toEqual(['a', 'b', 'c', 'd'].map((title) => [title, 0]));
    expect(seconds).toBe(5);
    expect(done).toEqual(['d', 'b']);
    expect(failed.map(({ group, task: title }) => [group, title])).toEqual([
      ['group 1', 'c'],
      ['group 0', 'a'],
    ]);
  });

  it('show progress, the time taken and the reason for a skip', async () => {
    const build = task('build', async (show) => {
      show('at work');
      await elapse(3);
      return '3 files';
    });
    const left = task(
      'verify',
      async () => undefined,
      async () => 'needs its package',
    );
    const { text, failed } = await live([build, left]);
    expect(failed).toEqual([]);
    for (const part of ['at work', 'build: 3 files, 3.0 s', 'verify: skipped, needs its package'])
      expect(text).toContain(part);
    expect(text).not.toContain('build: not tried');
  });
});
