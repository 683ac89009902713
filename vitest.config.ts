import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/e2e-order.ts';
import { SecondsReporter } from './test/support/seconds-reporter.ts';

// Tests say themselves when they want official images. A machine without mmdebstrap runs them all with TURNBUILD_ROOTS=registry.
process.env.TURNBUILD_ROOTS ??= 'bootstrap';

export default defineConfig({
  test: {
    // By itself vitest leaves a core idle, which is half of a small machine; and many tests wait for other processes.
    maxWorkers: availableParallelism() + 1,
    reporters: ['default', new SecondsReporter()],
    sequence: { sequencer: LongestFirst },
    projects: [
      // The longest take a second; a busy machine makes ten of that. They are pure: modules are loaded once for all of them.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, isolate: false } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          isolate: false,
        },
      },
      // What takes too long for each save: thousands of damaged archives, and what compilers, shells and promtool, which
      // npm run check installs, say of recipes and patches.
      {
        test: {
          name: 'thorough',
          include: ['test/thorough/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      // Real coturn on a real Docker engine. What `npm run check` has time for: each proves something that no other test does.
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
          // Two files at once, each with one thing at a time: as much as one release of the usual --jobs does.
          maxWorkers: 2,
          env: { TURNBUILD_TEST_JOBS: '1' },
          sequence: { groupOrder: 1 },
        },
      },
      // And what only `npm run check:full` has: some of it disturbs the engine, so one file at a time.
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
