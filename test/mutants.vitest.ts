import { defineConfig } from 'vitest/config';

// The unit tests of one room, as `npm run mutants` runs them: without reporters, and in one project.
const room = process.env.MUTANTS_ROOM ?? '**';
/** Tests of a room that take more than the room: the engine with toy stages, what needs nothing but a command line, and gcc. */
const BESIDE: Record<string, string[]> = {
  run: [
    'engine-*',
    'given-plan',
    'collect',
    'conclude',
    'one-path',
    'planning',
    'cli-{package-file,docker,source,json}',
  ].map((name) => `test/integration/${name}.test.ts`),
  // They run in this process; only the programs that they judge are compiled.
  checks: ['elf-checks', 'elf-tables'].map((name) => `test/thorough/${name}.test.ts`),
};

export default defineConfig({
  test: {
    include: [`test/unit/${room}/**/*.test.ts`, ...(BESIDE[room] ?? [])],
    globalSetup: ['test/support/elf-cache.ts'],
    testTimeout: 60_000,
    env: { TURNBUILD_ROOTS: 'bootstrap' },
    isolate: false,
  },
});
