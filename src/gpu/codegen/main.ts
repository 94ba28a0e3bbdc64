/** Writes `src/gpu/generated.ts`; run by `npm run generate`, from the package's root. */
import { writeFileSync } from 'node:fs';
import { loadShaders } from '../platform.js';
import { ShaderLibrary } from '../shader.js';
import { emitTypes } from './emit.js';

writeFileSync('src/gpu/generated.ts', emitTypes(new ShaderLibrary(loadShaders())));
