import { defineConfig } from 'vitest/config';

// A native add-on holds the GPU: forked processes (worker threads crash it), one at a time (a software driver already
// uses every core).
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
