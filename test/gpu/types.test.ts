import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { emitTypes } from '../../src/gpu/codegen/emit.js';
import type { Program, Tensor } from '../../src/gpu/index.js';
import { loadShaders } from '../../src/gpu/platform.js';
import { ShaderLibrary } from '../../src/gpu/shader.js';

test('the generated types are those of the present shaders', () => {
  const file = join(import.meta.dirname, '../../src/gpu/generated.ts');
  const fresh = emitTypes(new ShaderLibrary(loadShaders()));
  expect(readFileSync(file, 'utf8') === fresh, 'src/gpu/generated.ts is out of date: run `npm run generate`').toBe(
    true,
  );
});

test('the emitter tells bindings, parameters and constants, each with its type', () => {
  const source = readFileSync(join(import.meta.dirname, 'fixtures/mix.wgsl'), 'utf8');
  const types = emitTypes(new ShaderLibrary(new Map([['a/mix', source]])));
  expect(types).toContain("'a/mix': {");
  expect(types).toContain(
    "bindings: { readonly values: Tensor<'u32'>; readonly signs: Tensor<'i32'>; readonly output: Tensor<'f32'> };",
  );
  expect(types).toContain('parameters: { readonly count: number; readonly offset: number; readonly weight: number };');
  expect(types).toContain('constants: { readonly FACTOR?: number };');
});

/** Never run: the type checker is the test, and complains of an expected error that does not come. */
function mistakes(program: Program, floats: Tensor<'f32'>, words: Tensor<'u32'>): void {
  const bind = { embedding: floats, code: floats };
  const parameters = { count: 1 };
  const invocations = 1;
  program.dispatch('hash/sign', { bind, parameters, invocations });
  program.dispatch('hash/sign', { bind, parameters, constants: { WORKGROUP: 32 }, workgroups: 1 });
  program.dispatch('optim/advance', { bind: { state: words }, workgroups: 1 });

  // @ts-expect-error a binding is missing
  program.dispatch('hash/sign', { bind: { embedding: floats }, parameters, invocations });
  // @ts-expect-error a binding has another element type
  program.dispatch('hash/sign', { bind: { embedding: floats, code: words }, parameters, invocations });
  // @ts-expect-error there is no such binding
  program.dispatch('hash/sign', { bind: { embedding: floats, code: floats, codes: floats }, parameters, invocations });
  // @ts-expect-error a parameter is missing
  program.dispatch('hash/sign', { bind, parameters: {}, invocations });
  // @ts-expect-error the parameters are missing
  program.dispatch('hash/sign', { bind, invocations });
  // @ts-expect-error there is no such constant
  program.dispatch('hash/sign', { bind, parameters, constants: { WORKGROP: 32 }, invocations });
  // @ts-expect-error there is no such parameter
  program.dispatch('optim/advance', { bind: { state: words }, parameters, workgroups: 1 });
  // @ts-expect-error nothing says how much is to be done
  program.dispatch('hash/sign', { bind, parameters });
}
void mistakes;
