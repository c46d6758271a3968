import { defineConfig } from 'vitest/config';

// What mutation testing runs: core's attacks, vectors and those of its laws that take seconds. The rest (random
// lineages, fuzzers, bundles, primitives, argument kinds) would take minutes for each of thousands of mutants.
export default defineConfig({
  resolve: { conditions: ['@ambit/source'] },
  ssr: { resolve: { conditions: ['@ambit/source', 'node', 'import', 'default'] } },
  test: {
    include: ['packages/core/test/**/*.test.ts'],
    exclude: [
      '**/fuzz*.test.ts',
      '**/crypto-*.test.ts',
      '**/args-*.test.ts',
      '**/bundle.test.ts',
      '**/laws/narrower.test.ts',
      '**/laws/secrets.test.ts',
      '**/laws/types.test.ts',
      '**/laws/backtracking.test.ts',
    ],
    maxWorkers: 1,
  },
});
