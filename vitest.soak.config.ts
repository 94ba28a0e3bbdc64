import { defineConfig } from 'vitest/config';
import common from './vitest.config.js';

// Long tests that show on many points what the suite shows on a few; see docs/reliability.md.
export default defineConfig({
  test: { ...common.test, include: ['test/soak/**/*.soak.ts'], execArgv: ['--expose-gc'] },
});
