// `npm run test:swiftshader`: all tests on SwiftShader, a second and independent implementation of Vulkan in software.
// Debian's package `chromium` brings it; SWIFTSHADER_ICD names the manifest of another copy. Further arguments go to
// vitest. Much slower than lavapipe.

import fs from 'node:fs';
import path from 'node:path';
import { runInForeground } from './run.mjs';
import { orStop, ROOT, SetupError, setup } from './setup.mjs';

/** It is about eight times slower than lavapipe. */
const PATIENCE = ['--testTimeout=900000', '--hookTimeout=900000'];

const manifest = process.env.SWIFTSHADER_ICD ?? '/usr/lib/chromium/vk_swiftshader_icd.json';

await orStop(async () => {
  if (!fs.existsSync(manifest)) {
    throw new SetupError(
      `SwiftShader is not at ${manifest}. On Debian, install it with\n` +
        '    sudo apt-get install --no-install-recommends chromium libvulkan1\n' +
        'or name its manifest in SWIFTSHADER_ICD',
    );
  }
  process.env.VK_DRIVER_FILES = manifest;
  process.env.VK_ICD_FILENAMES = manifest;
  await setup();
});
const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
process.exitCode = await runInForeground(process.execPath, [vitest, 'run', ...PATIENCE, ...process.argv.slice(2)], {
  cwd: ROOT,
  drivers: true,
});
