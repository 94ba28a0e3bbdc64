import { ALL_GROUPS, FIRST_GROUP } from '../grid.js';
import type { ShaderLibrary } from '../shader.js';

/**
 * The TypeScript types of all kernels, from their WGSL: what each must be given to be dispatched, so that the compiler
 * finds a missing, unknown or wrongly typed binding.
 */
export function emitTypes(library: ShaderLibrary): string {
  const kernels = library.kernels().map((name) => {
    const { bindings, uniform, compiled, constants: all } = library.get(name);
    // Chosen by the program, and by nobody else.
    const constants = all.filter(({ name }) => name !== FIRST_GROUP && name !== ALL_GROUPS);
    const fields = (entries: readonly string[]) => (entries.length > 0 ? `{ ${entries.join('; ')} }` : '{}');
    return [
      `  '${name}': {`,
      `    bindings: ${fields(bindings.map((info) => `readonly ${info.name}: Tensor<'${info.element}'>`))};`,
      `    parameters: ${fields([...compiled, ...(uniform?.parameters ?? [])].map((parameter) => `readonly ${parameter.name}: number`))};`,
      `    constants: ${fields(constants.map((constant) => `readonly ${constant.name}?: number`))};`,
      '  };',
    ].join('\n');
  });
  return `// Generated from shaders/ by \`npm run generate\`. Do not edit.
import type { Tensor } from './tensor.js';

/** What each kernel must be given, by the names of its WGSL variables. */
export interface Kernels {
${kernels.join('\n')}
}

export type KernelName = keyof Kernels;
`;
}
