import { expect } from 'vitest';
import type { Gpu, Tensor, TypedArrays } from '../../src/gpu/index.js';
import type { BindingsOf, ConstantsOf, ParametersOf } from '../../src/gpu/kernel.js';

type Data = TypedArrays[keyof TypedArrays];

/** Host arrays for the bindings of a kernel: f32 as Float32Array, and so on. */
type HostBindings<K extends string> = {
  readonly [name in keyof BindingsOf<K>]: BindingsOf<K>[name] extends Tensor<infer E> ? TypedArrays[E] : Data;
};

/**
 * Runs one kernel on host arrays and gives back what every binding holds afterwards.
 * @param size what the dispatch covers: invocations or workgroups
 */
export async function runKernel<K extends string>(
  gpu: Gpu,
  name: K,
  bind: HostBindings<K>,
  parameters: ParametersOf<K>,
  size: { invocations: number } | { workgroups: number },
  constants: ConstantsOf<K> = {} as ConstantsOf<K>,
): Promise<HostBindings<K>> {
  const scope = gpu.scope();
  const program = gpu.program(`test of ${name}`);
  try {
    const tensors = Object.fromEntries(
      Object.entries<Data>(bind).map(([key, data]) => {
        const element = data instanceof Float32Array ? 'f32' : data instanceof Int32Array ? 'i32' : 'u32';
        return [key, scope.tensor(element, [data.length], key, data as never) as Tensor];
      }),
    );
    program.dispatch<string>(name, { bind: tensors, parameters, constants, ...size } as never);
    await program.compile();
    program.run();
    const entries = await Promise.all(
      Object.entries(tensors).map(async ([key, tensor]) => [key, await tensor.read()] as const),
    );
    return Object.fromEntries(entries) as unknown as HostBindings<K>;
  } finally {
    program.destroy();
    scope.destroy();
  }
}

/**
 * Every element within `absolute + relative · |expected|`; the message names the first one that is not.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 1e-6, relative = 1e-5 }: { absolute?: number; relative?: number } = {},
  what = 'element',
): void {
  expect(actual.length, `length of ${what}`).toBe(expected.length);
  for (let index = 0; index < expected.length; index += 1) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    if (!(difference <= absolute + relative * Math.abs(expected[index]!))) {
      expect.fail(`${what} ${index} is ${actual[index]}, expected ${expected[index]}`);
    }
  }
}
