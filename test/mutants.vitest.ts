import { defineConfig } from 'vitest/config';

// The unit tests as `npm run mutants` runs them: without reporters, and in one project.
export default defineConfig({
  test: { include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, isolate: false },
});
