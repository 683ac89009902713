import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { copyPlain } from '../../src/io/plain-copy.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const MIB = 1024 ** 2;
const PATH = 'logs/build.log';

/** A part with one log, a file outside it, and the destination of the copy. */
function place() {
  const dir = temporaryFolder();
  const part = join(dir, 'part');
  mkdirSync(join(part, 'logs'), { recursive: true });
  mkdirSync(join(dir, 'outside'));
  writeFileSync(join(part, 'logs/build.log'), 'compiled\n');
  writeFileSync(join(dir, 'outside/build.log'), 'secret\n');
  return { dir, part, log: join(part, 'logs/build.log'), to: join(dir, 'whole/logs/build.log') };
}

test('copies a file with its mode and creates the destination folder', async () => {
  const { part, log, to } = place();
  chmodSync(log, 0o755);
  expect(await copyPlain({ dir: part, path: PATH }, to, MIB)).toBe(true);
  expect(readFileSync(to, 'utf8')).toBe('compiled\n');
  expect(statSync(to).mode & 0o777).toBe(0o755);
});

test('accepts a part that is a link to a folder', async () => {
  const { dir, part, to } = place();
  symlinkSync(part, join(dir, 'link'));
  expect(await copyPlain({ dir: join(dir, 'link'), path: PATH }, to, MIB)).toBe(true);
});

test.each<[string, (at: ReturnType<typeof place>) => void]>([
  ['is missing', ({ log }) => rmSync(log)],
  ['is in a missing folder', ({ part }) => rmSync(join(part, 'logs'), { recursive: true })],
  ['is in a missing part', ({ part }) => rmSync(part, { recursive: true })],
  [
    'is a folder',
    ({ log }) => {
      rmSync(log);
      mkdirSync(log);
    },
  ],
  [
    'is a FIFO',
    ({ log }) => {
      rmSync(log);
      execFileSync('mkfifo', [log]);
    },
  ],
  [
    'is a link',
    ({ dir, log }) => {
      rmSync(log);
      symlinkSync(join(dir, 'outside/build.log'), log);
    },
  ],
  [
    'is below a link',
    ({ dir, part }) => {
      rmSync(join(part, 'logs'), { recursive: true });
      symlinkSync(join(dir, 'outside'), join(part, 'logs'));
    },
  ],
])('copies nothing if the path %s', async (_, change) => {
  const at = place();
  change(at);
  expect(await copyPlain({ dir: at.part, path: PATH }, at.to, MIB)).toBe(false);
  expect(existsSync(at.to)).toBe(false);
});

test('refuses a file above the size limit and leaves no partial copy', async () => {
  const { dir, part, log, to } = place();
  truncateSync(log, MIB);
  expect(await copyPlain({ dir: part, path: PATH }, to, MIB)).toBe(true);
  truncateSync(log, MIB + 1);
  const error = await errorOf(copyPlain({ dir: part, path: PATH }, join(dir, 'new'), MIB));
  expect(error).toMatchObject({ code: 'FILE_ERROR', message: `${log} is larger than 1 MiB` });
  expect(readdirSync(dir)).not.toContain('new');
});

test.each([
  ['a file', 'logs/build.log', 'outside/build.log'],
  ['its folder', 'logs', 'outside'],
])('never follows a link that replaces %s in the meantime', async (_, name, target) => {
  const { dir, part, to } = place();
  // Another process swaps two names as fast as it can.
  symlinkSync(join(dir, target), join(part, 'link'));
  renameSync(join(part, name), join(part, 'real'));
  const swap = `const fs = require('node:fs');
    const [name, real, link] = process.argv.slice(1);
    for (;;) for (const each of [real, link]) { fs.renameSync(each, name); fs.renameSync(name, each); }`;
  const child = spawn(process.execPath, [
    '-e',
    swap,
    ...[name, 'real', 'link'].map((each) => join(part, each)),
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const seen = new Set<string>();
  const end = Date.now() + 4000;
  while (Date.now() < end) {
    rmSync(to, { force: true });
    if (await copyPlain({ dir: part, path: PATH }, to, MIB).catch(() => false))
      seen.add(readFileSync(to, 'utf8'));
  }
  expect([...seen]).toEqual(['compiled\n']);
});
