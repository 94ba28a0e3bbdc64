import { expect, test } from 'vitest';
import { KeptParameters } from '../../src/train/kept.js';
import { useGpu } from '../support/gpu.js';
import { floats } from '../support/graphs.js';

const gpu = useGpu();

/** More than is read at once, and no multiple of it. */
const LARGE = 2 ** 22 + 77;

test('kept parameters come back as they were, large ones too, and are copies in a checkpoint', async () => {
  using scope = gpu().scope();
  const first = [floats(LARGE, 1), floats(5, 2)] as const;
  const tensors = [
    { name: 'large', tensor: scope.tensor('f32', [LARGE], 'large', first[0]) },
    { name: 'small', tensor: scope.tensor('f32', [1, 5], 'small', first[1]) },
  ];
  /** Where the parameters first differ from those that they began as, -1 where they do not: quick to say of large ones. */
  const differences = async () => {
    const now = await Promise.all(tensors.map(({ tensor }) => tensor.read()));
    return now.map((values, index) => values.findIndex((value, at) => value !== first[index]![at]));
  };
  const change = (seed: number) => {
    for (const { tensor } of tensors) tensor.write(floats(tensor.length, seed));
  };

  const kept = new KeptParameters(gpu(), tensors);
  await kept.keep();
  change(3);
  kept.takeUp();
  expect(await differences()).toEqual([-1, -1]);

  const state = new Map(kept.state());
  expect([...state].map(([name, { shape }]) => [name, shape])).toEqual([
    ['best.large', [LARGE]],
    ['best.small', [1, 5]],
  ]);
  change(4);
  await kept.keep();
  expect(state.get('best.large')!.data[0]).toBe(first[0][0]);

  kept.restore((name) => state.get(name)!.data as Float32Array);
  kept.takeUp();
  expect(await differences()).toEqual([-1, -1]);
});
