import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Session } from '../../../src/run/session.ts';
import { withLog } from '../../../src/run/step-log.ts';
import { temporaryFolder } from '../../support/sandbox.ts';

/** Runs a function that prints two lines. */
async function log(options: Session['options'], path: string, before = () => {}) {
  const [shown, lines]: [string[], string[]] = [[], []];
  const session = { options, output: { line: (text: string) => lines.push(text) } } as unknown as Session;
  const show = (text: string) => void shown.push(text);
  await withLog(session, { path, id: 'build:debian-13:arm64', show }, async (line) => {
    before();
    line('#7 0.512 checking for gcc');
    line('done');
  });
  return { shown, lines };
}

it("the log has the raw lines of a step, and the display omits BuildKit's numbers", async () => {
  const path = join(temporaryFolder(), 'logs/build.log');
  expect(await log({}, path)).toEqual({ shown: ['checking for gcc', 'done'], lines: [] });
  expect(readFileSync(path, 'utf8')).toBe('#7 0.512 checking for gcc\ndone\n');
  expect(existsSync(`${path}.tmp`)).toBe(false);
});

it('--verbose prints the lines with the id of the step', async () => {
  const { lines } = await log({ verbose: true }, join(temporaryFolder(), 'build.log'));
  expect(lines).toEqual([
    '  build:debian-13:arm64 | #7 0.512 checking for gcc',
    '  build:debian-13:arm64 | done',
  ]);
});

it('a log that cannot be written fails with the reason', async () => {
  const path = join(temporaryFolder(), 'logs/build.log');
  const work = log({}, path, () => rmSync(dirname(path), { recursive: true }));
  await expect(work).rejects.toThrow(/ENOENT.*build\.log\.tmp/);
});
