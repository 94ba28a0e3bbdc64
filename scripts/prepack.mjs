// `npm pack` and `npm publish`: compiles anew, so that the package has nothing of sources that are gone.

import fs from 'node:fs/promises';
import path from 'node:path';
import { runInForeground } from './run.mjs';
import { compiler, ROOT } from './setup.mjs';

await fs.rm(path.join(ROOT, 'dist'), { recursive: true, force: true });
process.exitCode = await runInForeground(process.execPath, [compiler(ROOT), '-p', 'tsconfig.build.json'], {
  cwd: ROOT,
});
