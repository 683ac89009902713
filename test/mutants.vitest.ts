import { defineConfig } from 'vitest/config';

// Configuration of `npm run mutants` for the unit tests of one folder: no reporters, one project.
const folder = process.env.MUTANTS_FOLDER ?? '**';
/** Further tests of a folder that need more than its code: the engine with fake stages, the command line, or gcc. */
const BESIDE: Record<string, string[]> = {
  run: [
    'engine-*',
    'given-plan',
    'collect',
    'conclude',
    'one-path',
    'planning',
    'project',
    '{official-images,image-mirrors}',
    'cli-{package-file,docker,source,json}',
  ].map((name) => `test/integration/${name}.test.ts`),
  // These tests run in this process; they compile only the programs that they judge.
  checks: ['elf-checks', 'elf-tables'].map((name) => `test/thorough/${name}.test.ts`),
};

export default defineConfig({
  test: {
    include: [`test/unit/${folder}/**/*.test.ts`, ...(BESIDE[folder] ?? [])],
    globalSetup: ['test/support/elf-cache.ts'],
    testTimeout: 60_000,
    env: { TURNBUILD_ROOTS: 'bootstrap' },
    isolate: false,
  },
});
