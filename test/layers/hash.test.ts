import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Tensor } from '../../src/gpu/index.js';
import { HashGuidance } from '../../src/layers/hash.js';
import { guide } from '../../src/reference/hash/guide.js';
import { guideBackward } from '../../src/reference/hash/guide_backward.js';
import { sign } from '../../src/reference/hash/sign.js';
import { signBackward } from '../../src/reference/hash/sign_backward.js';
import { useGpu } from '../support/gpu.js';

const gpu = useGpu();

const cases = fc.record({
  maxRows: fc.integer({ min: 1, max: 30 }),
  unused: fc.nat(2),
  bits: fc.constantFrom<number>(8, 32, 40),
  byRow: fc.boolean(),
  seed: fc.nat(0xffffffff),
  step: fc.nat(3),
  p: fc.constantFrom<number>(0, 0.3, 1),
});

async function run({
  maxRows,
  unused,
  bits,
  byRow,
  seed,
  step,
  p,
}: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const scope = gpu().scope();
  const program = gpu().program('test of the hash layer');
  try {
    const used = Math.max(0, maxRows - unused);
    const length = maxRows * bits;
    const host = {
      embedding: Float32Array.from({ length }, (_, at) => Math.tanh(Math.sin(at * 1.3 + seed))),
      guidedGradient: Float32Array.from({ length }, (_, at) => Math.cos(at * 0.7)),
      rows: Uint32Array.of(used, 0),
      state: Uint32Array.of(step, 0, 0, 0),
      schedule: new Float32Array(16).fill(0.5),
    };
    host.schedule[step * 4] = p;
    const f32 = (name: string, data: Float32Array<ArrayBuffer>): Tensor<'f32'> =>
      scope.tensor('f32', [data.length], name, data);
    const layer = new HashGuidance(scope, { maxRows, bits, byRow, seed });
    const tensors = {
      rows: scope.tensor('u32', [2], 'rows', host.rows),
      state: scope.tensor('u32', [4], 'state', host.state),
      schedule: f32('schedule', host.schedule),
    };
    const embeddingGradient = f32('embedding gradient', new Float32Array(length));
    layer.forward(program, { embedding: f32('embedding', host.embedding), ...tensors });
    const guidedGradient = f32('guided gradient', host.guidedGradient);
    layer.backward(program, { guidedGradient, embeddingGradient, ...tensors });
    await program.compile();
    program.run();
    const [code, guided, gradient] = await Promise.all([
      layer.code.read(),
      layer.guided.read(),
      embeddingGradient.read(),
    ]);
    return { host, used: used * bits, code, guided, gradient };
  } finally {
    program.destroy();
    scope.destroy();
  }
}

test('forward is the guided sign and backward the straight-through copy, as their twins make them', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (example) => {
      const { bits, seed, byRow } = example;
      const { host, used, code, guided, gradient } = await run(example);
      const { length } = host.embedding;
      const [codes, guideds, direct, through, sum] = Array.from({ length: 5 }, () => new Float64Array(length)) as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const parameters = { width: bits, seed };
      const constants = { BY_ROW: byRow ? 1 : 0 };
      sign({ embedding: host.embedding, code: codes }, { count: length });
      guide({ ...host, code: codes, guided: guideds }, parameters, constants);
      const gradients = { guided_gradient: host.guidedGradient, embedding_gradient: direct, code_gradient: through };
      guideBackward({ ...host, ...gradients }, parameters, constants);
      signBackward({ ...host, direct_gradient: direct, code_gradient: through, embedding_gradient: sum }, parameters);
      expect([...code]).toEqual([...codes]);
      expect([...guided]).toEqual([...guideds]);
      expect([...gradient]).toEqual([...sum]);
      // Both branches have slope 1 towards z: whatever Q is, the gradient of ĥ arrives whole.
      expect([...gradient.subarray(0, used)]).toEqual([...host.guidedGradient.subarray(0, used)]);
    }),
    { numRuns: 20 },
  );
});

test('p = 1 trains on embeddings and p = 0 on codes', async () => {
  const example = { maxRows: 9, unused: 0, bits: 32, byRow: false, seed: 3, step: 2 };
  const continuous = await run({ ...example, p: 1 });
  expect([...continuous.guided]).toEqual([...continuous.host.embedding]);
  const discrete = await run({ ...example, p: 0 });
  expect([...discrete.guided]).toEqual([...discrete.code]);
});

test.each([0, -8, 30, 2.5])('a code of %d bits is refused', (bits) => {
  const scope = gpu().scope();
  expect(() => new HashGuidance(scope, { maxRows: 1, bits, byRow: false, seed: 0 })).toThrow(`${bits} bits`);
  scope.destroy();
});
