// `npm run test:soak`: the long tests behind docs/reliability.md, which print what they have found as lines of JSON that
// begin with `soak`. Minutes, not seconds. Further arguments go to vitest.

import path from 'node:path';
import { runInForeground } from './run.mjs';
import { orStop, ROOT, setup } from './setup.mjs';

await orStop(() => setup());
const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const config = path.join(ROOT, 'vitest.soak.config.ts');
process.exitCode = await runInForeground(process.execPath, [vitest, 'run', '-c', config, ...process.argv.slice(2)], {
  cwd: ROOT,
  drivers: true,
});
