import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pairs } from '../../src/reference/loss/pairs.js';
import { pairsBackward } from '../../src/reference/loss/pairs_backward.js';
import { PairLoss, type PairLossOptions } from '../../src/train/losses.js';
import { recordAdvance } from '../../src/train/optimizer.js';
import { useGpu } from '../support/gpu.js';
import { expectClose } from '../support/kernels.js';
import { groupPositions, type PairBatch, pairBatches } from '../support/pairs.js';

const gpu = useGpu();

/** Random batches whose scores tie with nothing and lie off the hinge's kink, almost surely. */
const batches = pairBatches.map((example): PairBatch => {
  const guided = example.guided.map((value, at) => value + 0.1 * Math.sin(at * 1.618));
  return { ...example, guided };
});

const choices = fc.record({
  ranking: fc.constantFrom('margin' as const, 'softplus' as const),
  reduction: fc.constantFrom('sum' as const, 'mean' as const),
  crossEntropyWeight: fc.constantFrom(1, 0.1, 0),
  rankingWeight: fc.constantFrom(0, 0.5, 1),
  negatives: fc.nat(6),
  triplets: fc.nat(6),
});
type Choice = typeof choices extends fc.Arbitrary<infer T> ? T : never;

const optionsOf = ({ batch, slots, width, rowCount }: PairBatch, choice: Choice): PairLossOptions => ({
  ...choice,
  bits: width,
  batch,
  slots,
  maxRows: rowCount,
  negatives: Math.min(choice.negatives, slots),
  triplets: Math.min(choice.triplets, slots),
  margin: 0.20703125,
  ringCapacity: 3,
});

/** Runs `steps` steps on the same batch and reads everything back. */
async function run(example: PairBatch, options: PairLossOptions, scale: number, steps = 1) {
  const scope = gpu().scope();
  const program = gpu().program('test of the loss');
  try {
    const { batch, slots, width, rowCount, guided } = example;
    const loss = new PairLoss(scope, options);
    const state = scope.tensor('u32', [4], 'state');
    loss.record(program, {
      guided: scope.tensor('f32', [rowCount, width], 'guided', guided),
      pairs: scope.tensor('u32', [batch, 2 + slots], 'pairs', example.pairs),
      scale: scope.tensor('f32', [1], 'scale', Float32Array.of(scale)),
      occurrences: {
        offsets: scope.tensor('u32', [rowCount + 1], 'offsets', example.offsets),
        order: scope.tensor('u32', [example.order.length], 'order', example.order),
      },
      rows: scope.tensor('u32', [2], 'rows', Uint32Array.of(rowCount, 0)),
      state,
    });
    recordAdvance(program, state);
    await program.compile();
    program.run(steps);
    const last = await loss.read(steps - 1, steps);
    await expect(loss.read(0, 4)).rejects.toThrow('the log holds 3 steps');
    return {
      last: last[0]!,
      weights: loss.weights,
      log: await loss.log.read(),
      scaleGradient: (await loss.scaleGradient.read())[0]!,
      guidedGradient: await loss.guidedGradient.read(),
    };
  } finally {
    program.destroy();
    scope.destroy();
  }
}

/** The loss in float64, from the definition of its reduction. */
function expectedLoss(example: PairBatch, options: PairLossOptions, guided: ArrayLike<number>, scale: number) {
  const { batch, slots, width } = example;
  const { negatives, triplets, crossEntropyWeight, rankingWeight, reduction, ranking, margin } = options;
  const divisors = reduction === 'sum' ? [1, 1] : [batch * (1 + negatives), batch * Math.max(triplets, 1)];
  const score_gradient = new Float64Array(batch * (1 + slots));
  const edge_terms = new Float64Array(batch * 4);
  const parameters = {
    ...{ batch, width, slots, negatives, triplets, margin },
    cross_entropy_weight: crossEntropyWeight / divisors[0]!,
    ranking_weight: rankingWeight / divisors[1]!,
    ...{ later_first: batch, later_weight: 1 },
  };
  const constants = { RANKING: ranking === 'softplus' ? 1 : 0 };
  pairs({ guided, pairs: example.pairs, scale: [scale], score_gradient, edge_terms }, parameters, constants);
  const sum = (column: number) => edge_terms.filter((_, at) => at % 4 === column).reduce((total, x) => total + x, 0);
  const crossEntropy = sum(0) / divisors[0]!;
  const rank = sum(1) / divisors[1]!;
  const total = crossEntropyWeight * crossEntropy + rankingWeight * rank;
  return { crossEntropy, ranking: rank, total, scaleGradient: sum(2), auc: sum(3) / batch, score_gradient };
}

test('losses and gradients are those of the definition, for sums and for means', async () => {
  await fc.assert(
    fc.asyncProperty(batches, choices, async (example, choice) => {
      const options = optionsOf(example, choice);
      const scale = 0.375;
      const got = await run(example, options, scale);
      const expected = expectedLoss(example, options, example.guided, scale);
      const tolerance = { absolute: 1e-5, relative: 2e-5 };
      for (const name of ['crossEntropy', 'ranking', 'total'] as const) {
        expectClose([got.last[name]], [expected[name]], tolerance, name);
      }
      expectClose([got.scaleGradient], [expected.scaleGradient], { absolute: 1e-4, relative: 1e-4 }, 'scale gradient');
      const guided_gradient = new Float64Array(example.guided.length);
      const { pairs: entries, offsets, order, guided, width, slots, rowCount } = example;
      pairsBackward(
        {
          ...{ guided, pairs: entries, offsets, order, guided_gradient },
          ...{ score_gradient: expected.score_gradient, scale: [scale], rows: [rowCount, 0] },
        },
        { width, slots },
      );
      expectClose(got.guidedGradient, guided_gradient, { absolute: 1e-4, relative: 1e-4 }, 'gradient');
      expect(got.last.auc).toBeGreaterThanOrEqual(0);
      expect(got.last.auc).toBeLessThanOrEqual(1);
    }),
    { numRuns: 25 },
  );
});

const fixed: PairBatch = (() => {
  const [batch, slots, width, rowCount] = [12, 3, 8, 9];
  const pairRows = Uint32Array.from({ length: batch * 5 }, (_, at) => (at * 5 + (at >> 2)) % rowCount);
  pairRows[4] = 0xffffffff;
  const guided = Float32Array.from({ length: rowCount * width }, (_, at) => Math.sin(at * 2.7));
  return { batch, slots, width, rowCount, guided, pairs: pairRows, ...groupPositions(pairRows, rowCount) };
})();

test.each(['margin', 'softplus'] as const)('gradients are the differences of the loss itself, %s', async (ranking) => {
  const options = optionsOf(fixed, {
    ...{ ranking, reduction: 'mean', crossEntropyWeight: 1, rankingWeight: 0.5, negatives: 3, triplets: 2 },
  });
  const scale = 0.5;
  const { guidedGradient, scaleGradient } = await run(fixed, options, scale);
  const h = 1e-5;
  const total = (guided: ArrayLike<number>, factor: number) => expectedLoss(fixed, options, guided, factor).total;
  const differences = Float64Array.from(fixed.guided, (value, at) => {
    const moved = Float64Array.from(fixed.guided);
    moved[at] = value + h;
    const above = total(moved, scale);
    moved[at] = value - h;
    return (above - total(moved, scale)) / (2 * h);
  });
  expect(differences.some((value) => Math.abs(value) > 1e-3)).toBe(true);
  expectClose(guidedGradient, differences, { absolute: 1e-7, relative: 1e-4 }, '∂loss/∂ĥ');
  const difference = (total(fixed.guided, scale + h) - total(fixed.guided, scale - h)) / (2 * h);
  expectClose([scaleGradient], [difference], { absolute: 1e-7, relative: 1e-4 }, '∂loss/∂scale');
});

test('descending the gradient lowers the loss', async () => {
  const options = optionsOf(fixed, {
    ...{ ranking: 'softplus', reduction: 'mean', crossEntropyWeight: 0.1, rankingWeight: 1, negatives: 3, triplets: 3 },
  });
  let guided = fixed.guided;
  const losses: number[] = [];
  for (let step = 0; step < 5; step += 1) {
    const { last, guidedGradient } = await run({ ...fixed, guided }, options, 1);
    losses.push(last.total);
    guided = guided.map((value, at) => value - 0.5 * guidedGradient[at]!);
  }
  for (let step = 1; step < 5; step += 1) expect(losses[step]).toBeLessThan(losses[step - 1]!);
});

test('the log keeps the latest steps, each in its row, and repeated steps are the same bytes', async () => {
  const options = optionsOf(fixed, {
    ...{ ranking: 'margin', reduction: 'sum', crossEntropyWeight: 1, rankingWeight: 1, negatives: 2, triplets: 3 },
  });
  const [one, two, five] = [
    await run(fixed, options, 1, 1),
    await run(fixed, options, 1, 2),
    await run(fixed, options, 1, 5),
  ];
  const row = (log: Float32Array, at: number) => [...log.subarray(at * 4, at * 4 + 4)];
  expect(row(one.log, 0)).not.toEqual([0, 0, 0, 0]);
  expect(row(one.log, 1)).toEqual([0, 0, 0, 0]);
  expect(row(two.log, 1)).toEqual(row(one.log, 0));
  expect(row(two.log, 2)).toEqual([0, 0, 0, 0]);
  for (const at of [0, 1, 2]) expect(row(five.log, at)).toEqual(row(one.log, 0));
  expect([...five.guidedGradient]).toEqual([...one.guidedGradient]);
  expect(five.last).toEqual(one.last);
});

test('sizes that contradict each other are refused', () => {
  const scope = gpu().scope();
  const choice: Choice = {
    ...{ ranking: 'margin', reduction: 'sum', crossEntropyWeight: 1, rankingWeight: 1, negatives: 2, triplets: 3 },
  };
  const options = optionsOf(fixed, choice);
  expect(() => new PairLoss(scope, { ...options, negatives: 4 })).toThrow('do not fit 3 sampled negatives');
  expect(() => new PairLoss(scope, { ...options, triplets: 5 })).toThrow('do not fit 3 sampled negatives');
  expect(() => new PairLoss(scope, { ...options, bits: 30 })).toThrow('30 bits');
  scope.destroy();
});
