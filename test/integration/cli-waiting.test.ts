import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cachedSource } from '../../src/sources/fetch.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { interruptOnLine, turnbuild } from '../support/turnbuild.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const SHA256 = '0'.repeat(64);
const URL_OF_SOURCE = 'http://127.0.0.1:9/coturn-4.6.1.tar.gz';

/** A cache with the lock of another process, on this or another machine, that seems to fetch the sources. */
function heldCache(holder: object): { cache: string; lock: string } {
  const cache = join(temporaryFolder(), 'cache');
  const dir = dirname(cachedSource(cache, SHA256));
  mkdirSync(dir, { recursive: true });
  const lock = join(dir, '.lock');
  writeFileSync(lock, JSON.stringify(holder));
  return { cache, lock };
}

test.each([
  ['a process on another machine', { pid: 4711, host: 'elsewhere.test' }],
  ['an unrelated process', { pid: 1, host: hostname() }],
])('reports that it waits for %s, until Ctrl-C', async (_, holder) => {
  const { cache, lock } = heldCache(holder);
  const run = await turnbuild(['source', '4.6.1', '--source', URL_OF_SOURCE, '--sha256', SHA256], {
    cwd: temporaryFolder(),
    env: { TURNBUILD_CACHE: cache },
    onStart: (child) => {
      interruptOnLine(child, 'Waiting for process', 100);
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      child.on('close', () => clearTimeout(timer));
    },
  });
  expect(run).toEqual({
    code: 130,
    stdout: expect.stringContaining(
      `Waiting for process ${holder.pid} on ${holder.host}, which holds ${lock}.`,
    ),
    stderr: expect.stringContaining('[INTERRUPTED]'),
  });
});

test('reports that it waits in the live display, too', () => {
  const { cache } = heldCache({ pid: 4711, host: 'elsewhere.test' });
  const program = `${process.execPath} bin/turnbuild.js source 4.6.1 --source ${URL_OF_SOURCE} --sha256 ${SHA256}`;
  const command = `stty cols 80 rows 30; timeout --foreground --signal INT 8 ${program}`;
  const run = spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TERM: 'xterm',
      LC_ALL: 'C.UTF-8',
      TURNBUILD_CACHE: cache,
    },
    timeout: 30_000,
  });
  const before = run.stdout.slice(0, run.stdout.indexOf('INTERRUPTED'));
  expect(before).toContain('Waiting for process 4711 on elsewhere.test');
});
