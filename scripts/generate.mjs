// `npm run generate`: writes src/gpu/generated.ts, the types of all kernels, from the shaders. Compiled without type
// checks first, since the sources may not fit the old types any more.

import path from 'node:path';
import { runInForeground } from './run.mjs';
import { compiler, ROOT } from './setup.mjs';

const options = { cwd: ROOT };
await runInForeground(process.execPath, [compiler(ROOT), '-p', 'tsconfig.build.json', '--noCheck'], options);
const generator = path.join(ROOT, 'dist', 'src', 'gpu', 'codegen', 'main.js');
process.exitCode = await runInForeground(process.execPath, [generator, ...process.argv.slice(2)], options);
