import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readBytes, readText, sha256File } from '../../src/io/files.ts';
import { loadRecipes } from '../../src/run/recipes.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const MIB = 1024 * 1024;

function fifo(path: string): string {
  execFileSync('mkfifo', [path]);
  return path;
}

/** A sparse file of zeros. */
function sparse(path: string, bytes: number): string {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}

/** Kills the process after a time limit, because a blocked thread would keep it from ending. */
async function withoutWaiting(args: string[], cwd: string) {
  return turnbuild(args, {
    cwd,
    onStart: (child) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      child.on('close', () => clearTimeout(timer));
    },
  });
}

describe.each([
  ['readText', readText],
  ['readBytes', readBytes],
  ['sha256File', sha256File],
])('%s', (_, read) => {
  test('refuses a FIFO at once', async () => {
    const error = await errorOf(read(fifo(join(temporaryFolder(), 'pipe'))));
    expect(error).toMatchObject({ code: 'FILE_ERROR', exitCode: 1 });
    expect(error.message).toMatch(/\/pipe is a FIFO, not a regular file$/);
  });

  test('refuses a device', async () =>
    expect((await errorOf(read('/dev/zero'))).message).toBe('/dev/zero is a device, not a regular file'));

  test('refuses a socket', async () => {
    const path = join(temporaryFolder(), 'socket');
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    expect((await errorOf(read(path))).message).toMatch(/\/socket is a socket, not a regular file$/);
  });

  test('passes on the system error for a folder, with its path', async () => {
    await expect(read('/usr/bin')).rejects.toMatchObject({ code: 'EISDIR', path: '/usr/bin' });
  });
});

describe('readText', () => {
  test('reads a file whose size is unknown', async () =>
    expect(await readText('/proc/self/status')).toMatch(/^Name:/));

  test('reads at most 64 MiB', async () => {
    const file = join(temporaryFolder(), 'manifest.json');
    expect(await readText(sparse(file, 64 * MIB))).toHaveLength(64 * MIB);
    expect(await errorOf(readText(sparse(file, 64 * MIB + 1)))).toMatchObject({
      code: 'FILE_ERROR',
      message: `${file} is larger than 64 MiB`,
    });
  });

  test('decodes characters that span two reads', async () => {
    const file = join(temporaryFolder(), 'text');
    writeFileSync(file, `x${'ä'.repeat(200_000)}`);
    expect(await readText(file)).toBe(`x${'ä'.repeat(200_000)}`);
  });
});

describe('turnbuild fails at once if a FIFO is the', () => {
  test.each<[string, (pipe: string) => string[]]>([
    ['plan', (pipe) => ['release', '--plan', pipe]],
    ['lock file', (pipe) => ['source', '4.6.1', '--lock', pipe]],
    ['manifest', (pipe) => ['outdated', pipe]],
  ])('%s', async (_, args) => {
    const dir = temporaryFolder();
    const pipe = fifo(join(dir, 'pipe.json'));
    const run = await withoutWaiting(args(pipe), dir);
    const stderr = `turnbuild: ${pipe} is a FIFO, not a regular file\n  [FILE_ERROR]\n`;
    expect(run).toEqual({ code: 1, stdout: '', stderr });
  });

  test('manifest in a folder', async () => {
    const dir = temporaryFolder();
    fifo(join(dir, 'manifest.json'));
    const run = await withoutWaiting(['outdated', '.'], dir);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringMatching(/manifest\.json is a FIFO/) });
  });

  test('recipe', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'recipes/targets'), { recursive: true });
    fifo(join(dir, 'recipes/release.yaml'));
    const error = await errorOf(loadRecipes(join(dir, 'recipes')));
    expect(error.message).toMatch(/release\.yaml is a FIFO/);
  });
});

test.each<[string, (file: string) => string[]]>([
  ['plan', (file) => ['release', '--plan', file]],
  ['lock file', (file) => ['source', '4.6.1', '--lock', file]],
  ['manifest', (file) => ['outdated', file]],
])('a %s of 3 GB is refused without being read', async (_, args) => {
  const dir = temporaryFolder();
  const file = sparse(join(dir, 'large.json'), 3e9);
  const run = await turnbuild(args(file), { cwd: dir });
  expect(run.stderr).toBe(`turnbuild: ${file} is larger than 64 MiB\n  [FILE_ERROR]\n`);
  expect(run.code).toBe(1);
});
