import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const TASKS = new URL('../../src/ui/tasks.ts', import.meta.url).pathname;

/** Three groups of two tasks. The first task of the second group fails. Each task records its start and end. */
const PROGRAM = `import { appendFileSync } from 'node:fs';
import { runTasks } from ${JSON.stringify(TASKS)};
const note = (text) => appendFileSync('order.txt', text + '\\n');
const task = (group, title, fails) => ({ title, run: async (show) => {
  note(group + ' ' + title + ' begins');
  show('at work on ' + title);
  await new Promise((resolve) => setTimeout(resolve, 150));
  if (fails) throw new Error('no compiler');
  note(group + ' ' + title + ' ends');
  return 'done';
} });
const groups = ['one', 'two', 'three'].map((title) => {
  let built;
  const building = new Promise((resolve) => { built = resolve; });
  const first = { ...task(title, 'build', title === 'two'), turn: (work) => work().then(() => built(true), (error) => { built(false); throw error; }) };
  const second = { ...task(title, 'package', false), turn: async (work) => (await building) ? work() : 'needs its build' };
  return { title: title + ' arm64', tasks: [first, second] };
});
const failed = await runTasks(groups, { plain: false, line: console.log });
console.log('failed: ' + failed.map(({ group, task, error }) => [group, task, error.message].join(', ')).join('; '));
`;

/** The program's records, and its output on a terminal of 80 columns. */
async function onTerminal(): Promise<{ order: string[]; screen: string }> {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'program.mjs'), PROGRAM);
  await build({
    entryPoints: [join(dir, 'program.mjs')],
    outfile: join(dir, 'bundled.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    nodePaths: [new URL('../../node_modules', import.meta.url).pathname],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const command = `stty cols 80 rows 30; ${process.execPath} bundled.mjs`;
  const screen = execFileSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm', LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { order: readFileSync(join(dir, 'order.txt'), 'utf8').trim().split('\n'), screen };
}

describe('the live display', () => {
  it('runs groups in parallel and their tasks in order, and shows a task skipped after a failure', async () => {
    const { order, screen } = await onTerminal();
    for (const group of ['one', 'three'])
      expect(order.filter((line) => line.startsWith(`${group} `))).toEqual(
        ['build begins', 'build ends', 'package begins', 'package ends'].map((line) => `${group} ${line}`),
      );
    expect(order.filter((line) => line.startsWith('two '))).toEqual(['two build begins']);
    expect(order.slice(0, 3).sort()).toEqual(['one build begins', 'three build begins', 'two build begins']);
    expect(screen).toContain('failed: two arm64, build, no compiler');
    // Cursor movements, progress, and the result of each task.
    expect(screen).toContain('\u001b[');
    expect(screen).toContain('at work on package');
    expect(screen.match(/package: done, \d/g)?.length).toBeGreaterThanOrEqual(2);
    expect(screen).toContain('package: skipped, needs its build');
    // The cursor is visible again.
    expect(screen.lastIndexOf('\u001b[?25h')).toBeGreaterThan(screen.lastIndexOf('\u001b[?25l'));
  });
});
