import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/e2e-order.ts';
import { SecondsReporter } from './test/support/seconds-reporter.ts';

// Tests that need official images select them. On a machine without mmdebstrap, run all tests with TURNBUILD_ROOTS=registry.
process.env.TURNBUILD_ROOTS ??= 'bootstrap';

const GLOBALS = './test/support/globals-guard.ts';

export default defineConfig({
  test: {
    // By default vitest leaves a core idle, which is half of a small machine, and many tests wait for other processes.
    maxWorkers: availableParallelism() + 1,
    reporters: ['default', new SecondsReporter()],
    sequence: { sequencer: LongestFirst },
    projects: [
      // The longest tests take a second, ten on a busy machine. They are pure, so modules load once for all of them.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 300_000,
          isolate: false,
          setupFiles: [GLOBALS],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          isolate: false,
          setupFiles: [GLOBALS],
        },
      },
      // Tests that are too slow for each save: thousands of damaged archives, and tests of recipes and patches with compilers, shells and
      // promtool, which `npm run check` installs.
      {
        test: {
          name: 'thorough',
          include: ['test/thorough/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      // Real coturn on a real Docker engine, for `npm run check`. Each test proves something that no other test does.
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
          // Two files at once, each with one job at a time: the same load as one release with the default --jobs.
          maxWorkers: 2,
          env: { TURNBUILD_TEST_JOBS: '1' },
          sequence: { groupOrder: 1 },
        },
      },
      // Only in `npm run check:full`. Some tests disturb the engine, so one file at a time.
      {
        test: {
          name: 'full',
          include: ['test/full/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
