import { defineConfig, mergeConfig } from 'vitest/config';
import common from './vitest.config.js';

// Long tests that show on many points what the suite shows on a few; see docs/reliability.md.
export default mergeConfig(common, defineConfig({ test: { include: ['test/soak/**/*.soak.ts'] } }));
