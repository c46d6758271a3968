import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { slice } from './slices.mjs';

const { tests } = slice(process.env['AMBIT_SLICE'] ?? '');

const fewer = fileURLToPath(new URL('fewer-runs.ts', import.meta.url));
const forTests = {
  name: 'fewer-runs',
  enforce: 'pre' as const,
  resolveId: (id: string, from?: string) =>
    id === 'fast-check' && from?.includes('/packages/') === true ? fewer : undefined,
};

// How the tests of a slice run against one mutant (run.mjs): from source, in one worker that stays (worker.ts).
export default defineConfig({
  plugins: [forTests],
  resolve: { conditions: ['@ambit/source'] },
  ssr: { resolve: { conditions: ['@ambit/source', 'node'] } },
  test: {
    include: [...tests],
    runner: './test/mutation/worker.ts',
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    // A busy machine is no failure; what does not end is noticed by worker.ts.
    testTimeout: 0,
    hookTimeout: 0,
  },
});
