import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { report } from '../../../src/cli/failure.ts';

afterEach(() => void vi.restoreAllMocks());

/** What is printed for an error, and the exit code. */
function reported(error: unknown): { text: string; code: number } {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const code = report(error, new Command('turnbuild'), []);
  return { text: write.mock.calls.map(([text]) => String(text)).join(''), code };
}

const system = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: reason, write`), { code, syscall: 'write', ...(path && { path }) });

it.each([
  ['ENOSPC', '/dist/manifest.json', ' while writing /dist/manifest.json'],
  ['EDQUOT', undefined, ''],
])('%s is a full disk, wherever it happens', (code, path, where) => {
  const { text, code: exit } = reported(system(code, path));
  expect(text).toMatch(
    new RegExp(
      `^turnbuild: No space left on the disk${where}\\n {2}Free some space .*\\n {2}\\[DISK_FULL\\]\\n$`,
    ),
  );
  expect(exit).toBe(1);
});

it('other system errors name the file', () => {
  expect(reported(system('EROFS', '/dist/x')).text).toBe(
    'turnbuild: /dist/x: the file system is read-only (write)\n  [FILE_ERROR]\n',
  );
});

it('an error without a file is a bug', () => {
  expect(reported(system('EIO')).text).toMatch(/internal error, please report it/);
});
