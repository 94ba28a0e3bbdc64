import { expect, test } from 'vitest';
import { Graph } from '../../src/layers/graph.js';
import { likelyVariants } from '../../src/layers/variants.js';
import { MultinomialLoss, Scores, UserBatch } from '../../src/train/multinomial.js';
import { useGpu } from '../support/gpu.js';
import { floats, graphOf } from '../support/graphs.js';
import { expectClose } from '../support/kernels.js';

const gpu = useGpu();

const USERS = 200;
const ITEMS = 50;
const BITS = 8;
const edges = [...floats(900, 3)].map((value, at): [number, number] => [
  at % (USERS - 7),
  Math.floor(((value + 2) / 4) * ITEMS) % ITEMS,
]);
const graph = graphOf(USERS, ITEMS, edges);

/** The loss of one step on `count` users, their scores in parts of `scoreBytes`. */
async function lossOn(count: number, scoreBytes?: number) {
  const scope = gpu().scope();
  const program = gpu().program('test of the multinomial likelihood');
  try {
    const host = { userCount: USERS, itemCount: ITEMS, offsets: graph.offsets, neighbours: graph.neighbours };
    const onDevice = new Graph(scope, host);
    const variant = likelyVariants(gpu()).dense;
    const shape = { count, seed: 5 };
    const batch = new UserBatch(scope, onDevice, scoreBytes === undefined ? shape : { ...shape, scoreBytes });
    const memory = new Scores(scope, batch, { bits: BITS, variant });
    const loss = new MultinomialLoss(scope, { batch, memory, weight: 1, flattening: 0.5, ringCapacity: 2 });
    const state = scope.tensor('u32', [4], 'state', Uint32Array.of(1, 0, 0, 0));
    batch.recordSample(program, state);
    loss.record(program, {
      guided: scope.tensor('f32', [USERS + ITEMS, BITS], 'guided', floats((USERS + ITEMS) * BITS, 11)),
      scale: scope.tensor('f32', [1], 'scale', Float32Array.of(0.6)),
      state,
    });
    await program.compile();
    program.run(1);
    return {
      parts: batch.parts.map((part) => part.count),
      sums: await loss.log.read(4, 4),
      scale: await loss.scaleGradient.read(),
      gradient: await loss.guidedGradient.read(),
    };
  } finally {
    program.destroy();
    scope.destroy();
  }
}

// A row of scores is 52 floats, of which the last two are padding.
const ROW_BYTES = 4 * 52;

test.each([
  { count: 150, most: 64, parts: [64, 64, 22] },
  { count: 150, most: 140, parts: [128, 22] },
  { count: 200, most: 199, parts: [128, 72] },
  // No part is smaller than where views may begin.
  { count: 65, most: 1, parts: [64, 1] },
])('scores in parts of at most $most of $count users give the loss of all of them', async ({ count, most, parts }) => {
  const whole = await lossOn(count);
  expect(whole.parts).toEqual([count]);
  const inParts = await lossOn(count, most * ROW_BYTES);
  expect(inParts.parts).toEqual(parts);
  expectClose(inParts.sums, whole.sums, { relative: 1e-5, absolute: 1e-6 });
  expectClose(inParts.scale, whole.scale, { relative: 1e-5, absolute: 1e-6 });
  expectClose(inParts.gradient, whole.gradient, { relative: 1e-5, absolute: 1e-7 });
});
