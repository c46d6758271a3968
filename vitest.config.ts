import { defineConfig } from 'vitest/config';

// Tests run from source (the @ambit/source export condition), so nothing needs to be built for the unit
// suites; suites that start processes use the built dist that `npm test` makes first.
export default defineConfig({
  resolve: { conditions: ['@ambit/source'] },
  ssr: { resolve: { conditions: ['@ambit/source', 'node'] } },
  test: {
    expect: {
      // A test that asserts nothing fails: it can't find anything.
      requireAssertions: true,
      // What is waited for comes, however loaded the machine is; one second was too short for a look of a store's poll.
      poll: { timeout: 30_000 },
    },
    setupFiles: ['test/odd/seed.ts'],
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default'],
  },
});
