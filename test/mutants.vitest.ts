import { defineConfig } from 'vitest/config';

// The unit tests of one room, as `npm run mutants` runs them: without reporters, and in one project.
const room = process.env.MUTANTS_ROOM ?? '**';

export default defineConfig({
  test: { include: [`test/unit/${room}/**/*.test.ts`], testTimeout: 60_000, isolate: false },
});
