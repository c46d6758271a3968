import { defineConfig } from 'vitest/config';

// What mutation testing runs: core's laws and attacks, without the long-running fuzzers.
export default defineConfig({
  resolve: { conditions: ['@ambit/source'] },
  ssr: { resolve: { conditions: ['@ambit/source', 'node', 'import', 'default'] } },
  test: {
    include: ['packages/core/test/**/*.test.ts'],
    exclude: ['**/fuzz*.test.ts', '**/crypto-*.test.ts', '**/args-*.test.ts', '**/built*.test.ts'],
    maxWorkers: 1,
  },
});
