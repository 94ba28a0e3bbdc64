// `npm test`: set-up where anything is missing, then formatting and lint, types, and all tests (the rules about imports,
// shaders and the repository are tests too). Stops at the first stage that fails. Further arguments go to vitest:
// `npm test -- test/gpu`.

import path from 'node:path';
import { runInForeground } from './run.mjs';
import { compiler, orStop, ROOT, setup } from './setup.mjs';

/** @param {...string} parts */
const tool = (...parts) => path.join(ROOT, 'node_modules', ...parts);

// Under continuous integration Biome and vitest colour their words even where nobody can see colours.
const plain = !process.stdout.isTTY;
const colours = plain ? ['--colors=off'] : [];
const env = plain ? { ...process.env, NO_COLOR: '1' } : process.env;

/** @type {[string, string[]][]} */
const stages = [
  ['formatting and lint', [tool('@biomejs', 'biome', 'bin', 'biome'), 'ci', '.', ...colours]],
  ['types', [compiler(ROOT), '--noEmit', '-p', 'tsconfig.json']],
  ['tests', [tool('vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]],
];

await orStop(() => setup());
for (const [name, args] of stages) {
  process.stderr.write(`\n── ${name} ──\n`);
  const code = await runInForeground(process.execPath, args, { cwd: ROOT, env, drivers: name === 'tests' });
  if (code !== 0) {
    process.stderr.write(`\n${name}: failed (status ${code})\n`);
    process.exit(code);
  }
}
