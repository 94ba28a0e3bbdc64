import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// A native add-on holds the GPU: forked processes (worker threads crash it), one at a time (a software driver already
// uses every core).
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    // What a user's own trainings have found out about the adapter is no business of the tests.
    env: { HASHGNN_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'hashgnn') },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
