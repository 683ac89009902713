import { execFile } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('prints the duration of each end-to-end test and file, and counts tests that never ran as failed', async () => {
  const dir = temporaryFolder();
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(
    join(dir, 'vitest.config.ts'),
    `import { SecondsReporter } from ${JSON.stringify(join(root, 'test/support/seconds-reporter.ts'))};
     export default { test: { name: 'e2e', include: ['*.test.ts'], reporters: [new SecondsReporter()] } };`,
  );
  const begin = `import { beforeAll, describe, expect, it } from 'vitest';`;
  writeFileSync(
    join(dir, 'some.test.ts'),
    `${begin}
     it('passes', () => new Promise((resolve) => setTimeout(resolve, 120)));
     it('fails', () => expect(1).toBe(2));
     it('skips', ({ skip }) => skip('no mirror'));
     describe('begins', () => {
       beforeAll(() => { throw new Error('planted'); });
       describe('badly', () => { it('and never runs', () => {}); });
     });`,
  );
  writeFileSync(join(dir, 'broken.test.ts'), `${begin} throw new Error('planted');`);
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    const program = join(root, 'node_modules/vitest/vitest.mjs');
    execFile(process.execPath, [program, 'run', '--root', dir], (error, text) =>
      resolve({ code: error?.code ?? 0, stdout: text }),
    );
  });
  expect(stdout).toMatch(/^ +(?!0\.0)\d+\.\d s {2}passed: some\.test\.ts > passes$/m);
  expect(stdout).toMatch(/^ +\d+\.\d s {2}failed: some\.test\.ts > fails$/m);
  expect(stdout).toMatch(/^ +\d+\.\d s {2}skipped: some\.test\.ts > skips \(no mirror\)$/m);
  expect(stdout).toMatch(/^ +\d+\.\d s {2}failed: some\.test\.ts > begins > badly > and never runs$/m);
  expect(stdout).toMatch(/^ +(?!0\.0)\d+\.\d s {2}some\.test\.ts$/m);
  expect(stdout).toMatch(/^1 passed, 3 failed, 1 skipped$/m);
  expect(code).toBe(1);
});
