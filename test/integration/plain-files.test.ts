import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requirePlainFiles } from '../../src/io/files.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

/** A folder like one that a container exports. */
function results(): string {
  const dir = join(temporaryFolder(), 'out');
  mkdirSync(join(dir, 'deep'), { recursive: true });
  writeFileSync(join(dir, 'facts.txt'), 'install.exit\t0\n');
  return dir;
}

test('accepts files and folders', async () => {
  const dir = results();
  await requirePlainFiles(dir, 1000);
  expect(existsSync(join(dir, 'facts.txt'))).toBe(true);
});

test.each<[string, (dir: string) => void, RegExp]>([
  [
    'a link to a file on this machine',
    (dir) => symlinkSync('/etc/passwd', join(dir, 'unresolved.txt')),
    /unresolved\.txt/,
  ],
  ['a link to a folder', (dir) => symlinkSync('/etc', join(dir, 'deep/etc')), /deep\/etc/],
  ['a dangling link', (dir) => symlinkSync('/no/such', join(dir, 'x')), /x, which is not a regular file/],
  ['a FIFO', (dir) => void execFileSync('mkfifo', [join(dir, 'deep/pipe')]), /deep\/pipe/],
  [
    'more bytes than allowed',
    (dir) => {
      writeFileSync(join(dir, 'log'), '');
      truncateSync(join(dir, 'log'), 1001);
    },
    /more than 1000 bytes/,
  ],
])('refuses %s and removes the results', async (_, plant, message) => {
  const dir = results();
  plant(dir);
  const error = await errorOf(requirePlainFiles(dir, 1000));
  expect(error.code).toBe('RESULT_UNSAFE');
  expect(error.message).toMatch(message);
  expect(existsSync(dir)).toBe(false);
});
