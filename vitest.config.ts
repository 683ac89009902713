import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // By itself vitest leaves a core idle, which is half of a small machine; and many tests wait for other processes.
    maxWorkers: availableParallelism() + 1,
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
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 3_600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
