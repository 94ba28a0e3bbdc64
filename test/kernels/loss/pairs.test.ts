import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NONE } from '../../../src/reference/lib/none.js';
import { type PairsParameters, pairs } from '../../../src/reference/loss/pairs.js';
import { pairsBackward } from '../../../src/reference/loss/pairs_backward.js';
import { useGpu } from '../../support/gpu.js';
import { expectClose, runKernel } from '../../support/kernels.js';
import { groupPositions, type PairBatch, pairBatches } from '../../support/pairs.js';

const gpu = useGpu();

interface Setting {
  scale: number;
  negatives: number;
  triplets: number;
  cross_entropy_weight: number;
  ranking_weight: number;
  margin: number;
  RANKING: number;
  LANES: number;
  laterFirst: number;
}

const settings = fc.record<Setting>({
  scale: fc.constantFrom(0.01, 0.3, 1, -0.7, 4),
  negatives: fc.nat(6),
  triplets: fc.nat(6),
  cross_entropy_weight: fc.constantFrom(0, 0.1, 1),
  ranking_weight: fc.constantFrom(0, 0.5, 1),
  margin: fc.constantFrom(0, 0.2137, 0.5),
  RANKING: fc.constantFrom(0, 1),
  LANES: fc.constantFrom(1, 4, 16),
  laterFirst: fc.nat(12),
});

function parametersOf({ batch, width, slots }: PairBatch, setting: Setting): PairsParameters {
  const { cross_entropy_weight, ranking_weight, margin } = setting;
  return {
    batch,
    width,
    slots,
    negatives: Math.min(setting.negatives, slots),
    triplets: Math.min(setting.triplets, slots),
    cross_entropy_weight: Math.fround(cross_entropy_weight),
    ranking_weight: Math.fround(ranking_weight),
    margin: Math.fround(margin),
    later_first: setting.laterFirst,
    later_weight: Math.fround(0.3),
  };
}

async function forward(example: PairBatch, { scale, RANKING, LANES }: Setting, parameters: PairsParameters) {
  const bind = {
    guided: example.guided,
    pairs: example.pairs,
    scale: Float32Array.of(scale),
    score_gradient: new Float32Array(example.batch * (1 + example.slots)).fill(7),
    edge_terms: new Float32Array(example.batch * 4).fill(7),
  };
  const size = { invocations: example.batch * LANES };
  return runKernel(gpu(), 'loss/pairs', bind, parameters, size, { RANKING, LANES });
}

/** The twin's terms and score gradients for float64 values of ĥ and scale. */
function twin(
  example: PairBatch,
  { RANKING }: Setting,
  parameters: PairsParameters,
  guided: ArrayLike<number>,
  scale: number,
) {
  const score_gradient = new Float64Array(example.batch * (1 + example.slots));
  const edge_terms = new Float64Array(example.batch * 4);
  pairs({ guided, pairs: example.pairs, scale: [scale], score_gradient, edge_terms }, parameters, { RANKING });
  return { score_gradient, edge_terms };
}

function backward(example: PairBatch, setting: Setting, score_gradient: Float32Array<ArrayBuffer>) {
  const { width, slots, rowCount, guided } = example;
  const bind = {
    guided,
    pairs: example.pairs,
    score_gradient,
    scale: Float32Array.of(setting.scale),
    offsets: example.offsets,
    order: example.order,
    rows: Uint32Array.of(rowCount, 0),
    guided_gradient: new Float32Array(rowCount * width).fill(7),
  };
  return runKernel(gpu(), 'loss/pairs_backward', bind, { width, slots }, { invocations: (rowCount * width) / 4 });
}

/** Whether some triplet lies so near the hinge's kink, or some tie so near, that float32 may fall on the other side. */
function nearKink(example: PairBatch, setting: Setting, parameters: PairsParameters): boolean {
  const { batch, slots, width, guided } = example;
  const score = (a: number, b: number) => {
    let sum = 0;
    for (let bit = 0; bit < width; bit += 1) sum += guided[a * width + bit]! * guided[b * width + bit]!;
    return Math.fround(setting.scale) * sum;
  };
  const sigma = (x: number) => 1 / (1 + Math.exp(-x));
  for (let edge = 0; edge < batch; edge += 1) {
    const [user, positive, ...others] = example.pairs.slice(edge * (2 + slots), (edge + 1) * (2 + slots));
    if (user === NONE || positive === NONE) continue;
    for (const other of others) {
      if (other === NONE) continue;
      const [above, below] = [score(user!, positive!), score(user!, other)];
      if (above !== below && Math.abs(above - below) < 1e-4) return true;
      if (setting.RANKING === 0 && Math.abs(sigma(below) - sigma(above) + parameters.margin) < 1e-4) return true;
    }
  }
  return false;
}

describe('loss/pairs', () => {
  test('terms and gradients are those of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(pairBatches, settings, async (example, setting) => {
        const parameters = parametersOf(example, setting);
        fc.pre(!nearKink(example, setting, parameters));
        const got = await forward(example, setting, parameters);
        const expected = twin(example, setting, parameters, example.guided, Math.fround(setting.scale));
        expectClose(got.score_gradient, expected.score_gradient, { absolute: 3e-6, relative: 1e-4 }, 'score gradient');
        // Ties are ties in float32 only where the products are the same bits: column 3 is checked on its own below.
        const columns = (terms: ArrayLike<number>) => Array.from(terms).filter((_, at) => at % 4 !== 3);
        expectClose(columns(got.edge_terms), columns(expected.edge_terms), { absolute: 2e-5, relative: 2e-5 }, 'term');
        expect(got.edge_terms.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('the number of lanes changes no byte', async () => {
    await fc.assert(
      fc.asyncProperty(pairBatches, settings, async (example, setting) => {
        const parameters = parametersOf(example, setting);
        const [one, many] = [
          await forward(example, { ...setting, LANES: 1 }, parameters),
          await forward(example, { ...setting, LANES: 8 }, parameters),
        ];
        expect([...many.edge_terms]).toEqual([...one.edge_terms]);
        expect([...many.score_gradient]).toEqual([...one.score_gradient]);
      }),
      { numRuns: 15 },
    );
  });

  test.each([80, 88, 1000, 1e6])('scores of ±%d overflow nowhere and keep their tails', async (size) => {
    // Two positives and two negatives of one user, one of each sign.
    const example: PairBatch = {
      batch: 2,
      slots: 2,
      width: 4,
      rowCount: 3,
      guided: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, -1, 0, 0, 0),
      pairs: Uint32Array.of(0, 1, 1, 2, 0, 2, 2, 1),
      offsets: new Uint32Array(),
      order: new Uint32Array(),
    };
    for (const RANKING of [0, 1]) {
      const setting = { scale: size, RANKING, LANES: 1 } as Setting;
      const parameters = {
        ...{ batch: 2, width: 4, slots: 2, negatives: 2, triplets: 2 },
        ...{ cross_entropy_weight: 1, ranking_weight: 1, margin: 0.25, later_first: 9, later_weight: 0 },
      };
      const got = await forward(example, setting, parameters);
      const expected = twin(example, setting, parameters, example.guided, size);
      expectClose(got.edge_terms, expected.edge_terms, { absolute: 1e-30, relative: 2e-6 }, 'term');
      expectClose(got.score_gradient, expected.score_gradient, { absolute: 1e-30, relative: 2e-5 }, 'score gradient');
    }
  });

  test('a tiny loss keeps its digits: softplus(-20) is not 0', async () => {
    for (const score of [3, 4.6, 4.7, 9, 20, 60]) {
      const example = {
        ...{ batch: 1, slots: 0, width: 4, rowCount: 2 },
        guided: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0),
        pairs: Uint32Array.of(0, 1),
        offsets: new Uint32Array(),
        order: new Uint32Array(),
      };
      const setting = { scale: score, RANKING: 0, LANES: 1 } as Setting;
      const parameters = {
        ...{ batch: 1, width: 4, slots: 0, negatives: 0, triplets: 0 },
        ...{ cross_entropy_weight: 1, ranking_weight: 1, margin: 0, later_first: 9, later_weight: 0 },
      };
      const { edge_terms, score_gradient } = await forward(example, setting, parameters);
      const scale = Math.fround(score);
      expectClose([edge_terms[0]!], [Math.log1p(Math.exp(-scale))], { absolute: 0, relative: 2e-5 });
      expectClose([score_gradient[0]!], [-1 / (1 + Math.exp(scale))], { absolute: 0, relative: 2e-5 });
    }
  });

  test('the last term is the fraction of negatives below the positive, ties half, 1/2 without negatives', async () => {
    const row = (value: number) => [value, 0, 0, 0];
    const example = {
      ...{ batch: 4, slots: 4, width: 4, rowCount: 4 },
      guided: Float32Array.from([row(1), row(0.5), row(0.25), row(0.75)].flat()),
      pairs: Uint32Array.from(
        [
          [0, 1, 2, 2, 3, 1],
          [0, 3, 1, 2, NONE, NONE],
          [0, 1, NONE, NONE, NONE, NONE],
          [NONE, 1, 2, 3, 1, 2],
        ].flat(),
      ),
      offsets: new Uint32Array(),
      order: new Uint32Array(),
    };
    const setting = { scale: 1, RANKING: 0, LANES: 1 } as Setting;
    const parameters = {
      ...{ batch: 4, width: 4, slots: 4, negatives: 4, triplets: 4 },
      ...{ cross_entropy_weight: 1, ranking_weight: 1, margin: 0.25, later_first: 9, later_weight: 0 },
    };
    const { edge_terms } = await forward(example, setting, parameters);
    expect([3, 7, 11, 15].map((at) => edge_terms[at])).toEqual([2.5 / 4, 1, 0.5, 0]);
    expect([...edge_terms.slice(12)]).toEqual([0, 0, 0, 0]);
    const expected = twin(example, setting, parameters, example.guided, 1);
    expectClose(edge_terms, expected.edge_terms);
  });
});

describe('loss/pairs_backward', () => {
  test('every row has the sum over its occurrences, rows beyond those in use are untouched', async () => {
    await fc.assert(
      fc.asyncProperty(pairBatches, settings, fc.nat(3), async (example, setting, unused) => {
        const { batch, slots, width, rowCount } = example;
        const used = Math.max(0, rowCount - unused);
        const bind = {
          guided: example.guided,
          pairs: example.pairs,
          score_gradient: Float32Array.from({ length: batch * (1 + slots) }, (_, at) => Math.sin(at * 2.3)),
          scale: Float32Array.of(setting.scale),
          offsets: example.offsets,
          order: example.order,
          rows: Uint32Array.of(used, 0),
          guided_gradient: new Float32Array(rowCount * width).fill(7),
        };
        const expected = Float64Array.from(bind.guided_gradient);
        pairsBackward({ ...bind, guided_gradient: expected }, { width, slots });
        const size = { invocations: (rowCount * width) / 4 };
        const { guided_gradient } = await runKernel(gpu(), 'loss/pairs_backward', bind, { width, slots }, size);
        expectClose(guided_gradient, expected, { absolute: 2e-5 }, 'gradient');
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ['margin', 0],
    ['softplus', 1],
  ])('with the %s form, both kernels together give the differences of the loss', async (_, RANKING) => {
    await fc.assert(
      fc.asyncProperty(pairBatches, settings, async (example, drawn) => {
        const setting = { ...drawn, RANKING };
        const parameters = parametersOf(example, setting);
        fc.pre(!nearKink(example, setting, parameters));
        const scale = Math.fround(setting.scale);
        const total = (guided: ArrayLike<number>, factor: number) => {
          const { edge_terms } = twin(example, setting, parameters, guided, factor);
          let sum = 0;
          for (let edge = 0; edge < example.batch; edge += 1) {
            sum += parameters.cross_entropy_weight * edge_terms[edge * 4]!;
            sum += parameters.ranking_weight * edge_terms[edge * 4 + 1]!;
          }
          return sum;
        };
        const h = 1e-5;
        const { score_gradient, edge_terms } = await forward(example, setting, parameters);
        const { guided_gradient } = await backward(example, setting, new Float32Array(score_gradient));
        const differences = Float64Array.from(example.guided, (_, at) => {
          const moved = Float64Array.from(example.guided);
          moved[at]! += h;
          const above = total(moved, scale);
          moved[at]! -= 2 * h;
          return (above - total(moved, scale)) / (2 * h);
        });
        expectClose(guided_gradient, differences, { absolute: 2e-4, relative: 1e-4 }, '∂total/∂ĥ');
        const scaleGradient = edge_terms.filter((_, at) => at % 4 === 2).reduce((sum, value) => sum + value, 0);
        const difference = (total(example.guided, scale + h) - total(example.guided, scale - h)) / (2 * h);
        expectClose([scaleGradient], [difference], { absolute: 2e-4, relative: 1e-4 }, '∂total/∂scale');
      }),
      { numRuns: 25 },
    );
  });

  test('a row in thousands of edges has its exact sum, to the same bytes every time', async () => {
    const [batch, slots, width, rowCount] = [5000, 1, 4, 3];
    const pairs = Uint32Array.from({ length: batch * 3 }, (_, at) => at % 3);
    const example = {
      ...{ batch, slots, width, rowCount, pairs },
      guided: Float32Array.from({ length: 12 }, (_, at) => (at + 1) / 8),
      ...groupPositions(pairs, rowCount),
    };
    const score_gradient = Float32Array.from({ length: batch * 2 }, (_, at) => (at % 5) / 4 - 0.5);
    const run = async () => (await backward(example, { scale: 2 } as Setting, score_gradient)).guided_gradient;
    const got = await run();
    const expected = new Float64Array(12);
    const inputs = { ...example, score_gradient, scale: [2], rows: [rowCount, 0] };
    pairsBackward({ ...inputs, guided_gradient: expected }, { width, slots });
    expectClose(got, expected, { absolute: 1e-3, relative: 1e-6 });
    expect([...(await run())]).toEqual([...got]);
  });
});
