// `npm start`: set-up where anything is missing, then the main job on generated data. Further arguments go to
// `hashgnn demo`.

import path from 'node:path';
import { runInForeground } from './run.mjs';
import { orStop, ROOT, setup } from './setup.mjs';

await orStop(() => setup());
const command = path.join(ROOT, 'bin', 'hashgnn.js');
process.exitCode = await runInForeground(process.execPath, [command, 'demo', ...process.argv.slice(2)]);
